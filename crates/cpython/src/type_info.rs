//! The facts about a type that the decoder reads once for all of its objects.

use memtop_heap::{Label, Shape};

use crate::address::{ADDRESS_MASK, MAX_ITEMS};
use crate::c_string::c_string;
use crate::c_types::CType;
use crate::cycle_detector::CycleDetector;
use crate::decoder::Decoder;
use crate::footprint::{Blocks, Footprint, Storage, Values};
use crate::kind::ObjectKind;
use crate::layout::{INLINE_VALUES_MAX, object, type_object};
use crate::memory::Memory;
use crate::objects::definition::{
    Coverage, Definition, Member, ReadBuffers, Remaining, SizeFormula, UnvisitedStruct,
};
use crate::sink::Sink;
use crate::sizing::{Sizing, footprint};

/// The place of an instance's attributes, beside its slots (`Objects/dictobject.c`, `pycore_object.h`).
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
        /// The offset of the values; `None` if objects of the class have none.
        values: Option<u64>,
    },
}

/// A type.
#[derive(Debug, Clone)]
pub struct TypeInfo {
    /// Its address.
    pub address: u64,
    /// The C type that it is itself; `None` if nothing is known of it.
    pub c_type: Option<CType>,
    /// Whether mem_top's own extension module defines it.
    pub is_mem_tops: bool,
    /// Whether it is one of numpy's types, or derives from one.
    pub is_numpys: bool,
    /// Its `__module__`.
    pub module: String,
    /// Its `__qualname__`.
    pub qualname: String,
    /// How its objects are treated.
    pub kind: ObjectKind,
    /// The builtin that they are or derive from.
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
    /// The offset of the list of weak references, which the object does not hold; 0 if there is none.
    pub weak_list: i64,
    /// Members that hold an object, by offset: slots, and the members that the C type's definition states.
    pub members: Vec<(u64, Label)>,
    /// Members of a C type that nothing is known of, by offset, with the names that the type gives them: for
    /// references that are found by other means.
    pub named: Vec<(u64, Label)>,
    /// The place of attributes.
    pub dict: DictPlace,
    /// The names of the attributes that are stored in values, in their order.
    pub attributes: Vec<Label>,
    /// The references of its C struct, if they are known and no traverse visits them.
    pub unvisited: Option<UnvisitedStruct>,
    /// How references are labelled that a traverse visits and nothing else has labelled.
    pub remaining: Remaining,
    /// The offset of the most items that an object allows itself, a signed word that is negative if there is no
    /// limit.
    pub limit: Option<u64>,
    /// How its objects are sized.
    pub sizing: Sizing,
    /// How its objects lie in memory.
    pub footprint: Footprint,
    /// How the memory is found that its objects hold outside of their own block.
    pub buffers: Option<ReadBuffers>,
}

const MANAGED_DICT: u64 = 1 << 4;
const INLINE_VALUES: u64 = 1 << 2;
const MAX_MEMBERS: u64 = 10_000;
/// `PyMemberDef` (`Include/descrobject.h`): its size, and the type of one that holds an object
/// (`_Py_T_OBJECT`, `Py_T_OBJECT_EX`).
const MEMBER: u64 = 40;
const MEMBER_OBJECT: [u32; 2] = [6, 16];

/// The definition by which the objects of a type are read.
struct KnownBase {
    definition: Option<&'static Definition>,
    /// Whether no other C type lies between the type and the base, so that objects have no further C struct.
    exact: bool,
}

impl KnownBase {
    const NONE: Self = Self { definition: None, exact: false };

    fn kind(&self) -> ObjectKind {
        self.definition.map_or(ObjectKind::Opaque, |known| known.kind)
    }
}

impl TypeInfo {
    /// Stands for the type of objects whose type cannot be read.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            address: 0,
            c_type: None,
            is_mem_tops: false,
            is_numpys: false,
            module: String::new(),
            qualname: "?".to_owned(),
            kind: ObjectKind::Internal,
            shape: Shape::Other,
            complete: false,
            is_class: false,
            holds_type: false,
            is_gc: false,
            basic_size: 16,
            item_size: 0,
            weak_list: 0,
            members: Vec::new(),
            named: Vec::new(),
            dict: DictPlace::None,
            attributes: Vec::new(),
            unvisited: None,
            remaining: Remaining::Unlabelled,
            limit: None,
            sizing: Sizing { formula: SizeFormula::Object, header: 0, heads_differ: false },
            footprint: Footprint {
                values: Values::None,
                storage: Storage::Block,
                own: 16,
                blocks: Blocks::One { more: 0 },
            },
            buffers: None,
        }
    }
}

impl<M: Memory> Decoder<'_, M> {
    /// Reads the type at `address`; `None` if it cannot be read.
    pub fn type_info(&mut self, address: u64, sink: &mut impl Sink) -> Option<TypeInfo> {
        if address > ADDRESS_MASK {
            return None;
        }
        let word = |offset: usize| self.memory.word(address + offset as u64);
        let flags = word(type_object::FLAGS)?;
        let basic_size = word(type_object::BASIC_SIZE)?.min(MAX_ITEMS);
        let item_size = word(type_object::ITEM_SIZE)?.min(MAX_ITEMS);
        let weak_list = word(type_object::WEAK_LIST_OFFSET)? as i64;
        let is_heap_type = flags & type_object::HEAP_TYPE != 0;
        let is_class = self.is_class(address)?;
        let (module, qualname) = self.type_name(address, is_heap_type)?;
        let base = self.base_of(address)?;
        let kind = base.kind();
        let mut members = base.definition.map(|known| self.known_members(known, sink)).unwrap_or_default();
        let mut at = address;
        let mut cycle = CycleDetector::default();
        for _ in 0..type_object::LONGEST_CHAIN {
            if at == 0 || cycle.repeats(at) || !self.is_class(at)? {
                break;
            }
            self.slots_of(at, sink, &mut members);
            at = self.pointer(at + type_object::BASE as u64);
        }
        // The first base that no class statement made is a C type.
        let named = match kind {
            ObjectKind::Opaque | ObjectKind::Greenlet => self.named_members(at, basic_size, sink),
            _ => Vec::new(),
        };
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
        let (sizing, storage) = self.sizing(address, flags, kind);
        // `object.__new__` gives them to the objects of classes.
        let values = if is_class { self.values_of(address, dict) } else { Values::None };
        Some(TypeInfo {
            address,
            c_type: self.c_type(address),
            is_mem_tops: !is_class && self.is_mem_tops(address),
            is_numpys,
            module,
            qualname,
            kind,
            shape: base.definition.map_or(Shape::Other, |known| known.shape),
            complete: base.exact && base.definition.is_some_and(|known| known.coverage == Coverage::All),
            is_class,
            holds_type: is_heap_type && is_class,
            is_gc: flags & type_object::HAVE_GC != 0,
            basic_size,
            item_size,
            weak_list,
            members,
            named,
            dict,
            attributes,
            unvisited: if kind == ObjectKind::Opaque { self.unvisited_struct(at) } else { None },
            remaining: base
                .definition
                .map_or(Remaining::Unlabelled, |known| (known.remaining)(self.layout.minor)),
            limit: self.known_bases(address).find_map(|definition| definition.limit),
            footprint: footprint(&self.layout, &sizing, storage, values, is_class, (basic_size, item_size)),
            sizing,
            buffers: self.known_bases(address).find_map(|definition| definition.buffers),
        })
    }

    /// Whether a class statement made the type, so that `subtype_traverse` visits its objects' slots, dict
    /// and type. `None` if it cannot be read.
    pub(crate) fn is_class(&self, address: u64) -> Option<bool> {
        let flags = self.memory.word(address + type_object::FLAGS as u64)?;
        if flags & type_object::HEAP_TYPE == 0 {
            return Some(false);
        }
        let traverse = self.memory.word(address + type_object::TRAVERSE as u64)?;
        let dealloc = self.memory.word(address + type_object::DEALLOC as u64)?;
        Some(traverse == self.class_traverse || dealloc == self.class_dealloc)
    }

    /// The C type by whose definition the objects of a type are read; `None` if the type cannot be read.
    fn base_of(&self, address: u64) -> Option<KnownBase> {
        let mut at = address & ADDRESS_MASK;
        let mut exact = true;
        for _ in 0..type_object::LONGEST_CHAIN {
            if !self.is_class(at)? {
                match self.c_type(at).map(CType::definition) {
                    Some(known) if known.kind == ObjectKind::Plain && !exact => return Some(KnownBase::NONE),
                    Some(known) if known.kind != ObjectKind::Opaque => {
                        return Some(KnownBase { definition: Some(known), exact });
                    }
                    // A C type that derives from `object` may hold anything.
                    _ => exact = false,
                }
            }
            at = self.memory.word(at + type_object::BASE as u64)? & ADDRESS_MASK;
            if at == 0 {
                break;
            }
        }
        Some(KnownBase::NONE)
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

    /// Whether `name`, the `tp_name` of a type that was made at run time, is the text of its `__name__`, as
    /// it is if a class statement made the type (`type_new` in `typeobject.c`).
    pub(crate) fn is_named_by_statement(&self, address: u64, name: u64) -> bool {
        let text = self.pointer(address + self.layout.heap_type.name);
        let ascii = self.layout.ascii_text;
        // A str that is not ASCII has a pointer to its encoded form.
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
        let qualname = self.string_at(qualname).unwrap_or_else(|| c_qualname.to_owned());
        let namespace = self.memory.word(address + type_object::DICT as u64)?;
        let module = self.value_of(namespace, "__module__").and_then(|module| self.string_at(module));
        Some((module.unwrap_or_else(|| c_module.to_owned()), qualname))
    }

    /// The slots that a class itself defines: an array of `PyMemberDef` behind the type object.
    fn slots_of(&mut self, class: u64, sink: &mut impl Sink, members: &mut Vec<(u64, Label)>) -> Option<()> {
        let metatype = self.pointer(class + object::TYPE as u64);
        let first = class + self.memory.word(metatype + type_object::BASIC_SIZE as u64)?.min(MAX_ITEMS);
        let count = self.memory.word(class + object::SIZE as u64)?.min(MAX_MEMBERS);
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

    /// Where the attribute values of a class's instances are.
    fn values_of(&self, class: u64, dict: DictPlace) -> Values {
        match dict {
            DictPlace::Managed311 | DictPlace::Managed312 => {
                let keys = self.pointer(class + self.layout.heap_type.cached_keys());
                Values::Separate { usual: if keys == 0 { 0 } else { self.shared_capacity(keys) } }
            }
            DictPlace::Managed313 { values: Some(offset) } => Values::Inline(offset),
            _ => Values::None,
        }
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
            let label = match self.is_string(key) {
                true => self.text(key, sink).map_or(Label::ANY_KEY, Label::attribute),
                false => Label::ANY_KEY,
            };
            names.push(label);
        }
        Some(())
    }

    /// The members that the definition of a C type states.
    fn known_members(&self, definition: &Definition, sink: &mut impl Sink) -> Vec<(u64, Label)> {
        let members = (definition.members)(&self.layout).into_iter();
        members
            .map(|member| match member {
                Member::Attribute(offset, name) => (offset, Label::attribute(sink.name(name))),
                Member::Labelled(offset, label) => (offset, label),
            })
            .collect()
    }

    /// The namespace of the module at an address; `None` if no module lies there.
    pub fn namespace_of_module(&self, at: u64) -> Option<u64> {
        let at = at & ADDRESS_MASK;
        let known = self.base_of(self.memory.word(at + object::TYPE as u64)?)?;
        let dict = self.memory.word(at + 16)?;
        (known.kind() == ObjectKind::Module && dict != 0).then_some(dict)
    }

    /// The kind of the object at an address; `None` if its type cannot be read.
    pub(crate) fn kind_at(&self, at: u64) -> Option<ObjectKind> {
        Some(self.base_of(self.memory.word((at & ADDRESS_MASK) + object::TYPE as u64)?)?.kind())
    }

    /// The module and the qualified name of the type at an address.
    pub fn name_of_type(&mut self, at: u64) -> Option<(String, String)> {
        let flags = self.memory.word(at + type_object::FLAGS as u64)?;
        self.type_name(at, flags & type_object::HEAP_TYPE != 0)
    }
}
