//! The types of a heap: their names, their origin, and the builtin whose shape they have.
//!
//! Invariant: two types of one name stay two rows (a class that is defined again is another class); heaps are compared
//! by name.
//!
//! A type's members are not stored; how types are grouped is a question of analysis.

use std::borrow::Cow;

use crate::handles::{NONE, ObjectId, StringId, TypeId};
use crate::strings::Strings;

/// The code that defines something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Origin {
    /// The capture does not know.
    #[default]
    Unknown = 0,
    /// The user's own code.
    Own = 1,
    /// An installed package.
    Package = 2,
    /// The standard library, or the interpreter itself.
    Standard = 3,
}

impl Origin {
    /// Every origin, by its number.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Own, Self::Package, Self::Standard];
}

/// The builtin that an object is or derives from, which determines the meaning of its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
#[non_exhaustive]
pub enum Shape {
    /// None of the others.
    #[default]
    Other = 0,
    /// A plain value that refers to nothing: a number, a string, bytes, None.
    Atom = 1,
    /// A dict.
    Dict = 2,
    /// A list.
    List = 3,
    /// A tuple.
    Tuple = 4,
    /// A set or frozenset.
    Set = 5,
    /// A class.
    Class = 6,
    /// A module.
    Module = 7,
    /// A function, written in Python or in C.
    Function = 8,
    /// A method bound to its object.
    Method = 9,
    /// The code of a function.
    Code = 10,
    /// A frame.
    Frame = 11,
    /// A traceback.
    Traceback = 12,
    /// A generator, coroutine or asynchronous generator.
    Generator = 13,
    /// A closure's cell.
    Cell = 14,
    /// A weak reference or a container that holds its items weakly.
    Weak = 15,
}

impl Shape {
    /// Every shape, by its number.
    pub const ALL: [Self; 16] = [
        Self::Other,
        Self::Atom,
        Self::Dict,
        Self::List,
        Self::Tuple,
        Self::Set,
        Self::Class,
        Self::Module,
        Self::Function,
        Self::Method,
        Self::Code,
        Self::Frame,
        Self::Traceback,
        Self::Generator,
        Self::Cell,
        Self::Weak,
    ];

    /// The shape of CPython's own type of this name. A class that derives from such a type has its shape too,
    /// which only the capture can see.
    #[must_use]
    pub fn of_name(module: &str, qualname: &str) -> Self {
        match (module, qualname) {
            (
                "builtins",
                "int" | "float" | "complex" | "bool" | "str" | "bytes" | "bytearray" | "NoneType"
                | "ellipsis" | "NotImplementedType" | "range",
            )
            | ("array", "array")
            | ("decimal", "Decimal")
            | ("datetime", "datetime" | "date" | "time" | "timedelta") => Self::Atom,
            ("builtins", "dict" | "mappingproxy")
            | ("collections", "OrderedDict" | "defaultdict" | "Counter" | "ChainMap") => Self::Dict,
            ("builtins", "list") | ("collections", "deque") => Self::List,
            ("builtins", "tuple") => Self::Tuple,
            ("builtins", "set" | "frozenset") => Self::Set,
            ("builtins", "type") | ("abc", "ABCMeta") => Self::Class,
            ("builtins", "module") => Self::Module,
            ("builtins", "function" | "builtin_function_or_method") => Self::Function,
            ("builtins", "method") => Self::Method,
            ("builtins", "code") => Self::Code,
            ("builtins", "frame") => Self::Frame,
            ("builtins", "traceback") => Self::Traceback,
            ("builtins", "generator" | "coroutine" | "async_generator") => Self::Generator,
            ("builtins", "cell") => Self::Cell,
            (
                "builtins" | "weakref",
                "weakref" | "ReferenceType" | "weakproxy" | "weakcallableproxy" | "KeyedRef",
            )
            | (
                "weakref",
                "WeakSet" | "WeakKeyDictionary" | "WeakValueDictionary" | "WeakMethod" | "finalize",
            )
            | ("_weakrefset", "WeakSet") => Self::Weak,
            _ => Self::Other,
        }
    }
}

/// A type to add to a heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type<'a> {
    /// Its `__module__`: `shop.models`.
    pub module: Cow<'a, str>,
    /// Its `__qualname__`: `Session`.
    pub qualname: Cow<'a, str>,
    /// The code that defines it.
    pub origin: Origin,
    /// The builtin that it is or derives from.
    pub shape: Shape,
    /// Whether it is defined in C, and not by a class statement; none if the capture does not know.
    pub is_c: Option<bool>,
    /// The type as an object of the heap, if it is one.
    pub object: Option<ObjectId>,
}

impl<'a> Type<'a> {
    /// A type by its name. The shape follows from the name; there is no object, and nothing else is known.
    pub fn new(module: impl Into<Cow<'a, str>>, qualname: impl Into<Cow<'a, str>>) -> Self {
        let (module, qualname) = (module.into(), qualname.into());
        let shape = Shape::of_name(&module, &qualname);
        Self { module, qualname, origin: Origin::Unknown, shape, is_c: None, object: None }
    }
}

/// A type of a heap, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeRecord {
    /// Its `__module__`.
    pub module: StringId,
    /// Its `__qualname__`.
    pub qualname: StringId,
    /// `module.qualname`, without `builtins.`: the displayed name.
    name: StringId,
    /// The code that defines it.
    pub origin: Origin,
    /// The builtin that it is or derives from.
    pub shape: Shape,
    /// Whether it is defined in C, and not by a class statement; none if the capture does not know.
    pub is_c: Option<bool>,
    object: u32,
}

impl TypeRecord {
    /// A record of a type, whose names are these texts.
    pub(crate) fn new(ty: &Type<'_>, module: StringId, qualname: StringId, name: StringId) -> Self {
        let &Type { origin, shape, is_c, object, .. } = ty;
        Self { module, qualname, name, origin, shape, is_c, object: object.map_or(NONE, ObjectId::raw) }
    }

    /// The type as an object of the heap, if it is one.
    #[must_use]
    pub fn object(&self) -> Option<ObjectId> {
        ObjectId::from_raw(self.object)
    }

    pub(crate) fn set_object(&mut self, object: ObjectId) {
        self.object = object.raw();
    }

    /// The displayed name, as a text of the heap.
    #[must_use]
    pub fn name(&self) -> StringId {
        self.name
    }
}

/// The types of a heap. Their names are texts of the heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Types {
    pub(crate) rows: Vec<TypeRecord>,
    pub(crate) names: Vec<Box<str>>,
}

impl Types {
    pub(crate) fn new(rows: Vec<TypeRecord>, strings: &Strings) -> Self {
        let names = rows.iter().map(|row| strings.get(row.name).into()).collect();
        Self { rows, names }
    }

    /// The type `id`.
    #[must_use]
    pub fn get(&self, id: TypeId) -> &TypeRecord {
        &self.rows[id.index()]
    }

    /// The displayed name: `shop.Session`, and `dict` for a type in `builtins`.
    #[must_use]
    pub fn name(&self, id: TypeId) -> &str {
        &self.names[id.index()]
    }

    /// The types that `name` can mean: those with exactly that name, else those whose name ends with it (`Session` for
    /// `shop.Session`). Searches all types.
    #[must_use]
    pub fn find(&self, name: &str) -> Vec<TypeId> {
        let name = name.strip_prefix("builtins.").unwrap_or(name);
        let matching = |test: &dyn Fn(&str) -> bool| -> Vec<TypeId> {
            self.iter().filter(|&(id, _)| test(self.name(id))).map(|(id, _)| id).collect()
        };
        let exact = matching(&|known| known == name);
        if !exact.is_empty() {
            return exact;
        }
        matching(&|known| known.strip_suffix(name).is_some_and(|before| before.ends_with('.')))
    }

    /// The number of types.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there are no types.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All types, in the order of their handles.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, &TypeRecord)> {
        self.rows.iter().enumerate().map(|(index, row)| (TypeId::from_index(index), row))
    }
}

/// The displayed name of a type.
pub(crate) fn shown_name<'a>(module: &str, qualname: &'a str) -> Cow<'a, str> {
    if module.is_empty() || module == "builtins" {
        Cow::Borrowed(qualname)
    } else {
        Cow::Owned(format!("{module}.{qualname}"))
    }
}
