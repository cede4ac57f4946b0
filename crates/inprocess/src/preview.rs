//! The first characters of a repr, without building the rest.
//!
//! The interpreter's containers, and subclasses that inherit their repr, are written here item by item until the width
//! is full; later items are never read. An object whose type has its own `__repr__` runs it, isolated: if it raises,
//! `(broken __repr__, type=…)` is written instead; only a `KeyboardInterrupt` passes. With `safe`, no code of the
//! program runs: such objects are shown by their type and address.
//!
//! Invariant: the text is the beginning of `repr()`, escaped (see [`crate::escape`]). Nesting is kept on an explicit
//! stack, so that depth overflows nothing. A container that the repr of one of its items changes is read as it is then.

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::ffi::Py_tp_repr;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyModule, PySlice, PyString, PyType};
use rustc_hash::FxHashSet;

use self::frame::{Frame, Part};
use self::kinds::{Kinds, ReprKind};
use self::openings::{Opener, cycle, short_name};
use crate::escape::Text;
use crate::raw::{self, Runtime};

mod frame;
mod kinds;
mod openings;

/// Finds which reprs are the interpreter's own. Called when the extension module is imported.
///
/// # Errors
/// If the interpreter lacks what every CPython has.
pub(crate) fn probe(py: Python<'_>) -> PyResult<()> {
    Kinds::get(py).map(|_| ())
}

/// The most objects in each other whose reprs break no cycles: `repr()` recurses too deep beyond that.
const UNBROKEN_DEPTH: usize = 1000;

/// The most containers that are registered with the interpreter as in progress. It searches them one by one, and no
/// `repr()` gets much deeper than that.
const REGISTERED_DEPTH: usize = 1000;

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
    /// The containers that are being written, to break cycles as `repr()` does. The outer ones are registered with the
    /// interpreter too, so that a cycle through a `__repr__` in Python is broken at the same place.
    open: FxHashSet<usize>,
}

impl<'py> Writer<'py, '_> {
    /// Writes parts until the text is full or nothing is open.
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
            Some(ReprKind::Module) if self.safe => self.write_module(object.cast::<PyModule>()?),
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

    /// The frame by which a container's items are written, or `None` if only its own repr can show it.
    fn open_container(
        &self,
        kind: ReprKind,
        object: &Bound<'py, PyAny>,
        of: &Bound<'py, PyType>,
    ) -> PyResult<Option<Frame<'py>>> {
        let remaining = self.text.remaining();
        Opener { kinds: self.kinds, object, of, safe: self.safe, remaining }.open(kind)
    }

    /// Opens a container; writes dots instead if it is open already.
    fn push(&mut self, frame: Frame<'py>, kind: ReprKind, of: &Bound<'py, PyType>) {
        if frame.container.is_none() && self.stack.len() > UNBROKEN_DEPTH && !self.has_inner_container() {
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
            if self.stack.len() < REGISTERED_DEPTH {
                frame.guard = raw::ReprGuard::enter(container);
                if frame.guard.is_none() {
                    self.open.remove(&address);
                    return false;
                }
            }
        }
        self.stack.push(frame);
        true
    }

    /// Drops all open frames, the innermost first.
    fn end(&mut self) {
        while self.stack.pop().is_some() {}
    }

    /// Whether a container that breaks cycles is among the innermost frames. If not, objects whose reprs
    /// break no cycles are nested in each other, and `repr()` would recurse without end.
    fn has_inner_container(&self) -> bool {
        self.stack[self.stack.len() - UNBROKEN_DEPTH..].iter().any(|frame| frame.container.is_some())
    }

    /// Writes an object that only its own repr can show.
    fn write_opaque(&mut self, object: &Bound<'py, PyAny>) -> PyResult<()> {
        match object.cast::<PyType>() {
            _ if !self.safe => self.write_by(|| object.repr().map(Bound::into_any), object),
            Ok(of) => self.write_class(of),
            Err(_) => self.write_object(object, &object.get_type()),
        }
    }

    /// Writes what `object.__repr__` returns (`object_repr` in `typeobject.c`), without a look-up in a namespace, which
    /// could run the `__eq__` of keys.
    fn write_object(&mut self, object: &Bound<'py, PyAny>, of: &Bound<'py, PyType>) -> PyResult<()> {
        self.text.push_str("<");
        self.write_name(of)?;
        self.text.push_str(&format!(" object at {:#x}>", object.as_ptr() as usize));
        Ok(())
    }

    /// Writes what `type.__repr__` returns (`type_repr` in `typeobject.c`), in the same way.
    fn write_class(&mut self, of: &Bound<'py, PyType>) -> PyResult<()> {
        self.text.push_str("<class '");
        self.write_name(of)?;
        self.text.push_str("'>");
        Ok(())
    }

    /// Writes a module by its name alone.
    fn write_module(&mut self, module: &Bound<'py, PyModule>) -> PyResult<()> {
        self.text.push_str("<module '");
        let namespace = raw::namespace_of(module);
        let name = namespace.and_then(|namespace| raw::value_of(&namespace, c"__name__"));
        match name.and_then(|name| name.cast_into_exact::<PyString>().ok()) {
            Some(name) => self.text.push_python(&name)?,
            None => self.text.push_str("?"),
        }
        self.text.push_str("'>");
        Ok(())
    }

    /// Writes a type's module and qualified name; its `tp_name` if it has no module, or is in `builtins`.
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

    /// Writes the text that `repr` returns, or that it is broken.
    fn write_by(
        &mut self,
        repr: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        // A repr in C that sets an error has failed, even if it returns a text (as that of a weak reference in 3.13).
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

    /// Writes a type as `str()` shows it, or, if its metaclass raises, as `type` does.
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

    /// Writes the repr of the part of a str that fits. `repr()` chooses the quotes by the whole text, so a quote is
    /// appended to the part where that is needed to get the same ones, and removed from the result.
    fn write_str(&mut self, text: &Bound<'py, PyString>) -> PyResult<()> {
        let head = crate::escape::head(text, self.text.remaining())?;
        let quotes = |of: &Bound<'py, PyString>| (raw::contains(of, b'\''), raw::contains(of, b'"'));
        let (whole, part) = (quotes(text), quotes(&head));
        let double = |(single, double): (bool, bool)| single && !double;
        let appended = match (double(whole), double(part)) {
            (true, false) => Some("'"),
            (false, true) => Some("\""),
            _ => None,
        };
        let str_type = self.py.get_type::<PyString>();
        let text = match appended {
            Some(quote) => str_type.call_method1("__add__", (&head, quote))?,
            None => head.into_any(),
        };
        let repr = str_type.call_method1("__repr__", (text,))?.cast_into::<PyString>()?;
        let mut codes = crate::escape::code_points(&repr, usize::MAX)?;
        if appended.is_some() {
            let quote = codes.pop();
            codes.pop();
            codes.extend(quote);
        }
        for code in codes {
            self.text.push_code(code);
        }
        Ok(())
    }

    /// Writes the repr of the part of a bytearray that fits.
    fn write_bytearray(&mut self, object: &Bound<'py, PyAny>, of: &Bound<'py, PyType>) -> PyResult<()> {
        let own = self.py.get_type::<PyByteArray>();
        let has = |quote: &[u8]| {
            own.call_method1("__contains__", (object, PyBytes::new(self.py, quote)))?.is_truthy()
        };
        let (single, double) = (has(b"'")?, has(b"\"")?);
        let most = isize::try_from(self.text.remaining()).unwrap_or(isize::MAX);
        let head = own.call_method1("__getitem__", (object, PySlice::new(self.py, 0, most, 1)))?;
        let head = head.cast_into::<PyByteArray>()?.to_vec();
        self.text.push_str(&format!("{}(", short_name(of)));
        let quote = quote_of(single, double);
        self.write_bytes(&head, quote, if self.kinds.bytearray_escapes { '\'' } else { quote });
        self.text.push_str(")");
        Ok(())
    }

    /// Writes the repr of these bytes within `quote`s; `escaped` is the quote that is escaped in it.
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
}

/// The quote that a repr chooses for a text with single or double quotes in it.
fn quote_of(single: bool, double: bool) -> char {
    if single && !double { '"' } else { '\'' }
}
