//! Finds the object or the types that an argument names: `0x7f3c5a0e1d50`, `shop.Session`.

use memtop_analyze::types_like;
use memtop_heap::{Heap, ObjectId, TypeId};

use crate::failure::Failure;
use crate::input::Input;

/// An argument TYPE|ADDRESS.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query<'a> {
    Address(u64),
    Type(&'a str),
}

impl<'a> Query<'a> {
    /// Reads the argument.
    ///
    /// # Errors
    /// If it begins like an address but is not one.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Failure> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let number = match digits {
            Some(digits) => u64::from_str_radix(digits, 16),
            // No name of a type begins with a digit.
            None if text.starts_with(|c: char| c.is_ascii_digit()) => text.parse(),
            None => return Ok(Self::Type(text)),
        };
        number.map(Self::Address).map_err(|_| {
            Failure::new(
                format!("invalid address {text:?}"),
                "write it as hex(id(obj)) prints it, such as 0x7f3c5a0e1d50, or in decimal as id(obj) does",
            )
        })
    }
}

/// Returns the object at `address`.
///
/// # Errors
/// If there is none.
pub(crate) fn object_at(heap: &Heap, input: &Input, address: u64) -> Result<ObjectId, Failure> {
    heap.objects().at_address(address).ok_or_else(|| {
        Failure::new(
            format!("no object at {address:#x} in {input}"),
            format!(
                "it may have been freed before the capture, or created after it; `mem_top report {}` lists addresses",
                input.argument()
            ),
        )
    })
}

/// Returns the types called `name`: the full name, or its last part.
///
/// # Errors
/// If there is none.
pub(crate) fn types_called(heap: &Heap, input: &Input, name: &str) -> Result<Vec<TypeId>, Failure> {
    let types = heap.types().find(name);
    if types.is_empty() {
        let similar = types_like(heap, name, 3);
        let hint = match similar.as_slice() {
            [] => format!("`mem_top report {}` lists the types", input.argument()),
            similar => format!("did you mean {}?", similar.join(", or ")),
        };
        return Err(Failure::new(format!("no type called {name:?} in {input}"), hint));
    }
    Ok(types)
}

/// Returns the full names of types, each once.
pub(crate) fn type_names(heap: &Heap, types: &[TypeId]) -> String {
    let mut names: Vec<&str> = types.iter().map(|&ty| heap.types().name(ty)).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_begins_with_a_digit_and_a_type_does_not() {
        let read = |text| Query::parse(text).map_err(|failure| failure.message);
        assert_eq!(read("0x7F3c"), Ok(Query::Address(0x7f3c)));
        assert_eq!(read("140"), Ok(Query::Address(140)));
        assert_eq!(read(" shop.Session "), Ok(Query::Type("shop.Session")));
        assert_eq!(read("0xyz"), Err("invalid address \"0xyz\"".to_owned()));
        assert_eq!(read("0xffffffffffffffffff"), Err("invalid address \"0xffffffffffffffffff\"".to_owned()));
        assert_eq!(read("-5"), Ok(Query::Type("-5")));
    }
}
