//! The ways in which the decoder treats the objects of a type.

/// How the objects of a type are treated. Each C type has its kind in its file in `objects/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// Attributes and slots only: an instance of a class that derives from `object` alone.
    Plain,
    /// A value that refers to nothing.
    Atom,
    /// A `datetime.datetime`. It refers to a time zone if it has one; if not, it is shorter than its type's
    /// size.
    DateTime,
    /// A `datetime.time`, of which the same holds.
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
    /// A function or method defined in C.
    BuiltinFunction,
    /// A module.
    Module,
    /// A type.
    Type,
    /// A generator, coroutine or asynchronous generator.
    Generator,
    /// A frame object.
    Frame,
    /// A greenlet, of the package of that name.
    Greenlet,
    /// A traceback.
    Traceback,
    /// An exception.
    Exception,
    /// A function that `functools.lru_cache` wrapped.
    LruCache,
    /// `functools.partial`.
    Partial,
    /// A property.
    Property,
    /// A static or class method.
    MethodWrapper,
    /// A `SimpleQueue`. It keeps its items in a list to 3.12, in a buffer of its own from 3.13.
    Queue,
    /// A wrapper around one builtin container: `mappingproxy`.
    Wrapper,
    /// A text that is being written, `io.StringIO`: the objects that it holds are parts of it.
    TextBuffer,
    /// `threading.local`.
    ThreadLocal,
    /// A context, or a part of the tree that it keeps its variables in.
    Context,
    /// A weak reference: it does not hold the object that it leads to.
    Weak,
    /// An object without hidden references: a descriptor, an iterator of a container; a block of items that
    /// is not filled, whose other words are left over from what the memory held before.
    Internal,
    /// Any other type defined in C.
    Opaque,
}
