//! No secret is in a file.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::Folder;
use memtop_heap::testing::graph;
use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, LabelKind, Object, ObjectId, Root, RootKind, Type};
use memtop_snapshot::{SaveOptions, load, save};

/// A heap captured with keys, after saving and loading, and all texts in the file.
fn saved(heap: &Heap, with_keys: bool, test: &str) -> (Heap, Vec<String>) {
    let folder = Folder::new(test);
    let file = folder.file("a.parquet");
    save(heap, None, &file, &SaveOptions { with_keys }).unwrap();
    let loaded = load(&file).unwrap().heap;
    let texts = loaded.strings().iter().map(|(_, text)| text.to_owned()).collect();
    (loaded, texts)
}

fn with_keys(keys: &[&str], of: impl Fn(&mut HeapBuilder, ObjectId)) -> Heap {
    let mut builder = HeapBuilder::new(CaptureInfo { with_keys: true, ..CaptureInfo::default() });
    let dict = builder.add_type(Type::new("builtins", "dict"));
    let holder = builder.add_object(Object::new(16, dict, 64));
    let value = builder.add_object(Object::new(32, dict, 64));
    for key in keys {
        let key = builder.string(key);
        builder.add_reference(holder, value, Label::key(key));
    }
    of(&mut builder, holder);
    builder.finish().unwrap()
}

fn kinds(heap: &Heap) -> Vec<LabelKind> {
    heap.references().of(ObjectId::from_index(0)).map(|one| one.label.kind()).collect()
}

#[test]
fn keys_that_are_not_identifiers_are_left_out() {
    let heap = with_keys(&["user", "tok-17", "ada@example.org", "имя", ""], |builder, holder| {
        let text = builder.string("4242424242424242");
        builder.add_reference(holder, holder, Label::key_text(text));
        builder.string("a text that nothing refers to");
    });
    let (loaded, texts) = saved(&heap, false, "keys");
    use LabelKind::{AnyKey, Key, KeyText};
    assert_eq!(kinds(&loaded), [Key, AnyKey, AnyKey, Key, AnyKey, AnyKey]);
    assert_eq!(texts, ["", "dict", "builtins", "user", "имя"]);
    assert!(!loaded.info().with_keys);

    let (loaded, texts) = saved(&heap, true, "keys-kept");
    assert_eq!(kinds(&loaded), [Key, Key, Key, Key, Key, KeyText]);
    assert!(
        texts.iter().any(|text| text == "tok-17")
            && !texts.iter().any(|text| text.contains("nothing refers"))
    );
    assert!(loaded.info().with_keys);
}

#[test]
fn from_64_keys_on_keys_are_data_but_in_a_namespace() {
    let keys: Vec<String> = (0..64).map(|index| format!("key{index}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let named = |heap: &Heap, test: &str| {
        kinds(&saved(heap, false, test).0).iter().filter(|&&kind| kind == LabelKind::Key).count()
    };
    assert_eq!(named(&with_keys(&keys[..63], |_, _| ()), "few"), 63);
    assert_eq!(named(&with_keys(&keys, |_, _| ()), "many"), 0);
    let of_a_module = with_keys(&keys, |builder, holder| {
        let name = builder.string("shop");
        builder.add_root(Root::new(RootKind::Module, name, holder));
    });
    assert_eq!(named(&of_a_module, "module"), 64);
    let of_an_instance = with_keys(&keys, |builder, holder| {
        builder.add_reference(ObjectId::from_index(1), holder, Label::DICT);
    });
    assert_eq!(named(&of_an_instance, "instance"), 64);
    let of_a_function = with_keys(&keys, |builder, holder| {
        let name = builder.string("__globals__");
        builder.add_reference(ObjectId::from_index(1), holder, Label::attribute(name));
    });
    assert_eq!(named(&of_a_function, "function"), 64);
}

/// Saving applies the rule even to a capture without keys.
#[test]
fn keys_that_a_capture_should_not_have_are_left_out() {
    let graph = graph("root -> a:dict -> b:str('s3cret-token-of-a-person'); a -> c:str([s3cret.text])");
    let (heap, texts) = saved(graph.heap(), false, "bytes");
    assert!(!texts.iter().any(|text| text.contains("s3cret")));
    assert!(heap.references().labels().iter().all(|label| label.text().is_none()));
}
