//! The opening of each kind of container, the source of its items, and its closing: one function for each [`ReprKind`].

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyList, PySet, PyString, PyTuple, PyType};

use super::frame::{Entries, Frame, Items, Part};
use super::kinds::{Kinds, ReprKind};
use crate::raw;

/// The type's name without its module, as C code shows it.
pub(super) fn short_name(of: &Bound<'_, PyType>) -> String {
    let name = raw::c_name(of);
    name.rsplit('.').next().unwrap_or(&name).to_owned()
}

/// The text that is written for a container within itself.
pub(super) fn cycle(kind: ReprKind, of: &Bound<'_, PyType>) -> String {
    match kind {
        ReprKind::List | ReprKind::Deque => "[...]".to_owned(),
        ReprKind::Tuple => "(...)".to_owned(),
        ReprKind::Dict | ReprKind::FrozenDict => "{...}".to_owned(),
        ReprKind::Set => format!("{}(...)", raw::c_name(of)),
        ReprKind::Namespace => "namespace(...)".to_owned(),
        _ => "...".to_owned(),
    }
}

/// The text before a container's items, the items, and the text after them.
struct Opening<'py> {
    open: Vec<Part<'py>>,
    items: Items<'py>,
    close: String,
}

impl<'py> Opening<'py> {
    fn new(open: Part<'py>, items: Items<'py>, close: impl Into<String>) -> Self {
        Self { open: vec![open], items, close: close.into() }
    }

    /// Parts that are known as a whole.
    fn parts(open: impl Into<Vec<Part<'py>>>) -> Self {
        Self { open: open.into(), items: Items::Empty, close: String::new() }
    }
}

/// An opening, or `None` if only the container's own repr can show it.
type MaybeOpening<'py> = PyResult<Option<Opening<'py>>>;

fn wrap<'py>(name: &str, open: &str) -> Part<'py> {
    Part::Owned(format!("{name}({open}"))
}

/// A container that is about to be written.
pub(super) struct Opener<'a, 'py> {
    pub(super) kinds: &'a Kinds,
    pub(super) object: &'a Bound<'py, PyAny>,
    /// Its type.
    pub(super) of: &'a Bound<'py, PyType>,
    /// Whether no code of the program may run.
    pub(super) safe: bool,
    /// The number of characters that still fit.
    pub(super) remaining: usize,
}

impl<'py> Opener<'_, 'py> {
    /// The frame by which a container's items are written, or `None` if only its own repr can show it.
    ///
    /// # Errors
    /// Whatever a method of the interpreter raises.
    pub(super) fn open(&self, kind: ReprKind) -> PyResult<Option<Frame<'py>>> {
        // Not registered as in progress: the interpreter's list of such containers shows itself as empty.
        if kind == ReprKind::List && self.object.cast::<PyList>()?.is_empty() {
            return Ok(Some(Frame::around(Part::Text("[]"), None)));
        }
        let opening = match kind {
            ReprKind::List => self.list(),
            ReprKind::Tuple => self.tuple(),
            ReprKind::Dict => self.dict(),
            ReprKind::FrozenDict => self.frozendict(),
            ReprKind::Set => self.set(),
            ReprKind::Deque => self.deque(),
            ReprKind::DefaultDict => self.defaultdict(),
            ReprKind::OrderedDict => self.ordered_dict(),
            ReprKind::MappingProxy => Ok(self.mapping_proxy()),
            ReprKind::DictView => self.dict_view(),
            ReprKind::Exception => self.exception(),
            ReprKind::Method => self.method(),
            ReprKind::Slice => self.slice(),
            ReprKind::Partial => self.partial(),
            ReprKind::Namespace => self.namespace(),
            ReprKind::Array => self.array(),
            ReprKind::Str | ReprKind::Bytes | ReprKind::ByteArray | ReprKind::Module | ReprKind::Plain => {
                Ok(None)
            }
        };
        let Some(Opening { open, items, close }) = opening? else { return Ok(None) };
        let breaks_cycles = !matches!(
            kind,
            ReprKind::DefaultDict
                | ReprKind::Exception
                | ReprKind::Method
                | ReprKind::Slice
                | ReprKind::MappingProxy
                | ReprKind::Array
        );
        let container = breaks_cycles.then(|| self.object.clone());
        Ok(Some(Frame { queue: open.into(), source: items, items: 0, close, container, guard: None }))
    }

    fn py(&self) -> Python<'py> {
        self.object.py()
    }

    fn name(&self) -> String {
        short_name(self.of)
    }

    /// The entries of the object, which is a dict.
    fn entries(&self, written_as: Entries) -> Items<'py> {
        Items::Dict(self.object.clone(), 0, written_as)
    }

    /// Whether the object, which is a dict, has no entries.
    fn is_empty_dict(&self) -> bool {
        raw::dict_next(self.object, &mut 0).is_none()
    }

    fn list(&self) -> MaybeOpening<'py> {
        let items = Items::List(self.object.cast::<PyList>()?.clone(), 0);
        Ok(Some(Opening::new(Part::Text("["), items, "]")))
    }

    fn tuple(&self) -> MaybeOpening<'py> {
        let tuple = self.object.cast::<PyTuple>()?.clone();
        let close = if tuple.len() == 1 { ",)" } else { ")" };
        Ok(Some(Opening::new(Part::Text("("), Items::Tuple(tuple, 0), close)))
    }

    fn dict(&self) -> MaybeOpening<'py> {
        Ok(Some(Opening::new(Part::Text("{"), self.entries(Entries::Pairs), "}")))
    }

    fn frozendict(&self) -> MaybeOpening<'py> {
        Ok(Some(match self.is_empty_dict() {
            true => Opening::parts([wrap(&self.name(), ")")]),
            false => Opening::new(wrap(&self.name(), "{"), self.entries(Entries::Pairs), "})"),
        }))
    }

    fn set(&self) -> MaybeOpening<'py> {
        let items = Items::Iterator(raw::call_repr(self.kinds.set_iter, self.object)?);
        // The length by the base's own method, whatever a subclass answers.
        let length = |of: Bound<'py, PyType>| of.call_method1("__len__", (self.object,));
        let length =
            length(self.py().get_type::<PySet>()).or_else(|_| length(self.py().get_type::<PyFrozenSet>()))?;
        let is_exact = self.of.is(self.py().get_type::<PySet>());
        let name = raw::c_name(self.of);
        Ok(Some(match (length.is_truthy()?, is_exact) {
            (false, _) => Opening::parts([wrap(&name, ")")]),
            (true, true) => Opening::new(Part::Text("{"), items, "}"),
            (true, false) => Opening::new(wrap(&name, "{"), items, "})"),
        }))
    }

    fn deque(&self) -> MaybeOpening<'py> {
        let items = Items::Iterator(raw::call_repr(self.kinds.deque_iter, self.object)?);
        let limit = self.kinds.deque_maxlen.bind(self.py()).call_method1("__get__", (self.object,))?;
        let close = if limit.is_none() { "])".to_owned() } else { format!("], maxlen={limit})") };
        Ok(Some(Opening::new(wrap(&self.name(), "["), items, close)))
    }

    fn defaultdict(&self) -> MaybeOpening<'py> {
        let factory = self.kinds.default_factory.bind(self.py()).call_method1("__get__", (self.object,))?;
        let braces = Part::Braces(self.object.clone());
        let open = [wrap(&self.name(), ""), Part::Factory(factory), Part::Text(", "), braces];
        Ok(Some(Opening { open: open.into(), items: Items::Empty, close: ")".into() }))
    }

    fn ordered_dict(&self) -> MaybeOpening<'py> {
        let (written_as, open, close) = match self.kinds.odict_as_dict {
            true => (Entries::Pairs, "{", "})"),
            false => (Entries::Tuples, "[", "])"),
        };
        // An iterator in the dict's own order looks values up by their keys, which may run a key's code.
        let items = if self.safe {
            self.entries(written_as)
        } else {
            let items = self.kinds.odict_items.bind(self.py()).call1((self.object,))?;
            Items::PairIterator(items.try_iter()?.into_any(), written_as)
        };
        Ok(Some(match self.is_empty_dict() {
            true => Opening::parts([wrap(&self.name(), ")")]),
            false => Opening::new(wrap(&self.name(), open), items, close),
        }))
    }

    fn mapping_proxy(&self) -> Option<Opening<'py>> {
        let mapping = raw::first_referent(self.object)?;
        Some(Opening::parts([Part::Text("mappingproxy("), Part::Object(mapping), Part::Text(")")]))
    }

    fn dict_view(&self) -> MaybeOpening<'py> {
        let name = raw::c_name(self.of);
        let written_as = match name.rsplit('_').next() {
            Some("keys") => Entries::Keys,
            Some("values") => Entries::Values,
            _ => Entries::Tuples,
        };
        let Some(dict) = raw::first_referent(self.object) else { return Ok(None) };
        // The view of an OrderedDict has an order of its own, which only its iterator knows.
        let items = match name.starts_with("odict") && !self.safe {
            true => Items::Iterator(self.object.try_iter()?.into_any()),
            false => Items::Dict(dict, 0, written_as),
        };
        Ok(Some(Opening::new(wrap(&name, "["), items, "])")))
    }

    fn exception(&self) -> MaybeOpening<'py> {
        let arguments = self.py().get_type::<PyBaseException>().getattr("args")?;
        let arguments = arguments.call_method1("__get__", (self.object,))?.cast_into::<PyTuple>()?;
        Ok(Some(match arguments.len() {
            1 => Opening::parts([
                wrap(&self.name(), ""),
                Part::Object(arguments.get_item(0)?),
                Part::Text(")"),
            ]),
            _ => Opening::parts([Part::Owned(self.name()), Part::Object(arguments.into_any())]),
        }))
    }

    fn method(&self) -> MaybeOpening<'py> {
        let function = self.object.getattr("__func__")?;
        if !function.get_type().is(self.kinds.function.bind(self.py())) {
            return Ok(None);
        }
        let name = Part::Name(function.getattr("__qualname__")?.cast_into::<PyString>()?);
        let of = Part::Object(self.object.getattr("__self__")?);
        let (bound, between) = (Part::Text("<bound method "), Part::Text(" of "));
        Ok(Some(Opening::parts([bound, name, between, of, Part::Text(">")])))
    }

    fn slice(&self) -> MaybeOpening<'py> {
        let mut open = vec![Part::Text("slice(")];
        for (index, part) in ["start", "stop", "step"].into_iter().enumerate() {
            if index > 0 {
                open.push(Part::Text(", "));
            }
            open.push(Part::Object(self.object.getattr(part)?));
        }
        open.push(Part::Text(")"));
        Ok(Some(Opening::parts(open)))
    }

    fn partial(&self) -> MaybeOpening<'py> {
        if !self.of.is(self.kinds.partial.bind(self.py())) {
            return Ok(None);
        }
        let function = Part::Object(self.object.getattr("func")?);
        let mut open = vec![Part::Text("functools.partial("), function];
        // Each argument takes at least two characters.
        let most = self.remaining;
        for argument in self.object.getattr("args")?.cast_into::<PyTuple>()?.iter().take(most) {
            open.extend([Part::Text(", "), Part::Object(argument)]);
        }
        let keywords = self.object.getattr("keywords")?;
        let mut position = 0;
        while open.len() <= most.saturating_mul(2)
            && let Some((key, value)) = raw::dict_next(&keywords, &mut position)
        {
            let Ok(key) = key.cast_into::<PyString>() else { return Ok(None) };
            open.extend([Part::Text(", "), Part::Name(key), Part::Text("="), Part::Object(value)]);
        }
        open.push(Part::Text(")"));
        Ok(Some(Opening::parts(open)))
    }

    fn namespace(&self) -> MaybeOpening<'py> {
        if !self.of.is(self.kinds.namespace.bind(self.py())) {
            return Ok(None);
        }
        let attributes = Items::Dict(self.object.getattr("__dict__")?, 0, Entries::Keywords);
        Ok(Some(Opening::new(Part::Text("namespace("), attributes, ")")))
    }

    fn array(&self) -> MaybeOpening<'py> {
        let Some(array) = &self.kinds.array else { return Ok(None) };
        let (code, length) = (array.typecode(self.object)?, array.length(self.object)?);
        let name = self.name();
        Ok(match code.as_str() {
            "u" | "w" => None,
            _ if length == 0 => Some(Opening::parts([Part::Owned(format!("{name}('{code}')"))])),
            _ => {
                let items = Items::Array(array.item(self.py()), self.object.clone(), 0);
                Some(Opening::new(Part::Owned(format!("{name}('{code}', [")), items, "])"))
            }
        })
    }
}
