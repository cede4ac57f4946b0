//! The page's data: a block of JSON from which no script and no markup can escape.
//!
//! Invariants: no text in it is longer than the limit, or has a control character, since each is shown as it is here;
//! and none of `<`, `>` and `&` is in the block, so that no name can end it.

use serde_json::Value;

use crate::escape::{cut, escape};

/// The data as it is in the page; no text is longer than `longest`, in columns.
pub(super) fn block(mut data: Value, longest: usize) -> String {
    harmless(&mut data, longest);
    let mut out = String::new();
    for c in data.to_string().chars() {
        match c {
            '<' | '>' | '&' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// Escapes and cuts all texts. The depth of an answer is that of its schema.
fn harmless(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) => {
            *text = cut(&escape(text), longest).into_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| harmless(item, longest)),
        Value::Object(fields) => fields.values_mut().for_each(|field| harmless(field, longest)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_comes_out_of_the_block() {
        let name = "</script><!--\u{202e}\u{2028}\x1b[31m & \u{1f600} \"quoted\" \\";
        let block = block(json!({"name": name, "long": "x".repeat(100_000)}), 400);
        assert!(!block.contains(['<', '>', '&', '\u{202e}', '\u{2028}', '\x1b']), "{block}");
        let read: Value = serde_json::from_str(&block).expect("it is JSON");
        assert_eq!(read["name"], escape(name).as_ref());
        assert_eq!(read["long"].as_str().map(|text| text.chars().count()), Some(400));
    }
}
