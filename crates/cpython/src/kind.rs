//! What a type's objects are to the decoder: told by the C type that they are or derive from.

use memtop_heap::Shape;

use crate::c_types::CType;

/// What the objects of a type are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// Nothing but attributes and slots: an instance of a class that derives from `object` alone.
    Plain,
    /// A value that refers to nothing.
    Atom,
    /// A `datetime.datetime`: it refers to a time zone if it has one, and is shorter than its type says if not.
    DateTime,
    /// A `datetime.time`, of which the same is true.
    TimeOfDay,
    /// A dict, a frozendict.
    Dict,
    /// A dict with more beside its entries: `OrderedDict`, `defaultdict`.
    DictAndMore,
    /// A list.
    List,
    /// A tuple, a structseq.
    Tuple,
    /// A set, a frozenset.
    Set,
    /// A deque.
    Deque,
    /// A function written in Python.
    Function,
    /// Code.
    Code,
    /// A variable that functions close over.
    Cell,
    /// A bound method.
    Method,
    /// A function or method written in C.
    BuiltinFunction,
    /// A module.
    Module,
    /// A type.
    Type,
    /// A generator, coroutine or asynchronous generator.
    Generator,
    /// A frame object.
    Frame,
    /// A traceback.
    Traceback,
    /// An exception.
    Exception,
    /// What `functools.lru_cache` makes.
    LruCache,
    /// `functools.partial`.
    Partial,
    /// A property.
    Property,
    /// A static or class method.
    MethodWrapper,
    /// A `SimpleQueue`: it keeps its items in a list, from 3.13 on itself.
    Queue,
    /// A container of C that keeps its items in one builtin container: `mappingproxy`.
    Wrapper,
    /// A text that is being written, `io.StringIO`: what it keeps is a part of it.
    TextBuffer,
    /// `threading.local`.
    ThreadLocal,
    /// A context, or a part of the tree that it keeps its variables in.
    Context,
    /// A weak reference: what it refers to is not its own.
    Weak,
    /// Of the interpreter, with nothing hidden in it: descriptors, iterators of containers; blocks of items that are not
    /// all filled, whose other words are what stood in that memory before.
    Internal,
    /// Anything else that is written in C.
    Opaque,
}

impl ObjectKind {
    /// The kind of a C type, and the shape of its objects and of what derives from it.
    #[must_use]
    pub fn of(c_type: CType) -> (Self, Shape) {
        match c_type.name() {
            "object" => (Self::Plain, Shape::Other),
            "int" | "float" | "complex" | "bool" | "str" | "bytes" | "bytearray" | "NoneType"
            | "ellipsis" | "NotImplementedType" | "range" | "array.array" | "decimal.Decimal"
            | "datetime.date" | "datetime.timedelta" | "_random.Random" => (Self::Atom, Shape::Atom),
            "datetime.datetime" => (Self::DateTime, Shape::Atom),
            "datetime.time" => (Self::TimeOfDay, Shape::Atom),
            "dict" | "frozendict" => (Self::Dict, Shape::Dict),
            "collections.OrderedDict" | "collections.defaultdict" => (Self::DictAndMore, Shape::Dict),
            "list" => (Self::List, Shape::List),
            "tuple" => (Self::Tuple, Shape::Tuple),
            "set" | "frozenset" => (Self::Set, Shape::Set),
            "collections.deque" => (Self::Deque, Shape::List),
            "function" => (Self::Function, Shape::Function),
            "code" => (Self::Code, Shape::Code),
            "cell" => (Self::Cell, Shape::Cell),
            "method" => (Self::Method, Shape::Method),
            "builtin_function_or_method" | "builtin_method" => (Self::BuiltinFunction, Shape::Function),
            "module" => (Self::Module, Shape::Module),
            "type" => (Self::Type, Shape::Class),
            "generator" | "coroutine" | "async_generator" => (Self::Generator, Shape::Generator),
            "frame" => (Self::Frame, Shape::Frame),
            "traceback" => (Self::Traceback, Shape::Traceback),
            "BaseException" => (Self::Exception, Shape::Other),
            "functools._lru_cache_wrapper" => (Self::LruCache, Shape::Function),
            "functools.partial" => (Self::Partial, Shape::Other),
            "property" => (Self::Property, Shape::Other),
            "staticmethod" | "classmethod" => (Self::MethodWrapper, Shape::Other),
            "_queue.SimpleQueue" => (Self::Queue, Shape::Other),
            "mappingproxy" => (Self::Wrapper, Shape::Other),
            "_io.StringIO" => (Self::TextBuffer, Shape::Other),
            "_thread._local" => (Self::ThreadLocal, Shape::Other),
            "_contextvars.Context"
            | "Context"
            | "hamt"
            | "hamt_bitmap_node"
            | "hamt_array_node"
            | "hamt_collision_node" => (Self::Context, Shape::Other),
            "weakref"
            | "weakref.ReferenceType"
            | "weakproxy"
            | "weakref.ProxyType"
            | "weakcallableproxy"
            | "weakref.CallableProxyType" => (Self::Weak, Shape::Weak),
            "wrapper_descriptor"
            | "method_descriptor"
            | "classmethod_descriptor"
            | "getset_descriptor"
            | "member_descriptor"
            | "method-wrapper"
            | "_io.BytesIO"
            | "functools._lru_list_elem"
            | "itertools._tee_dataobject"
            | "symtable entry"
            | "mem_top._native.Snapshot"
            | "mem_top._native.Types"
            | "PyCapsule"
            | "memory_iterator" => (Self::Internal, Shape::Other),
            _ => (Self::Opaque, Shape::Other),
        }
    }

    /// Whether the decoder alone knows all references that the collector visits, so that `tp_traverse` need not be
    /// asked.
    #[must_use]
    pub fn is_complete(self) -> bool {
        matches!(
            self,
            Self::Plain | Self::Atom | Self::Dict | Self::List | Self::Tuple | Self::Set | Self::Code
        )
    }
}
