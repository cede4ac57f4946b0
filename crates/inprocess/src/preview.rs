//! The first characters of a repr, without building the whole.
//!
//! Containers of the interpreter, and subclasses that inherit their repr, are written here item by item until the
//! width is full; what stands behind is never looked at. An object whose type has a repr of its own runs it, alone
//! and isolated: if it raises, `(broken __repr__, type=…)` stands in its place; a `KeyboardInterrupt` alone passes.
//! With `safe`, nothing of the program runs: such objects are shown by their type and address.
//!
//! Invariant: the text begins as `repr()`'s does, escaped (see [`crate::escape`]). Nesting is held on a stack of its
//! own, so that depth overflows nothing. A container that changes under a repr of its items is read as it is then.

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::ffi::Py_tp_repr;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyModule, PyString, PyTuple, PyType};
use rustc_hash::FxHashSet;

use self::frame::{Entries, Frame, Items, Part};
use self::kinds::{Kinds, ReprKind};
use crate::escape::Text;
use crate::raw::{self, Runtime};

mod frame;
mod kinds;

/// Finds out, when the extension module is imported, which reprs are the interpreter's own.
///
/// # Errors
/// If the interpreter lacks what every CPython has.
pub(crate) fn probe(py: Python<'_>) -> PyResult<()> {
    Kinds::get(py).map(|_| ())
}

/// As many objects whose reprs break no cycles may be nested in each other: beyond it, `repr()` has recursed too deep.
const UNGUARDED_DEPTH: usize = 1000;

/// As many open containers are marked as under way: the interpreter looks marks up one by one, and no `repr()` gets
/// deeper than about that.
const MARKED: usize = 1000;

/// The first `width` characters of `repr(object)`, escaped; `None` for all of them.
///
/// # Errors
/// `KeyboardInterrupt` out of a repr, or out of memory.
pub fn preview<'py>(
    object: &Bound<'py, PyAny>,
    width: Option<usize>,
    safe: bool,
) -> PyResult<Bound<'py, PyString>> {
    let py = object.py();
    let kinds = Kinds::get(py)?;
    let mut writer =
        Writer { py, kinds, safe, text: Text::new(width), stack: Vec::new(), open: FxHashSet::default() };
    let written = writer.begin(object.clone()).and_then(|()| writer.run());
    writer.end();
    written?;
    Ok(writer.text.into_python(py))
}

struct Writer<'py, 'k> {
    py: Python<'py>,
    kinds: &'k Kinds,
    safe: bool,
    text: Text,
    stack: Vec<Frame<'py>>,
    /// The containers that are being written, to break cycles as `repr()` does. The outer ones are marked as under way
    /// for the interpreter too, so that a cycle through a repr of Python's is broken at the same place.
    open: FxHashSet<usize>,
}

impl<'py> Writer<'py, '_> {
    fn run(&mut self) -> PyResult<()> {
        while let Some(frame) = self.stack.last_mut() {
            if self.text.is_full() {
                break;
            }
            if frame.queue.is_empty() {
                frame.refill();
            }
            match frame.queue.pop_front() {
                Some(Part::Text(text)) => self.text.push_str(text),
                Some(Part::Owned(text)) => self.text.push_str(&text),
                Some(Part::Name(name)) => self.text.push_python(&name)?,
                Some(Part::Object(object)) => self.begin(object)?,
                Some(Part::Factory(factory)) => {
                    let container = Some(factory.clone());
                    if !self.enter(Frame::around(Part::Object(factory), container)) {
                        self.text.push_str("...");
                    }
                }
                Some(Part::Braces(dict)) => {
                    let of = dict.get_type();
                    if let Some(frame) = self.open_container(ReprKind::Dict, &dict, &of)? {
                        self.push(frame, ReprKind::Dict, &of);
                    }
                }
                None => {
                    let close = std::mem::take(&mut frame.close);
                    let container = frame.container.take();
                    self.text.push_str(&close);
                    self.stack.pop();
                    if let Some(container) = container {
                        self.open.remove(&(container.as_ptr() as usize));
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes an object: a container's opening, with a frame for the rest, or the whole of anything else.
    fn begin(&mut self, object: Bound<'py, PyAny>) -> PyResult<()> {
        if self.text.is_full() {
            return Ok(());
        }
        let of = object.get_type();
        let repr = raw::slot(&of, Py_tp_repr);
        let kind = self.kinds.of(repr, &of);
        match kind {
            Some(ReprKind::Str) => self.write_str(object.cast::<PyString>()?),
            Some(ReprKind::Bytes) => {
                let bytes = object.cast::<PyBytes>()?.as_bytes();
                let quote = quote_of(bytes.contains(&b'\''), bytes.contains(&b'"'));
                self.write_bytes(bytes, quote, quote);
                Ok(())
            }
            Some(ReprKind::ByteArray) => self.write_bytearray(&object, &of),
            Some(ReprKind::Plain) if self.safe && repr == self.kinds.object_repr => {
                self.write_object(&object, &of)
            }
            Some(ReprKind::Plain) if self.safe && repr == self.kinds.type_repr => {
                self.write_class(object.cast::<PyType>()?)
            }
            Some(ReprKind::Plain) => self.write_by(|| raw::call_repr(repr, &object), &object),
            Some(ReprKind::Module) if self.safe => {
                self.text.push_str("<module '");
                let namespace = raw::namespace_of(object.cast::<PyModule>()?);
                let name = namespace.and_then(|namespace| raw::value_of(&namespace, c"__name__"));
                match name.and_then(|name| name.cast_into_exact::<PyString>().ok()) {
                    Some(name) => self.text.push_python(&name)?,
                    None => self.text.push_str("?"),
                }
                self.text.push_str("'>");
                Ok(())
            }
            Some(kind) => match self.open_container(kind, &object, &of)? {
                Some(frame) => {
                    self.push(frame, kind, &of);
                    Ok(())
                }
                None => self.write_opaque(&object),
            },
            None => self.write_opaque(&object),
        }
    }

    /// Opens a container, unless it is open already: then a sign stands for it.
    fn push(&mut self, frame: Frame<'py>, kind: ReprKind, of: &Bound<'py, PyType>) {
        if frame.container.is_none() && self.stack.len() > UNGUARDED_DEPTH && !self.makes_way() {
            self.text.push_str("...");
            self.end();
        } else if !self.enter(frame) {
            self.text.push_str(&cycle(kind, of));
        }
    }

    /// Puts a frame on the stack; false if its container is open already, here or in a `repr()` around this.
    fn enter(&mut self, mut frame: Frame<'py>) -> bool {
        if let Some(container) = &frame.container {
            let address = container.as_ptr() as usize;
            if !self.open.insert(address) {
                return false;
            }
            if self.stack.len() < MARKED {
                frame.mark = raw::ReprGuard::enter(container);
                if frame.mark.is_none() {
                    self.open.remove(&address);
                    return false;
                }
            }
        }
        self.stack.push(frame);
        true
    }

    /// Lets go of all that is open, the innermost first.
    fn end(&mut self) {
        while self.stack.pop().is_some() {}
    }

    /// Whether there is a container among the innermost frames: if not, objects whose reprs break no cycles are
    /// nested in each other, and `repr()` would recurse without an end.
    fn makes_way(&self) -> bool {
        self.stack[self.stack.len() - UNGUARDED_DEPTH..].iter().any(|frame| frame.container.is_some())
    }

    /// An object that only its own repr can show.
    fn write_opaque(&mut self, object: &Bound<'py, PyAny>) -> PyResult<()> {
        match object.cast::<PyType>() {
            _ if !self.safe => self.write_by(|| object.repr().map(Bound::into_any), object),
            Ok(of) => self.write_class(of),
            Err(_) => self.write_object(object, &object.get_type()),
        }
    }

    /// What the repr of `object` says of an object (`object_repr` in `typeobject.c`), without a look-up in a namespace,
    /// which would ask keys whether they are equal.
    fn write_object(&mut self, object: &Bound<'py, PyAny>, of: &Bound<'py, PyType>) -> PyResult<()> {
        self.text.push_str("<");
        self.write_name(of)?;
        self.text.push_str(&format!(" object at {:#x}>", object.as_ptr() as usize));
        Ok(())
    }

    /// The same of a class (`type_repr` there).
    fn write_class(&mut self, of: &Bound<'py, PyType>) -> PyResult<()> {
        self.text.push_str("<class '");
        self.write_name(of)?;
        self.text.push_str("'>");
        Ok(())
    }

    /// A type's module and qualified name; its `tp_name` if it has no module, or is one of `builtins`.
    fn write_name(&mut self, of: &Bound<'py, PyType>) -> PyResult<()> {
        let layout = Runtime::get(self.py)?.layout.as_ref();
        match layout.and_then(|layout| raw::names_of_class(of, layout)) {
            Some((Some(module), qualname)) if module.to_string_lossy() != "builtins" => {
                self.text.push_python(&module)?;
                self.text.push_str(".");
                self.text.push_python(&qualname)
            }
            _ => {
                self.text.push_str(&raw::c_name(of));
                Ok(())
            }
        }
    }

    fn write_by(
        &mut self,
        repr: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        // A repr in C that fails and gives a text all the same (as that of a weak reference in 3.13) has failed.
        let text = repr().and_then(|text| PyErr::take(self.py).map_or(Ok(text), Err));
        match text.and_then(|text| Ok(text.cast_into::<PyString>()?)) {
            Ok(text) => self.text.push_python(&text),
            Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(self.py) => Err(error),
            Err(_) => {
                self.text.push_str("(broken __repr__, type=");
                self.write_type(&object.get_type())?;
                self.text.push_str(")");
                Ok(())
            }
        }
    }

    /// A type as `str()` shows it, or, if its metaclass raises, as `type` does.
    fn write_type(&mut self, of: &Bound<'py, PyType>) -> PyResult<()> {
        let own = if self.safe { None } else { Some(of.str()) };
        let text = match own {
            Some(Err(error)) if error.is_instance_of::<PyKeyboardInterrupt>(self.py) => return Err(error),
            Some(Ok(text)) => text,
            None => return self.write_class(of),
            _ => match raw::call_repr(self.kinds.type_repr, of.as_any()) {
                Ok(text) => text.cast_into::<PyString>()?,
                Err(_) => PyString::new(self.py, "?"),
            },
        };
        self.text.push_python(&text)
    }

    /// A str's repr of the part that fits. The quotes are chosen by the whole of it, so a quote is put behind the
    /// part where that is needed to have the same ones chosen.
    fn write_str(&mut self, text: &Bound<'py, PyString>) -> PyResult<()> {
        let head = crate::escape::head(text, self.text.room())?;
        let quotes = |of: &Bound<'py, PyString>| (raw::contains(of, b'\''), raw::contains(of, b'"'));
        let (whole, part) = (quotes(text), quotes(&head));
        let double = |(single, double): (bool, bool)| single && !double;
        let mark = match (double(whole), double(part)) {
            (true, false) => Some("'"),
            (false, true) => Some("\""),
            _ => None,
        };
        let str_type = self.py.get_type::<PyString>();
        let marked = match mark {
            Some(mark) => str_type.call_method1("__add__", (&head, mark))?,
            None => head.into_any(),
        };
        let repr = str_type.call_method1("__repr__", (marked,))?.cast_into::<PyString>()?;
        let mut codes = crate::escape::code_points(&repr, usize::MAX)?;
        if mark.is_some() {
            let quote = codes.pop();
            codes.pop();
            codes.extend(quote);
        }
        for code in codes {
            self.text.push_code(code);
        }
        Ok(())
    }

    fn write_bytearray(&mut self, object: &Bound<'py, PyAny>, of: &Bound<'py, PyType>) -> PyResult<()> {
        let own = self.py.get_type::<PyByteArray>();
        let has = |quote: &[u8]| {
            own.call_method1("__contains__", (object, PyBytes::new(self.py, quote)))?.is_truthy()
        };
        let (single, double) = (has(b"'")?, has(b"\"")?);
        let most = isize::try_from(self.text.room()).unwrap_or(isize::MAX);
        let head =
            own.call_method1("__getitem__", (object, pyo3::types::PySlice::new(self.py, 0, most, 1)))?;
        let head = head.cast_into::<PyByteArray>()?.to_vec();
        self.text.push_str(&format!("{}(", short_name(of)));
        let quote = quote_of(single, double);
        self.write_bytes(&head, quote, if self.kinds.bytearray_escapes { '\'' } else { quote });
        self.text.push_str(")");
        Ok(())
    }

    fn write_bytes(&mut self, bytes: &[u8], quote: char, escaped: char) {
        self.text.push_char('b');
        self.text.push_char(quote);
        for &byte in bytes {
            if self.text.is_full() {
                return;
            }
            match byte {
                b'\\' => self.text.push_str("\\\\"),
                _ if char::from(byte) == escaped => {
                    self.text.push_char('\\');
                    self.text.push_char(escaped);
                }
                b' '..=b'~' => self.text.push_char(char::from(byte)),
                _ => self.text.push_escape(u32::from(byte)),
            }
        }
        self.text.push_char(quote);
    }

    /// The frame by which a container's items are written, or `None` if only its repr can tell.
    fn open_container(
        &mut self,
        kind: ReprKind,
        object: &Bound<'py, PyAny>,
        of: &Bound<'py, PyType>,
    ) -> PyResult<Option<Frame<'py>>> {
        let entries = |dict: Bound<'py, PyAny>, as_| Items::Dict(dict, 0, as_);
        let wrap = |name: &str, open: &str| Part::Owned(format!("{name}({open}"));
        let name = || short_name(of);
        let (open, source, close): (Vec<Part<'py>>, Items<'py>, String) = match kind {
            // Not marked as under way: the list of such marks shows itself as empty.
            ReprKind::List if object.cast::<PyList>()?.is_empty() => {
                return Ok(Some(Frame::around(Part::Text("[]"), None)));
            }
            ReprKind::List => {
                (vec![Part::Text("[")], Items::List(object.cast::<PyList>()?.clone(), 0), "]".into())
            }
            ReprKind::Tuple => {
                let tuple = object.cast::<PyTuple>()?.clone();
                let close = if tuple.len() == 1 { ",)" } else { ")" };
                (vec![Part::Text("(")], Items::Tuple(tuple, 0), close.into())
            }
            ReprKind::Dict => (vec![Part::Text("{")], entries(object.clone(), Entries::Pairs), "}".into()),
            ReprKind::FrozenDict if raw::dict_next(object, &mut 0).is_none() => {
                (vec![wrap(&name(), ")")], Items::Empty, String::new())
            }
            ReprKind::FrozenDict => {
                (vec![wrap(&name(), "{")], entries(object.clone(), Entries::Pairs), "})".into())
            }
            ReprKind::Set => {
                let iterator = raw::call_repr(self.kinds.set_iter, object)?;
                // The length is the set's own, whatever a subclass says.
                let empty = self.py.get_type::<pyo3::types::PySet>().call_method1("__len__", (object,));
                let empty = empty.or_else(|_| {
                    self.py.get_type::<pyo3::types::PyFrozenSet>().call_method1("__len__", (object,))
                });
                let exact = of.is(self.py.get_type::<pyo3::types::PySet>());
                let name = raw::c_name(of);
                match (empty?.is_truthy()?, exact) {
                    (false, _) => (vec![wrap(&name, ")")], Items::Empty, String::new()),
                    (true, true) => (vec![Part::Text("{")], Items::Iterator(iterator), "}".into()),
                    (true, false) => (vec![wrap(&name, "{")], Items::Iterator(iterator), "})".into()),
                }
            }
            ReprKind::Deque => {
                let iterator = raw::call_repr(self.kinds.deque_iter, object)?;
                let most = self.kinds.deque_maxlen.bind(self.py).call_method1("__get__", (object,))?;
                let close = if most.is_none() { "])".into() } else { format!("], maxlen={most})") };
                (vec![wrap(&name(), "[")], Items::Iterator(iterator), close)
            }
            ReprKind::DefaultDict => {
                let factory = self.kinds.default_factory.bind(self.py).call_method1("__get__", (object,))?;
                let open = [
                    wrap(&name(), ""),
                    Part::Factory(factory),
                    Part::Text(", "),
                    Part::Braces(object.clone()),
                ];
                (open.into(), Items::Empty, ")".into())
            }
            ReprKind::OrderedDict => {
                let as_ = if self.kinds.odict_as_dict { Entries::Pairs } else { Entries::Tuples };
                let (open, close) = if self.kinds.odict_as_dict { ("{", "})") } else { ("[", "])") };
                // An iterator in its own order looks values up by their keys, which may run a key's code.
                let source = if self.safe {
                    entries(object.clone(), as_)
                } else {
                    let items = self.kinds.odict_items.bind(self.py).call1((object,))?;
                    Items::PairIterator(items.try_iter()?.into_any(), as_)
                };
                match raw::dict_next(object, &mut 0) {
                    None => (vec![wrap(&name(), ")")], Items::Empty, String::new()),
                    Some(_) => (vec![wrap(&name(), open)], source, close.into()),
                }
            }
            ReprKind::MappingProxy => match raw::first_referent(object) {
                Some(mapping) => (
                    vec![Part::Text("mappingproxy("), Part::Object(mapping), Part::Text(")")],
                    Items::Empty,
                    String::new(),
                ),
                None => return Ok(None),
            },
            ReprKind::DictView => {
                let name = raw::c_name(of);
                let as_ = match name.rsplit('_').next() {
                    Some("keys") => Entries::Keys,
                    Some("values") => Entries::Values,
                    _ => Entries::Tuples,
                };
                match raw::first_referent(object) {
                    // An OrderedDict's view has an order of its own, which only its iterator knows.
                    Some(_) if name.starts_with("odict") && !self.safe => {
                        (vec![wrap(&name, "[")], Items::Iterator(object.try_iter()?.into_any()), "])".into())
                    }
                    Some(dict) => (vec![wrap(&name, "[")], entries(dict, as_), "])".into()),
                    None => return Ok(None),
                }
            }
            ReprKind::Exception => {
                let arguments = self.py.get_type::<pyo3::exceptions::PyBaseException>().getattr("args")?;
                let arguments = arguments.call_method1("__get__", (object,))?.cast_into::<PyTuple>()?;
                let (open, source) = match arguments.len() {
                    1 => (
                        vec![wrap(&name(), ""), Part::Object(arguments.get_item(0)?), Part::Text(")")],
                        Items::Empty,
                    ),
                    _ => (vec![Part::Owned(name()), Part::Object(arguments.into_any())], Items::Empty),
                };
                (open, source, String::new())
            }
            ReprKind::Method => {
                let function = object.getattr("__func__")?;
                if !function.get_type().is(self.kinds.function.bind(self.py)) {
                    return Ok(None);
                }
                let name = Part::Name(function.getattr("__qualname__")?.cast_into::<PyString>()?);
                let of = Part::Object(object.getattr("__self__")?);
                (
                    vec![Part::Text("<bound method "), name, Part::Text(" of "), of, Part::Text(">")],
                    Items::Empty,
                    String::new(),
                )
            }
            ReprKind::Slice => {
                let mut open = vec![Part::Text("slice(")];
                for (index, part) in ["start", "stop", "step"].into_iter().enumerate() {
                    if index > 0 {
                        open.push(Part::Text(", "));
                    }
                    open.push(Part::Object(object.getattr(part)?));
                }
                open.push(Part::Text(")"));
                (open, Items::Empty, String::new())
            }
            ReprKind::Partial if of.is(self.kinds.partial.bind(self.py)) => {
                let mut open = vec![Part::Text("functools.partial("), Part::Object(object.getattr("func")?)];
                // Each takes two characters at least.
                let most = self.text.room();
                for argument in object.getattr("args")?.cast_into::<PyTuple>()?.iter().take(most) {
                    open.extend([Part::Text(", "), Part::Object(argument)]);
                }
                let keywords = object.getattr("keywords")?;
                let mut position = 0;
                while open.len() <= most.saturating_mul(2)
                    && let Some((key, value)) = raw::dict_next(&keywords, &mut position)
                {
                    let Ok(key) = key.cast_into::<PyString>() else { return Ok(None) };
                    open.extend([Part::Text(", "), Part::Name(key), Part::Text("="), Part::Object(value)]);
                }
                open.push(Part::Text(")"));
                (open, Items::Empty, String::new())
            }
            ReprKind::Namespace if of.is(self.kinds.namespace.bind(self.py)) => {
                let attributes = object.getattr("__dict__")?;
                (vec![Part::Text("namespace(")], entries(attributes, Entries::Keywords), ")".into())
            }
            ReprKind::Array => {
                let Some(array) = &self.kinds.array else { return Ok(None) };
                let (code, length) = (array.typecode(object)?, array.length(object)?);
                match code.as_str() {
                    "u" | "w" => return Ok(None),
                    _ if length == 0 => (
                        vec![Part::Owned(format!("{}('{code}')", short_name(of)))],
                        Items::Empty,
                        String::new(),
                    ),
                    _ => (
                        vec![Part::Owned(format!("{}('{code}', [", short_name(of)))],
                        Items::Array(array.item(self.py), object.clone(), 0),
                        "])".into(),
                    ),
                }
            }
            _ => return Ok(None),
        };
        let breaks_cycles = !matches!(
            kind,
            ReprKind::DefaultDict
                | ReprKind::Exception
                | ReprKind::Method
                | ReprKind::Slice
                | ReprKind::MappingProxy
                | ReprKind::Array
        );
        let container = breaks_cycles.then(|| object.clone());
        Ok(Some(Frame { queue: open.into(), source, items: 0, close, container, mark: None }))
    }
}

/// The quote that a repr chooses for a text with single or double quotes in it.
fn quote_of(single: bool, double: bool) -> char {
    if single && !double { '"' } else { '\'' }
}

/// The type's name without its module, as C code shows it.
fn short_name(of: &Bound<'_, PyType>) -> String {
    let name = raw::c_name(of);
    name.rsplit('.').next().unwrap_or(&name).to_owned()
}

/// What stands for a container within itself.
fn cycle(kind: ReprKind, of: &Bound<'_, PyType>) -> String {
    match kind {
        ReprKind::List | ReprKind::Deque => "[...]".to_owned(),
        ReprKind::Tuple => "(...)".to_owned(),
        ReprKind::Dict | ReprKind::FrozenDict => "{...}".to_owned(),
        ReprKind::Set => format!("{}(...)", raw::c_name(of)),
        ReprKind::Namespace => "namespace(...)".to_owned(),
        _ => "...".to_owned(),
    }
}
