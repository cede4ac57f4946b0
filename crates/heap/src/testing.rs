//! A small text language for graphs, for tests.
//!
//! ```
//! use memtop_heap::testing::graph;
//!
//! let graph = graph(
//!     "module:shop -> globals:dict -> sessions:shop.Sessions('sessions')
//!      sessions -> by_token:dict(.by_token)[232] -> one:shop.Session('tok-17')[56]
//!      frame:handle@views.py:42 -> one(local session)",
//! );
//! assert_eq!(graph.heap().objects().size(graph.id("one")), 56);
//! ```
//!
//! Statements end at a `;` or a line's end; `//` begins a comment. A statement is a chain: each place refers to the
//! next one. A place alone is an object, perhaps without a referrer.
//!
//! | place | meaning |
//! |---|---|
//! | `name` | the object of that name, created when it is first mentioned |
//! | `root` | at the head of a chain, an unknown root |
//! | `KIND:NAME` | at the head of a chain, a root: `module`, `class`, `frame`, `thread`, `context`, `interpreter`, `builtins`, `native` or `unknown`; a frame is `frame:function@file:line` |
//!
//! | after an object's name, in any order | meaning |
//! |---|---|
//! | `:type` | its type, `module.Name`, or a builtin's name; else `object`. A `%` behind it: it is defined in C |
//! | `(label)` | the label of the reference from the previous place |
//! | `[100]` | its size in bytes; else 1 |
//! | `#3` | its reference count; else the number of references and roots that lead to it |
//! | `=module.name` | its name, for a module, class or function |
//! | `<100` | the most items that it allows itself to hold |
//! | `!tracked` `!garbage` `!immortal` `!memtop` | its flags |
//! | `~7` | the tag of its value |
//! | `!own` `!package` `!standard` | after a root: the origin of its code |
//!
//! A label is `.name`, `'key'`, `[3]`, `[*]`, `[text]` (a key that is not a string), `{*}` (a member), `key`, `type`,
//! `base`, `__dict__`, `storage`, `local name` or `closure name`. Without one, a root of a kind that has a namespace
//! leads to it, and any other reference is unlabelled.
//!
//! Names belong to the test and are not in the heap. A mistake in the text panics, with its place.

use std::collections::BTreeMap;

use crate::builder::HeapBuilder;
use crate::handles::{FrameId, ObjectId, StringId, TypeId};
use crate::heap::Heap;
use crate::info::CaptureInfo;
use crate::label::Label;
use crate::objects::{Flags, Name, Object};
use crate::roots::{Frame, Root, RootKind};
use crate::types::{Origin, Type};

/// A heap, and the names of its objects in the text.
#[derive(Debug, Clone)]
pub struct Graph {
    heap: Heap,
    ids: BTreeMap<String, ObjectId>,
}

impl Graph {
    /// The heap.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The object of that name.
    ///
    /// # Panics
    /// If the text does not have it.
    #[must_use]
    pub fn id(&self, name: &str) -> ObjectId {
        *self.ids.get(name).unwrap_or_else(|| panic!("no object is called {name:?}"))
    }

    /// The name of an object in the text.
    ///
    /// # Panics
    /// If the object is not one of the text's.
    #[must_use]
    pub fn name(&self, id: ObjectId) -> &str {
        let found = self.ids.iter().find(|&(_, &known)| known == id);
        found.map(|(name, _)| name.as_str()).expect("every object has a name in the text")
    }

    /// All names with their objects, by name.
    pub fn names(&self) -> impl Iterator<Item = (&str, ObjectId)> {
        self.ids.iter().map(|(name, &id)| (name.as_str(), id))
    }
}

/// The heap that `text` describes; see the module.
///
/// # Panics
/// If the text is not in the language.
#[must_use]
pub fn graph(text: &str) -> Graph {
    let mut reader = Reader::new(CaptureInfo::default());
    reader.read(text);
    reader.settle_refcounts();
    let heap = reader.builder.finish().expect("the language makes valid handles only");
    Graph { heap, ids: reader.ids }
}

/// As [`graph`], with information about the capture, and finished by [`HeapBuilder::finish_with_accounts`].
///
/// # Panics
/// If the text is not in the language.
#[must_use]
pub fn graph_with_accounts(text: &str, info: CaptureInfo) -> Graph {
    let mut reader = Reader::new(info);
    reader.read(text);
    reader.settle_refcounts();
    let (heap, _) = reader.builder.finish_with_accounts().expect("the language makes valid handles only");
    Graph { heap, ids: reader.ids }
}

/// As [`graph_with_accounts`], but finished by [`HeapBuilder::finish_as_collected`]: objects that the collector knows
/// need `!tracked`. The traverse of the first object of each pair does not visit the second.
///
/// # Panics
/// If the text is not in the language.
#[must_use]
pub fn graph_as_collected(text: &str, unvisited: &[(&str, &str)], info: CaptureInfo) -> Graph {
    let mut reader = Reader::new(info);
    reader.read(text);
    reader.settle_refcounts();
    let unvisited = unvisited.iter().map(|(from, to)| (reader.ids[*from], reader.ids[*to])).collect();
    let (heap, _) =
        reader.builder.finish_as_collected(unvisited).expect("the language makes valid handles only");
    Graph { heap, ids: reader.ids }
}

enum Place {
    Root { kind: RootKind, name: StringId, frame: Option<FrameId>, origin: Origin },
    Object(ObjectId),
}

struct Reader {
    builder: HeapBuilder,
    types: BTreeMap<String, TypeId>,
    ids: BTreeMap<String, ObjectId>,
    objects: Vec<Object>,
    found: Vec<u32>,
    explicit: Vec<bool>,
}

impl Reader {
    fn new(info: CaptureInfo) -> Self {
        Self {
            builder: HeapBuilder::new(info),
            types: BTreeMap::new(),
            ids: BTreeMap::new(),
            objects: Vec::new(),
            found: Vec::new(),
            explicit: Vec::new(),
        }
    }

    fn read(&mut self, text: &str) {
        // An object must be complete before it is added, so the text is read twice: places, then references.
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let statements: Vec<&str> =
            lines.flat_map(|line| line.split(';')).map(str::trim).filter(|part| !part.is_empty()).collect();
        let mut links: Vec<(Place, ObjectId, Option<String>)> = Vec::new();
        for statement in statements {
            let mut before: Option<Place> = None;
            for (position, part) in statement.split("->").map(str::trim).enumerate() {
                let root = if position == 0 { self.root(part) } else { None };
                let place = root.unwrap_or_else(|| {
                    let (id, label) = self.object(part, statement);
                    if let Some(before) = before.take() {
                        links.push((before, id, label));
                    }
                    Place::Object(id)
                });
                before = Some(place);
            }
        }
        for &object in &self.objects {
            self.builder.add_object(object);
        }
        for (from, to, label) in links {
            self.found[to.index()] += 1;
            let label = label.map(|text| self.label(&text));
            match from {
                Place::Object(from) => self.builder.add_reference(from, to, label.unwrap_or_default()),
                Place::Root { kind, name, frame, origin } => {
                    let mut root = Root::new(kind, name, to).with_origin(origin);
                    root = frame.map_or(root, |frame| root.with_frame(frame));
                    let label = label.unwrap_or(root.label);
                    let name = if kind == RootKind::Frame { label.text().unwrap_or(name) } else { name };
                    self.builder.add_root(Root { name, ..root.with_label(label) });
                }
            }
        }
    }

    fn settle_refcounts(&mut self) {
        for (index, &found) in self.found.iter().enumerate() {
            if !self.explicit[index] {
                self.builder.set_refcount(ObjectId::from_index(index), found);
            }
        }
    }

    /// The root that a chain begins with, if it does.
    fn root(&mut self, part: &str) -> Option<Place> {
        let (place, origin) = match part.split_once('!') {
            Some((place, "own")) => (place, Origin::Own),
            Some((place, "package")) => (place, Origin::Package),
            Some((place, "standard")) => (place, Origin::Standard),
            _ => (part, Origin::Unknown),
        };
        if place == "root" {
            let name = self.builder.string("root");
            return Some(Place::Root { kind: RootKind::Unknown, name, frame: None, origin });
        }
        let (kind, name) = place.split_once(':')?;
        let kind = match kind {
            "module" => RootKind::Module,
            "class" => RootKind::Class,
            "frame" => RootKind::Frame,
            "thread" => RootKind::ThreadLocal,
            "context" => RootKind::ContextVariable,
            "interpreter" => RootKind::Interpreter,
            "builtins" => RootKind::Builtins,
            "native" => RootKind::Native,
            "unknown" => RootKind::Unknown,
            _ => return None,
        };
        let frame = (kind == RootKind::Frame).then(|| {
            let (function, at) = name.split_once('@').unwrap_or((name, ""));
            let (file, line) = at.split_once(':').unwrap_or((at, "0"));
            let frame = Frame {
                thread: self.builder.string("MainThread"),
                function: self.builder.string(function),
                file: self.builder.string(file),
                line: line.parse().unwrap_or_else(|_| panic!("{line:?} is not a line, in {part:?}")),
            };
            self.builder.add_frame(frame)
        });
        let name = self.builder.string(name);
        Some(Place::Root { kind, name, frame, origin })
    }

    /// The object that a place names, with its properties from the place, and the label of the reference to it.
    fn object(&mut self, part: &str, statement: &str) -> (ObjectId, Option<String>) {
        let complain = |what: &str| -> ! { panic!("{what} in {part:?} of {statement:?}") };
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let end = part.find(|c| !is_name(c)).unwrap_or(part.len());
        let (name, mut rest) = part.split_at(end);
        if name.is_empty() {
            complain("no name");
        }
        let id = self.named(name);
        let mut label = None;
        while let Some(mark) = rest.chars().next() {
            let after = &rest[mark.len_utf8()..];
            let close = |end: char| match after.rfind(end) {
                Some(_) if end == ')' => matching_parenthesis(after).unwrap_or_else(|| complain("no ')'")),
                _ => after.find(end).unwrap_or_else(|| complain("no end of a bracket")),
            };
            let word = || after.find(|c| !is_name(c) && c != '.' && c != '%').unwrap_or(after.len());
            let number = |text: &str| text.parse().unwrap_or_else(|_| complain("no number"));
            let index = id.index();
            let taken = match mark {
                '(' => {
                    let end = close(')');
                    label = Some(after[..end].to_owned());
                    end + 1
                }
                '[' => {
                    let end = close(']');
                    self.objects[index].size = number(&after[..end]);
                    end + 1
                }
                '#' => {
                    self.objects[index].refcount =
                        u32::try_from(number(&after[..word()])).unwrap_or(u32::MAX);
                    self.explicit[index] = true;
                    word()
                }
                ':' => {
                    self.objects[index].ty = self.type_named(&after[..word()]);
                    word()
                }
                '<' => {
                    self.builder.set_limit(id, number(&after[..word()]));
                    word()
                }
                '=' => {
                    let (module, qualname) =
                        after[..word()].rsplit_once('.').unwrap_or(("", &after[..word()]));
                    let (module, qualname) = (self.builder.string(module), self.builder.string(qualname));
                    self.builder.set_name(id, Name { module, qualname });
                    word()
                }
                '!' => {
                    let flag = match &after[..word()] {
                        "tracked" => Flags::TRACKED,
                        "garbage" => Flags::GARBAGE,
                        "immortal" => Flags::IMMORTAL,
                        "memtop" => Flags::OWN,
                        _ => complain("an unknown flag"),
                    };
                    self.objects[index].flags = self.objects[index].flags | flag;
                    word()
                }
                '~' => {
                    let value = u8::try_from(number(&after[..word()])).unwrap_or(0);
                    self.objects[index].flags = self.objects[index].flags.with_tag(value);
                    word()
                }
                _ => complain("an unknown mark"),
            };
            rest = after[taken..].trim_start();
        }
        (id, label)
    }

    fn named(&mut self, name: &str) -> ObjectId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = ObjectId::from_index(self.objects.len());
        let ty = self.type_named("object");
        self.objects.push(Object::new(0x1000 + 16 * id.index() as u64, ty, 1));
        self.found.push(0);
        self.explicit.push(false);
        self.ids.insert(name.to_owned(), id);
        id
    }

    fn type_named(&mut self, name: &str) -> TypeId {
        if let Some(&id) = self.types.get(name) {
            return id;
        }
        let (plain, is_c) = name.strip_suffix('%').map_or((name, None), |plain| (plain, Some(true)));
        let (module, qualname) = plain.rsplit_once('.').unwrap_or(("builtins", plain));
        let id = self.builder.add_type(Type { is_c, ..Type::new(module, qualname) });
        self.types.insert(name.to_owned(), id);
        id
    }

    fn label(&mut self, text: &str) -> Label {
        let text = text.trim();
        let mut named = |name: &str| self.builder.string(name.trim());
        if let Some(name) = text.strip_prefix("local ") {
            return Label::local(named(name));
        }
        if let Some(name) = text.strip_prefix("closure ") {
            return Label::closure(named(name));
        }
        if let Some(name) = text.strip_prefix('.') {
            return Label::attribute(named(name));
        }
        let inside = |open, close| text.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
        if let Some(key) = inside('\'', '\'') {
            return Label::key(named(key));
        }
        match text {
            "[*]" => Label::ANY_KEY,
            "{*}" => Label::MEMBER,
            "key" => Label::KEY_OBJECT,
            "type" => Label::TYPE,
            "base" => Label::BASE,
            "__dict__" => Label::DICT,
            "storage" => Label::STORAGE,
            _ => match inside('[', ']') {
                Some(index) => match index.parse() {
                    Ok(index) => Label::at(index),
                    Err(_) => Label::key_text(named(index)),
                },
                None => panic!("{text:?} is not a label"),
            },
        }
    }
}

/// The position at which the parenthesis that is open at the start of `text` is closed.
fn matching_parenthesis(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (index, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(index);
        }
    }
    None
}
