//! What the decoder knows of a type, read once for all of its objects.

use memtop_heap::{Label, LabelKind, Shape};

use crate::c_types::CType;
use crate::decoder::{ADDRESS, Decoder, MOST, Sink};
use crate::kind::ObjectKind;
use crate::layout::{INLINE_VALUES_MAX, object, type_object};
use crate::memory::Memory;
use crate::structures::Chain;

/// Where an instance's attributes are, beside its slots (`Objects/dictobject.c`, `pycore_object.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DictPlace {
    /// It has none.
    None,
    /// A dict at this offset; from the end of an object with items if negative.
    Offset(i64),
    /// 3.11: values at -32, else a dict at -24.
    Managed311,
    /// 3.12: at -24 values (marked by the low bit) or a dict.
    Managed312,
    /// From 3.13: a dict at -24, or values within the object, at this offset.
    Managed313 {
        /// Where the values stand; none if the class keeps none in its objects.
        values: Option<u64>,
    },
}

/// A type.
#[derive(Debug, Clone)]
pub struct TypeInfo {
    /// Where it lies.
    pub address: u64,
    /// Which C type it is itself, if it is one that is known.
    pub c_type: Option<CType>,
    /// Whether mem_top's own extension module defines it.
    pub is_mem_tops: bool,
    /// Whether it is one of numpy's types, or derives from one.
    pub is_numpys: bool,
    /// Its `__module__`.
    pub module: String,
    /// Its `__qualname__`.
    pub qualname: String,
    /// What its objects are.
    pub kind: ObjectKind,
    /// Which builtin they are or derive from.
    pub shape: Shape,
    /// Whether the decoder alone knows all references of its objects.
    pub complete: bool,
    /// Whether a class statement made it.
    pub is_class: bool,
    /// Whether each object holds a reference to the type.
    pub holds_type: bool,
    /// Whether the collector may know its objects.
    pub is_gc: bool,
    /// `tp_basicsize`.
    pub basic_size: u64,
    /// `tp_itemsize`.
    pub item_size: u64,
    /// Where the head of the weak references stands, which are not the object's own; 0 if nowhere.
    pub weak_list: i64,
    /// Members that hold an object, by offset: slots, and what is known of types written in C.
    pub members: Vec<(u64, Label)>,
    /// Where attributes are.
    pub dict: DictPlace,
    /// What the attributes are called that stand in values, in their order.
    pub attributes: Vec<Label>,
}

const MANAGED_DICT: u64 = 1 << 4;
const INLINE_VALUES: u64 = 1 << 2;
/// No chain of bases is longer, nor has a type more slots.
const LONGEST_CHAIN: usize = 1000;
const MOST_MEMBERS: u64 = 10_000;
/// `PyMemberDef` (`Include/descrobject.h`): its size, and the type of one that holds an object (`_Py_T_OBJECT`,
/// `Py_T_OBJECT_EX`).
const MEMBER: u64 = 40;
const MEMBER_OBJECT: [u32; 2] = [6, 16];

/// The bytes of the C string at an address, 200 at most, without the zero that ends it. Unless it is certain that one is
/// there, each read is checked: a C type may give any address for a name. `None` if it cannot be read.
pub(crate) fn c_string(memory: &impl Memory, at: u64, is_certain: bool) -> Option<Vec<u8>> {
    const LONGEST: usize = 200;
    const PIECE: u64 = 64;
    let mut text = Vec::new();
    while is_certain && text.len() < LONGEST {
        match memory.byte(at.checked_add(text.len() as u64)?)? {
            0 => return Some(text),
            byte => text.push(byte),
        }
    }
    while text.len() < LONGEST {
        let from = at.checked_add(text.len() as u64)?;
        let mut piece = [0; PIECE as usize];
        // A piece does not reach into the next page, which may not be there.
        let piece = &mut piece[..(PIECE - from % PIECE) as usize];
        if memory.checked(from, piece).is_none() {
            // It has no end before memory does.
            return (!text.is_empty()).then_some(text);
        }
        if let Some(end) = piece.iter().position(|&byte| byte == 0) {
            text.extend_from_slice(&piece[..end]);
            break;
        }
        text.extend_from_slice(piece);
    }
    text.truncate(LONGEST);
    Some(text)
}

impl<M: Memory> Decoder<'_, M> {
    /// What is to be known of the type at `address`. `None` if it cannot be read.
    pub fn type_info(&mut self, address: u64, sink: &mut impl Sink) -> Option<TypeInfo> {
        if address > ADDRESS {
            return None;
        }
        let word = |offset: usize| self.memory.word(address + offset as u64);
        let flags = word(type_object::FLAGS)?;
        let basic_size = word(type_object::BASIC_SIZE)?.min(MOST);
        let item_size = word(type_object::ITEM_SIZE)?.min(MOST);
        let weak_list = word(type_object::WEAK_LIST_OFFSET)? as i64;
        let is_heap_type = flags & type_object::HEAP_TYPE != 0;
        let is_class = self.is_class(address)?;
        let (module, qualname) = self.type_name(address, is_heap_type)?;
        let (kind, shape, exact) = self.kind_of(address)?;
        let mut members: Vec<(u64, Label)> = Vec::new();
        self.known_members(kind, sink, &mut members);
        let mut at = address;
        let mut chain = Chain::default();
        for _ in 0..LONGEST_CHAIN {
            if at == 0 || chain.returns(at) || !self.is_class(at)? {
                break;
            }
            self.slots_of(at, sink, &mut members);
            at = self.pointer(at + type_object::BASE as u64);
        }
        // Where the classes that were made by a class statement end, a C type begins.
        let is_numpys = self.c_type(at).is_some_and(|of| of.name().starts_with("numpy."));
        members.retain(|&(offset, _)| offset.saturating_add(8) <= basic_size);
        let dict = self.dict_place(flags, word(type_object::DICT_OFFSET)? as i64, basic_size);
        let mut attributes = Vec::new();
        if is_heap_type
            && matches!(dict, DictPlace::Managed311 | DictPlace::Managed312 | DictPlace::Managed313 { .. })
        {
            let keys = self.memory.word(address + self.layout.heap_type.cached_keys())?;
            self.shared_names(keys, sink, &mut attributes);
        }
        Some(TypeInfo {
            address,
            c_type: self.c_type(address),
            is_mem_tops: !is_class && self.is_mem_tops(address),
            is_numpys,
            module,
            qualname,
            kind,
            shape,
            complete: exact && kind.is_complete(),
            is_class,
            holds_type: is_heap_type && is_class,
            is_gc: flags & type_object::HAVE_GC != 0,
            basic_size,
            item_size,
            weak_list,
            members,
            dict,
            attributes,
        })
    }

    /// Whether a class statement made the type, so that its objects are visited by `subtype_traverse`, which knows
    /// slots, dict and type; what has no such function is told by being made at run time without one.
    pub(crate) fn is_class(&self, address: u64) -> Option<bool> {
        let flags = self.memory.word(address + type_object::FLAGS as u64)?;
        if flags & type_object::HEAP_TYPE == 0 {
            return Some(false);
        }
        let traverse = self.memory.word(address + type_object::TRAVERSE as u64)?;
        let dealloc = self.memory.word(address + type_object::DEALLOC as u64)?;
        Some(traverse == self.class_traverse || dealloc == self.class_dealloc)
    }

    pub(crate) fn kind_of(&self, address: u64) -> Option<(ObjectKind, Shape, bool)> {
        let mut at = address & ADDRESS;
        let mut exact = true;
        for _ in 0..LONGEST_CHAIN {
            if !self.is_class(at)? {
                let (kind, shape) =
                    self.c_type(at).map_or((ObjectKind::Opaque, Shape::Other), ObjectKind::of);
                match kind {
                    ObjectKind::Opaque => exact = false,
                    // What is written in C and derives from object may hold anything.
                    ObjectKind::Plain if !exact => return Some((ObjectKind::Opaque, Shape::Other, false)),
                    _ => return Some((kind, shape, exact)),
                }
                if shape != Shape::Other {
                    return Some((kind, shape, false));
                }
            }
            at = self.memory.word(at + type_object::BASE as u64)? & ADDRESS;
            if at == 0 {
                break;
            }
        }
        Some((ObjectKind::Opaque, Shape::Other, false))
    }

    /// `tp_name`, up to 200 bytes.
    pub(crate) fn c_name(&self, address: u64) -> Option<String> {
        let at = self.pointer(address + type_object::NAME as u64);
        let is_certain = match self.is_heap_type(address) {
            true => self.is_named_by_statement(address, at),
            false => self.c_types.has_certain_name(address),
        };
        let name = c_string(self.memory, at, is_certain)?;
        Some(String::from_utf8_lossy(&name).into_owned())
    }

    /// Whether `name`, the `tp_name` of a type that was made at run time, is a part of its `__name__`, as it is if a class
    /// statement made the type (`type_new` in `typeobject.c`).
    pub(crate) fn is_named_by_statement(&self, address: u64, name: u64) -> bool {
        let text = self.pointer(address + self.layout.heap_type.name);
        let ascii = self.layout.ascii_text;
        // Of a text that is not ASCII, the interpreter keeps the encoded form beside it.
        text != 0 && (name == text + ascii || name == self.word(text + ascii + 8))
    }

    /// `__module__` and `__qualname__`.
    pub(crate) fn type_name(&mut self, address: u64, is_heap_type: bool) -> Option<(String, String)> {
        let c_name = self.c_name(address)?;
        let (c_module, c_qualname) = c_name.rsplit_once('.').unwrap_or(("builtins", &c_name));
        if !is_heap_type {
            return Some((c_module.to_owned(), c_qualname.to_owned()));
        }
        let qualname = self.memory.word(address + self.layout.heap_type.qualname())?;
        let qualname = match self.is_str(qualname) {
            true => self.read_text(qualname).unwrap_or_else(|| c_qualname.to_owned()),
            false => c_qualname.to_owned(),
        };
        let namespace = self.memory.word(address + type_object::DICT as u64)?;
        let module = self.value_of(namespace, "__module__").filter(|&module| self.is_str(module));
        let module = match module {
            Some(module) => self.read_text(module).unwrap_or_else(|| c_module.to_owned()),
            None => c_module.to_owned(),
        };
        Some((module, qualname))
    }

    /// The slots that a class has of its own: an array of `PyMemberDef` behind the type object.
    fn slots_of(&mut self, class: u64, sink: &mut impl Sink, members: &mut Vec<(u64, Label)>) -> Option<()> {
        let metatype = self.pointer(class + object::TYPE as u64);
        let first = class + self.memory.word(metatype + type_object::BASIC_SIZE as u64)?.min(MOST);
        let count = self.memory.word(class + object::SIZE as u64)?.min(MOST_MEMBERS);
        for index in 0..count {
            let member = first + index * MEMBER;
            if !MEMBER_OBJECT.contains(&self.memory.half(member + 8)?) {
                continue;
            }
            let offset = self.memory.word(member + 16)?;
            let at = self.pointer(member);
            let mut name = Vec::new();
            for offset in 0..500 {
                match self.memory.byte(at + offset)? {
                    0 => break,
                    byte => name.push(byte),
                }
            }
            let name = sink.name(&String::from_utf8_lossy(&name));
            members.push((offset, Label::attribute(name)));
        }
        Some(())
    }

    fn dict_place(&self, flags: u64, offset: i64, basic_size: u64) -> DictPlace {
        match self.layout.minor {
            11 if flags & MANAGED_DICT != 0 => DictPlace::Managed311,
            12 if flags & MANAGED_DICT != 0 => DictPlace::Managed312,
            13.. if flags & MANAGED_DICT != 0 => {
                DictPlace::Managed313 { values: (flags & INLINE_VALUES != 0).then_some(basic_size) }
            }
            _ if offset < 0 || offset > 0 && offset.unsigned_abs().saturating_add(8) <= basic_size => {
                DictPlace::Offset(offset)
            }
            _ => DictPlace::None,
        }
    }

    /// The names of a shared key table.
    fn shared_names(&mut self, keys: u64, sink: &mut impl Sink, names: &mut Vec<Label>) -> Option<()> {
        if keys == 0 {
            return None;
        }
        let table = self.key_table(keys)?;
        for index in 0..table.entries.min(INLINE_VALUES_MAX as u64) {
            let key = self.memory.word(table.first + index * table.entry + table.key)?;
            let label = match self.is_str(key) {
                true => self.text(key, sink).map_or(Label::ANY_KEY, Label::attribute),
                false => Label::ANY_KEY,
            };
            names.push(label);
        }
        Some(())
    }

    /// Members of types written in C, by the kind. Read from the structures' headers (`Include/cpython/*.h`;
    /// `_functoolsmodule.c`, `descrobject.c`, `funcobject.c`, `_collectionsmodule.c` for those without one); the same
    /// from 3.8 to 3.15 where no version is asked.
    fn known_members(&self, kind: ObjectKind, sink: &mut impl Sink, members: &mut Vec<(u64, Label)>) {
        let layout = &self.layout;
        let mut attributes = |members: &mut Vec<(u64, Label)>, of: &[(u64, &str)]| {
            members.extend(of.iter().map(|&(offset, name)| (offset, Label::attribute(sink.name(name)))));
        };
        match kind {
            ObjectKind::Function if layout.minor < 10 => {
                attributes(
                    members,
                    &[
                        (16, "__code__"),
                        (24, "__globals__"),
                        (32, "__defaults__"),
                        (40, "__kwdefaults__"),
                        (56, "__doc__"),
                        (64, "__name__"),
                        (88, "__module__"),
                        (96, "__annotations__"),
                        (104, "__qualname__"),
                    ],
                );
                members.extend([(48, Label::STORAGE), (72, Label::DICT)]);
            }
            ObjectKind::Function => {
                attributes(
                    members,
                    &[
                        (16, "__globals__"),
                        (24, "__builtins__"),
                        (32, "__name__"),
                        (40, "__qualname__"),
                        (48, "__code__"),
                        (56, "__defaults__"),
                        (64, "__kwdefaults__"),
                        (80, "__doc__"),
                        (104, "__module__"),
                        (112, "__annotations__"),
                    ],
                );
                members.extend([(72, Label::STORAGE), (88, Label::DICT)]);
            }
            ObjectKind::Method => attributes(members, &[(16, "__func__"), (24, "__self__")]),
            ObjectKind::BuiltinFunction => attributes(members, &[(24, "__self__"), (32, "__module__")]),
            ObjectKind::Cell => members.push((16, Label::STORAGE)),
            ObjectKind::Module => members.push((16, Label::DICT)),
            ObjectKind::Type => {
                members.push((type_object::DICT as u64, Label::DICT));
                members.push((type_object::BASE as u64, Label::BASE));
                attributes(
                    members,
                    &[(type_object::BASES, "__bases__"), (type_object::MRO as u64, "__mro__")],
                );
            }
            ObjectKind::Traceback => attributes(members, &[(16, "tb_next"), (24, "tb_frame")]),
            ObjectKind::Exception => {
                members.push((16, Label::DICT));
                attributes(members, &[(24, "args")]);
                let first = if layout.minor >= 11 { 40 } else { 32 };
                if layout.minor >= 11 {
                    attributes(members, &[(32, "__notes__")]);
                }
                attributes(
                    members,
                    // The cause before the context: where they are one exception, a person writes `__cause__`.
                    &[(first, "__traceback__"), (first + 16, "__cause__"), (first + 8, "__context__")],
                );
            }
            ObjectKind::Frame if layout.minor <= 10 => {
                let trace = if layout.minor == 10 { 72 } else { 80 };
                attributes(
                    members,
                    &[
                        (24, "f_back"),
                        (32, "f_code"),
                        (40, "f_builtins"),
                        (48, "f_globals"),
                        (56, "f_locals"),
                        (trace, "f_trace"),
                    ],
                );
            }
            ObjectKind::Frame => attributes(members, &[(16, "f_back"), (32, "f_trace")]),
            ObjectKind::Generator if layout.minor == 10 => {
                members.push((16, Label::STORAGE));
                attributes(members, &[(24, "gi_code"), (40, "__name__"), (48, "__qualname__")]);
            }
            ObjectKind::Generator if layout.minor < 10 => {
                members.push((16, Label::STORAGE));
                attributes(members, &[(32, "gi_code"), (48, "__name__"), (56, "__qualname__")]);
            }
            ObjectKind::Generator => {
                let name = layout.frame.in_generator - 48;
                attributes(members, &[(name, "__name__"), (name + 8, "__qualname__")]);
            }
            ObjectKind::Partial => {
                attributes(members, &[(16, "func"), (24, "args"), (32, "keywords")]);
                members.push((40, Label::DICT));
            }
            ObjectKind::Property => {
                attributes(members, &[(16, "fget"), (24, "fset"), (32, "fdel"), (40, "__doc__")]);
            }
            ObjectKind::MethodWrapper => {
                attributes(members, &[(16, "__func__")]);
                members.push((24, Label::DICT));
            }
            ObjectKind::DictAndMore => attributes(members, &[(48, "default_factory")]),
            _ => {}
        }
        // A label that carries no text is for a part that no path shows.
        debug_assert!(
            members.iter().all(|(_, label)| label.kind() != LabelKind::Attribute || label.text().is_some())
        );
    }
}
