//! The names under which a class keeps the limit of its items: `maxsize`, `capacity`, `batch_size`.
//!
//! Names are compared by their words, since a limit of time, of bytes or of attempts says nothing about items.

/// How surely a name is that of a limit of items; the least is the surest.
pub(crate) type Rank = u8;

/// The words of a name with another unit.
const OTHER_UNITS: [&str; 56] = [
    "age",
    "attempt",
    "attempts",
    "block",
    "body",
    "byte",
    "bytes",
    "content",
    "days",
    "delay",
    "depth",
    "fd",
    "field",
    "file",
    "files",
    "frame",
    "header",
    "headers",
    "height",
    "hours",
    "interval",
    "kb",
    "level",
    "levels",
    "lifetime",
    "line",
    "mb",
    "memory",
    "message",
    "minutes",
    "ms",
    "page",
    "payload",
    "priority",
    "process",
    "processes",
    "rate",
    "read",
    "recursion",
    "recv",
    "redirects",
    "retries",
    "retry",
    "sec",
    "seconds",
    "secs",
    "send",
    "socket",
    "thread",
    "threads",
    "time",
    "timeout",
    "ttl",
    "width",
    "word",
    "worker",
];

/// The rank of a name; `None` if it is not the name of a limit of items.
pub(crate) fn rank(name: &str) -> Option<Rank> {
    const LONGEST: usize = 40;
    if name.len() > LONGEST || !name.is_ascii() {
        return None;
    }
    let name = name.trim_start_matches('_').to_ascii_lowercase();
    if matches!(
        name.as_str(),
        "maxsize" | "max_size" | "maxlen" | "max_len" | "capacity" | "limit" | "cached_statements"
    ) {
        return Some(0);
    }
    if name.split('_').any(|word| OTHER_UNITS.contains(&word) || word == "workers") {
        return None;
    }
    let has = |is: fn(&str) -> bool| name.split('_').any(is);
    match () {
        () if has(|word| word.starts_with("max")) => Some(1),
        () if has(|word| word == "capacity" || word.ends_with("limit")) => Some(2),
        () if name.ends_with("size") => Some(3),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn a_limit_of_items_is_known_by_its_name() {
        for name in ["maxsize", "_maxsize", "max_size", "__maxlen", "capacity", "limit", "cached_statements"]
        {
            assert_eq!(rank(name), Some(0), "{name}");
        }
        for name in
            ["max_entries", "maximum", "MAX_KEEPALIVE", "maxitems", "pool_limit", "cache_size", "batchsize"]
        {
            assert!(rank(name).is_some_and(|rank| rank > 0), "{name}");
        }
    }

    #[test]
    fn limits_of_other_things_are_left_out() {
        for name in
            ["max_age", "max_retries", "max_workers", "block_size", "timeout", "items", "resized", "climax"]
        {
            assert_eq!(rank(name), None, "{name}");
        }
    }

    #[test]
    fn the_surest_name_counts() {
        assert!(rank("capacity") < rank("max_entries"));
        assert!(rank("max_entries") < rank("size"));
    }
}
