//! The page's data: JSON in a block that no script and no markup can come out of.
//!
//! Invariants: no text in it is longer than [`LONGEST`] columns or has a character that steers anything, since each is
//! shown as it is here; and none of `<`, `>` and `&` is in the block, so that no name can end it.

use serde_json::Value;

use crate::escape::{cut, escape};

/// A text is never longer than this, in columns.
const LONGEST: usize = 400;
/// A list of suspects, paths or rows is never longer than this; tables and the tree have limits of their own.
const MOST: usize = 5000;

/// The data, as it stands in the page.
pub(super) fn block(mut data: Value) -> String {
    harmless(&mut data);
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
fn harmless(value: &mut Value) {
    match value {
        Value::String(text) => {
            let told = cut(&escape(text), LONGEST).into_owned();
            *text = told;
        }
        Value::Array(items) => {
            items.truncate(MOST);
            items.iter_mut().for_each(harmless);
        }
        Value::Object(fields) => fields.values_mut().for_each(harmless),
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
        let block = block(json!({"name": name, "long": "x".repeat(100_000)}));
        assert!(!block.contains(['<', '>', '&', '\u{202e}', '\u{2028}', '\x1b']), "{block}");
        let read: Value = serde_json::from_str(&block).expect("it is JSON");
        assert_eq!(read["name"], escape(name).as_ref());
        assert_eq!(read["long"].as_str().map(|text| text.chars().count()), Some(LONGEST));
    }
}
