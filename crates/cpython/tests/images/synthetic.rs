//! Synthetic memory of an interpreter, good and damaged. Its numbers are this file's own: none is taken from
//! the tables.
//!
//! The file is long because an image holds every structure of an interpreter, in each version.

use std::collections::{BTreeMap, HashSet};

use memtop_cpython::{GcLists, Memory, RuntimeError, interpreters, list_objects};

/// The offsets of one version, independent of the tables.
#[derive(Clone, Copy)]
struct Version {
    minor: u8,
    micro: u8,
    /// In `_PyRuntime`: initialized, finalizing, the first interpreter.
    runtime: [u64; 3],
    /// In the interpreter: next, id, threads.
    interpreter: [u64; 3],
    /// In the interpreter: modules, sys, builtins.
    namespaces: [u64; 3],
    /// The collector's state, in the interpreter or, in 3.8, in `_PyRuntime`.
    gc: u64,
    /// In it: the first list, the permanent one, whether it runs.
    collector: [u64; 3],
    /// The offset of the text of a str.
    text: u64,
}

const VERSIONS: [Version; 8] = [
    Version {
        minor: 8,
        micro: 18,
        runtime: [12, 16, 32],
        interpreter: [0, 16, 8],
        namespaces: [56, 72, 80],
        gc: 344,
        collector: [24, 104, 200],
        text: 48,
    },
    Version {
        minor: 9,
        micro: 18,
        runtime: [12, 16, 32],
        interpreter: [0, 24, 8],
        namespaces: [856, 872, 880],
        gc: 616,
        collector: [24, 104, 200],
        text: 48,
    },
    Version {
        minor: 10,
        micro: 13,
        runtime: [12, 16, 32],
        interpreter: [0, 24, 8],
        namespaces: [856, 872, 880],
        gc: 616,
        collector: [24, 104, 200],
        text: 48,
    },
    Version {
        minor: 11,
        micro: 7,
        runtime: [16, 24, 40],
        interpreter: [0, 48, 16],
        namespaces: [888, 904, 912],
        gc: 648,
        collector: [24, 104, 200],
        text: 48,
    },
    Version {
        minor: 12,
        micro: 1,
        runtime: [16, 24, 40],
        interpreter: [0, 8, 72],
        namespaces: [944, 352, 360],
        gc: 112,
        collector: [24, 104, 200],
        text: 40,
    },
    Version {
        minor: 13,
        micro: 0,
        runtime: [600, 608, 632],
        interpreter: [7264, 7272, 7344],
        namespaces: [7656, 7640, 7648],
        gc: 7400,
        collector: [24, 104, 200],
        text: 40,
    },
    Version {
        minor: 14,
        micro: 2,
        runtime: [776, 784, 808],
        interpreter: [7272, 7280, 7344],
        namespaces: [7688, 7672, 7680],
        gc: 7408,
        collector: [24, 96, 192],
        text: 40,
    },
    Version {
        minor: 15,
        micro: 2,
        runtime: [904, 912, 936],
        interpreter: [7264, 7272, 7336],
        namespaces: [7592, 7576, 7584],
        gc: 7400,
        collector: [8, 80, 112],
        text: 40,
    },
];

const RUNTIME: u64 = 0x5555_5000_0000;
const INTERPRETER: u64 = 0x5555_5010_0008;
const THREAD: u64 = 0x5555_5020_0000;
const HEAP: u64 = 0x7f00_0000_0000;
const OBJECTS: u64 = 5;

#[derive(Clone)]
struct Image {
    words: BTreeMap<u64, u64>,
    end: u64,
    version: Version,
    objects: Vec<u64>,
}

impl Memory for Image {
    fn word(&self, address: u64) -> Option<u64> {
        let (low, by) = (address & !7, 8 * (address & 7));
        let first = self.words.get(&low)?;
        if by == 0 {
            return Some(*first);
        }
        Some(first >> by | self.words.get(&low.checked_add(8)?)? << (64 - by))
    }

    fn half(&self, address: u64) -> Option<u32> {
        let word = self.words.get(&(address & !7))?;
        Some((word >> (8 * (address & 7))) as u32)
    }

    fn byte(&self, address: u64) -> Option<u8> {
        Some((self.words.get(&(address & !7))? >> (8 * (address & 7))) as u8)
    }

    fn bytes(&self, address: u64, length: usize, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        for offset in 0..length as u64 {
            into.push(self.byte(address.checked_add(offset)?)?);
        }
        Some(())
    }
}

impl Image {
    fn room(&mut self, bytes: u64) -> u64 {
        let at = self.end;
        self.end += bytes.next_multiple_of(16) + 16;
        self.zero(at, bytes);
        at
    }

    fn zero(&mut self, at: u64, bytes: u64) {
        self.words.extend((0..bytes.div_ceil(8)).map(|index| (at + 8 * index, 0)));
    }

    fn put(&mut self, at: u64, word: u64) {
        assert!(at.is_multiple_of(8));
        self.words.insert(at, word);
    }

    /// Four bytes of a word.
    fn put_half(&mut self, at: u64, half: u32) {
        let word = self.words.entry(at & !7).or_default();
        let by = 8 * (at & 7);
        *word = *word & !(0xFFFF_FFFF << by) | u64::from(half) << by;
    }

    fn put_text(&mut self, at: u64, text: &str) {
        for (index, piece) in text.as_bytes().chunks(8).enumerate() {
            let mut bytes = [0; 8];
            bytes[..piece.len()].copy_from_slice(piece);
            self.put(at + 8 * index as u64, u64::from_le_bytes(bytes));
        }
    }

    fn type_named(&mut self, name: &str, size: u64) -> u64 {
        let text = self.room(32);
        self.put_text(text, name);
        let of = self.room(416);
        self.put(of + 24, text);
        self.put(of + 32, size);
        of
    }

    fn string(&mut self, of: u64, text: &str) -> u64 {
        let at = self.room(96);
        self.put(at + 8, of);
        self.put(at + 16, text.len() as u64);
        self.put_half(at + 32, 1 << 2 | 1 << 5 | 1 << 6);
        self.put_text(at + self.version.text, text);
        at
    }

    fn dict(&mut self, of: u64, entries: &[(u64, u64)]) -> u64 {
        let (at, keys) = (self.room(48), self.room(400));
        self.put(at + 8, of);
        self.put(at + 16, entries.len() as u64);
        self.put(at + 32, keys);
        let count = entries.len() as u64;
        let first = if self.version.minor >= 11 {
            // Eight slots, a byte each; a general table.
            self.put(keys + 8, 0x00_03_03);
            self.put(keys + 24, count);
            keys + 32 + 8
        } else {
            self.put(keys + 8, 8);
            self.put(keys + 32, count);
            keys + 40 + 8
        };
        for (index, &(key, value)) in entries.iter().enumerate() {
            self.put(first + 24 * index as u64 + 8, key);
            self.put(first + 24 * index as u64 + 16, value);
        }
        at
    }

    /// The first list's head.
    fn lists(&self) -> u64 {
        let base = if self.version.minor == 8 { RUNTIME } else { INTERPRETER };
        base + self.version.gc + self.version.collector[0]
    }

    fn collecting(&self) -> u64 {
        self.lists() - self.version.collector[0] + self.version.collector[2]
    }

    /// A ring of a head and objects.
    fn ring(&mut self, head: u64, objects: &[u64]) {
        let ring: Vec<u64> = std::iter::once(head).chain(objects.iter().map(|object| object - 16)).collect();
        for (place, &at) in ring.iter().enumerate() {
            self.put(at, ring[(place + 1) % ring.len()]);
            self.put(at + 8, ring[(place + ring.len() - 1) % ring.len()]);
        }
    }

    /// An interpreter with a thread, three modules' worth of dicts, and five objects in its second list.
    fn of(version: Version) -> Self {
        Self::with(version, &[], 0)
    }

    /// The same with more names in `sys`, and the collector's state moved.
    fn with(mut version: Version, more: &[&str], moved: u64) -> Self {
        version.gc += moved;
        let mut image = Self { words: BTreeMap::new(), end: HEAP, version, objects: Vec::new() };
        image.zero(RUNTIME, 2048);
        image.zero(INTERPRETER, 9000);
        image.zero(THREAD, 512);
        let [initialized, _, head] = version.runtime;
        image.put_half(RUNTIME + initialized, 1);
        image.put(RUNTIME + head, INTERPRETER);
        image.put(INTERPRETER + version.interpreter[2], THREAD);
        image.put(THREAD + 16, INTERPRETER);
        let [string, dict, module, list] = [("str", 80), ("dict", 48), ("module", 56), ("list", 40)]
            .map(|(name, size)| image.type_named(name, size));
        let name = |image: &mut Self, text: &str| image.string(string, text);
        let (sys, builtins) = (image.room(56), image.room(56));
        for at in [sys, builtins] {
            image.put(at + 8, module);
        }
        let keys = [name(&mut image, "sys"), name(&mut image, "builtins")];
        let modules = image.dict(dict, &[(keys[0], sys), (keys[1], builtins)]);
        let mut names = vec![(name(&mut image, "modules"), modules)];
        for text in more {
            names.push((name(&mut image, text), string));
        }
        let sysdict = image.dict(dict, &names);
        let key = name(&mut image, "str");
        let of_builtins = image.dict(dict, &[(key, string)]);
        image.put(sys + 16, sysdict);
        image.put(builtins + 16, of_builtins);
        for (offset, dict) in version.namespaces.into_iter().zip([modules, sysdict, of_builtins]) {
            image.put(INTERPRETER + offset, dict);
        }
        for _ in 0..OBJECTS {
            let object = image.room(80) + 16;
            image.put(object + 8, list);
            image.objects.push(object);
        }
        let first = image.lists();
        let objects = image.objects.clone();
        image.ring(first, &[]);
        image.ring(first + 24, &objects);
        image.ring(first + 48, &[]);
        image.ring(first - version.collector[0] + version.collector[1], &[]);
        for (place, threshold) in [700, 10, 10].into_iter().enumerate() {
            image.put_half(first + 24 * place as u64 + 16, threshold);
        }
        image.debug_offsets();
        image
    }

    /// The debug offsets of 3.13 and later.
    fn debug_offsets(&mut self) {
        let version = self.version;
        // In words: the place of `gc`, that of `collecting`.
        let (gc, collecting) = match version.minor {
            13 => (10, 72),
            14 => (11, 82),
            15 => (11, 95),
            _ => return,
        };
        self.put_text(RUNTIME, "xdebugpy");
        let hex = 0x0300_00f0 | u64::from(version.minor) << 16 | u64::from(version.micro) << 8;
        let [next, id, threads] = version.interpreter;
        let [modules, sys, builtins] = version.namespaces;
        let told =
            [(1, hex), (4, version.runtime[1]), (5, version.runtime[2]), (7, id), (8, next), (9, threads)];
        let more = [
            (gc, version.gc),
            (gc + 1, modules),
            (gc + 2, sys),
            (gc + 3, builtins),
            (collecting, version.collector[2]),
        ];
        for (place, number) in told.into_iter().chain(more) {
            self.put(RUNTIME + 8 * place, number);
        }
    }

    fn look(&self) -> Result<Vec<memtop_cpython::Interpreter>, RuntimeError> {
        interpreters(self, RUNTIME, self.version.minor, self.version.micro)
    }

    /// The objects in the lists, in order, and whether no link was broken.
    fn walk(&self, lists: &GcLists) -> (Vec<u64>, bool) {
        let mut found = Vec::new();
        let walk = list_objects(self, lists, |object| found.push(object));
        assert_eq!(walk.objects, found.len() as u64);
        (found, walk.complete)
    }
}

fn each(check: impl Fn(Image)) {
    for version in VERSIONS {
        check(Image::of(version));
    }
}

#[test]
fn a_good_image_is_read() {
    each(|image| {
        let found = image.look().unwrap_or_else(|error| panic!("3.{}: {error}", image.version.minor));
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!((one.address, one.id, &one.threads[..]), (INTERPRETER, 0, &[THREAD][..]));
        assert_eq!(one.lists.heads[0], image.lists());
        assert!(!one.lists.collecting && !one.finalizing && one.all_threads);
        assert_eq!(image.walk(&one.lists), (image.objects.clone(), true));
    });
}

#[test]
fn each_state_that_cannot_be_read_has_an_error_of_its_own() {
    each(|image| {
        let [initialized, finalizing, head] = image.version.runtime;
        let minor = image.version.minor;
        let expect = |change: &dyn Fn(&mut Image), error: RuntimeError| {
            let mut image = image.clone();
            change(&mut image);
            assert_eq!(image.look(), Err(error), "3.{minor}");
        };
        expect(&|image| image.put_half(RUNTIME + initialized, 0), RuntimeError::Starting);
        expect(&|image| image.put(RUNTIME + finalizing, THREAD), RuntimeError::Finalizing);
        expect(&|image| image.put(RUNTIME + head, 0), RuntimeError::NoInterpreter);
        expect(
            &|image| image.put(RUNTIME + head, HEAP),
            RuntimeError::Misfit { what: "the list of interpreters" },
        );
        let head = image.lists();
        expect(&|image| image.put(head + 8, HEAP), RuntimeError::Misfit { what: "the collector's lists" });
        if minor >= 13 {
            expect(&|image| image.put(RUNTIME + 16, 1), RuntimeError::FreeThreaded);
            expect(&|image| image.put(RUNTIME, 0), RuntimeError::NoRuntime { runtime: RUNTIME });
            let micro = image.version.micro;
            expect(
                &|image| image.put(RUNTIME + 8, 0x030a_0df0),
                RuntimeError::OtherVersion { version: 0x030a_0df0, minor, micro },
            );
        }
        let debug = Image::with(image.version, &["gettotalrefcount"], 0);
        assert_eq!(debug.look(), Err(RuntimeError::DebugBuild { which: "Py_DEBUG" }), "3.{minor}");
        // Two words more before each object, types included.
        let traced = |image: &mut Image| {
            let (of, name, dict) = (image.room(432), image.room(16), image.room(64));
            image.put_text(name, "dict");
            image.put(of + 40, name);
            image.put(dict + 24, of);
            for offset in image.version.namespaces {
                image.put(INTERPRETER + offset, dict);
            }
        };
        expect(&traced, RuntimeError::DebugBuild { which: "Py_TRACE_REFS" });
    });
    assert_eq!(
        interpreters(&Image::of(VERSIONS[0]), RUNTIME, 7, 0),
        Err(RuntimeError::UnknownVersion { minor: 7 })
    );
}

#[test]
fn lists_that_another_patch_release_moved_are_found() {
    for version in VERSIONS {
        for moved in [8, 16, 24] {
            let mut image = Image::with(version, &[], moved);
            // The debug offsets of 3.13 and later are as wrong as the table.
            if version.minor >= 13 {
                let place = if version.minor == 13 { 10 } else { 11 };
                image.put(RUNTIME + 8 * place, version.gc);
            }
            let found = image.look().unwrap_or_else(|error| panic!("3.{} {moved}: {error}", version.minor));
            assert_eq!(found[0].lists.heads[0], image.lists(), "3.{}", version.minor);
        }
    }
}

/// Patch releases differ in whether a pointer lies between the three lists and the permanent one.
#[test]
fn a_permanent_list_that_is_closer_or_farther_is_found() {
    for mut version in VERSIONS {
        let by = if version.collector[1] - version.collector[0] == 80 { 8_u64.wrapping_neg() } else { 8 };
        for offset in &mut version.collector[1..] {
            *offset = offset.wrapping_add(by);
        }
        let image = Image::of(version);
        let found = image.look().unwrap_or_else(|error| panic!("3.{}: {error}", version.minor));
        let heads = &found[0].lists.heads;
        assert_eq!(heads[3] - heads[0], version.collector[1] - version.collector[0], "3.{}", version.minor);
    }
}

#[test]
fn flags_in_the_links_are_not_part_of_an_address() {
    each(|mut image| {
        // The incremental collector of 3.14.0 to 3.14.4 sets flags in the forward links, and in heads too.
        for at in image.objects.clone().into_iter().map(|object| object - 16).chain([image.lists() + 24]) {
            let (next, previous) = (image.words[&at], image.words[&(at + 8)]);
            image.put(at, next | 1);
            image.put(at + 8, previous | 3);
        }
        let found = image.look().expect("it is good");
        assert_eq!(image.walk(&found[0].lists), (image.objects.clone(), true));
    });
}

#[test]
fn while_the_collector_runs_links_back_are_counts() {
    each(|mut image| {
        image.put_half(image.collecting(), 1);
        for object in image.objects.clone() {
            image.put(object - 8, 7 << 2 | 2);
        }
        let found = image.look().unwrap_or_else(|error| panic!("3.{}: {error}", image.version.minor));
        assert!(found[0].lists.collecting);
        assert_eq!(image.walk(&found[0].lists), (image.objects.clone(), true));
    });
}

#[test]
fn a_broken_list_is_counted_and_followed_from_its_other_end() {
    each(|mut image| {
        let found = image.look().expect("it is good");
        image.put(image.objects[1] - 16, 0x10);
        let (told, complete) = image.walk(&found[0].lists);
        assert!(!complete);
        assert_eq!(told.iter().collect::<HashSet<_>>(), image.objects.iter().collect());
        assert_eq!(told.len(), image.objects.len());
    });
}

#[test]
fn a_ring_that_never_comes_back_ends() {
    each(|mut image| {
        let found = image.look().expect("it is good");
        let (second, last) = (image.objects[1] - 16, image.objects[4] - 16);
        image.put(last, second);
        let (told, complete) = image.walk(&found[0].lists);
        assert!(!complete && told.len() < 200, "{}", told.len());
        // And into another list's ring.
        image.put(last, image.lists());
        assert!(!image.walk(&found[0].lists).1);
    });
}

/// Whatever word is wrong: no panic, no endless loop, and every list that is returned is proved.
#[test]
fn any_wrong_word_is_refused_or_harmless() {
    each(|image| {
        let places: Vec<u64> =
            image.words.iter().filter(|&(_, &word)| word != 0).map(|(&at, _)| at).collect();
        for at in places {
            for wrong in [0, 1, u64::MAX, at, HEAP, RUNTIME, 1 << 40] {
                let mut image = image.clone();
                image.put(at, wrong);
                for one in image.look().into_iter().flatten() {
                    assert_eq!(one.lists.heads.len(), 4);
                    image.walk(&one.lists);
                }
                image.words.remove(&at);
                for one in image.look().into_iter().flatten() {
                    image.walk(&one.lists);
                }
            }
        }
    });
}
