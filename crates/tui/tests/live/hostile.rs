//! Names chosen to do harm, by a program or by the requests that it serves.

use std::sync::Arc;
use std::time::Duration;

use memtop_heap::{CaptureInfo, Heap, HeapBuilder, Label, Object, Root, RootKind, Type};
use memtop_tui::{Command, Effect, Event, Examined, Pace, State, Subject, Theme, Title, Update, observe};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::scene::{buffer, text};

const NASTY: [&str; 8] = [
    "\x1b[2J\x1b]0;owned\x07",
    "a\nb\rc\td",
    "\u{202e}gnp.exe\u{2066}",
    "<script>alert(1)</script>",
    "\u{9b}31m\u{85}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "👩\u{200d}👩\u{200d}👧 日本語",
    "\u{feff}\u{200f}\0",
];

/// A heap whose types, keys and modules are called `name`, with `more` objects.
fn heap(name: &str, more: usize) -> Heap {
    let info = CaptureInfo {
        taken_at: more as i64 * 60_000_000,
        uptime: Some(more as u64 * 60_000_000),
        program: name.to_owned(),
        implementation: name.to_owned(),
        pause: Some(1),
        ..CaptureInfo::default()
    };
    let mut builder = HeapBuilder::new(info);
    let (dict, ty) =
        (builder.add_type(Type::new("builtins", "dict")), builder.add_type(Type::new(name, name)));
    let globals = builder.add_object(Object::new(0x1000, dict, 200));
    let holder = builder.add_object(Object::new(0x2000, dict, 200));
    let key = builder.string(name);
    builder.add_root(Root::new(RootKind::Module, key, globals));
    builder.add_reference(globals, holder, Label::key(key));
    for nth in 0..more * 100 {
        let item = builder.add_object(Object::new(0x10_000 + 64 * nth as u64, ty, 4000));
        builder.add_reference(holder, item, Label::ANY_KEY);
    }
    builder.finish().unwrap()
}

fn all_screens(name: &str, size: (u16, u16), theme: Theme) -> Vec<String> {
    let heaps: Vec<Heap> = (1..5).map(|more| heap(name, more)).collect();
    let pace = Pace::new(Duration::from_secs(60), 0.01);
    let mut state = State::new([Title { pid: None, name: name.to_owned() }], pace, size);
    let mut screens = Vec::new();
    // With one capture there are candidates, with all of them suspects.
    for count in [1, heaps.len()] {
        let series: Vec<&Heap> = heaps[..count].iter().collect();
        let examined = Examined::new(Arc::new(heaps[count - 1].clone()), count as u64);
        let at = Duration::from_secs(60 * count as u64);
        let seen = observe(&examined.heap, &examined.retained, &series, count as u64, at).unwrap();
        let suspects: Vec<_> = seen.leaks.suspects.iter().chain(&seen.leaks.candidates).cloned().collect();
        let fingerprint = suspects.first().map(|one| one.fingerprint.clone());
        state.update(Event::Source(0, Update::Captured(Box::new(seen), at)));
        let key = state.processes[0].rows().iter().find(|row| row.objects > 2).unwrap().key.clone();
        let mut subjects = vec![Subject::Type(key), Subject::Object(0x10_000), Subject::Object(0x2000)];
        subjects.extend(fingerprint.map(|fingerprint| Subject::Holder(fingerprint.into())));
        for subject in subjects {
            let details = examined.details(&subject, &suspects).expect("it is in the heap");
            state.update(Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
            let mut asked = state.effects();
            asked.retain(|effect| !matches!(effect, Effect::Ask(_, Command::Release)));
            let Some(Effect::Ask(_, Command::Explain(awaited))) = asked.first() else { panic!("{asked:?}") };
            state.update(Event::Source(0, Update::Details(awaited.clone(), Some(Box::new(details)))));
            screens.push(text(&buffer(&state, theme)));
            state.update(Event::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)));
        }
        screens.push(text(&buffer(&state, theme)));
        state.update(Event::Key(KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE)));
        screens.push(text(&buffer(&state, theme)));
    }
    state.update(Event::Source(0, Update::Failed(name.to_owned(), Duration::ZERO)));
    screens.push(text(&buffer(&state, theme)));
    state.update(Event::Source(0, Update::Gone(name.to_owned())));
    screens.push(text(&buffer(&state, theme)));
    screens
}

fn harmless(screen: &str, name: &str) {
    for c in screen.chars().filter(|c| *c != '\n') {
        let steers = c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
        assert!(!steers, "{c:?} of {name:?} is on the screen:\n{screen}");
    }
}

#[test]
fn nothing_of_a_name_steers_the_terminal() {
    for name in NASTY {
        for size in [(20, 5), (100, 30)] {
            for screen in all_screens(name, size, Theme::default()) {
                harmless(&screen, name);
            }
        }
        for screen in all_screens(name, (80, 24), Theme { color: false, unicode: false }) {
            assert!(screen.is_ascii(), "{screen}");
        }
    }
}

#[test]
fn a_name_of_a_hundred_thousand_characters_is_cut() {
    for letter in ["x", "日", "\x1b", "e\u{301}", "👩\u{200d}"] {
        let name = letter.repeat(100_000 / letter.chars().count());
        for screen in all_screens(&name, (80, 24), Theme::default()) {
            harmless(&screen, letter);
        }
    }
}

#[test]
fn a_heap_of_one_object_and_one_without_any() {
    for objects in [0, 1] {
        let mut builder = HeapBuilder::new(CaptureInfo::default());
        let ty = builder.add_type(Type::new("builtins", "object"));
        for nth in 0..objects {
            builder.add_object(Object::new(0x1000 + 16 * nth, ty, 16));
        }
        let heap = builder.finish().unwrap();
        let examined = Examined::new(Arc::new(heap), 1);
        let seen = observe(&examined.heap, &examined.retained, &[&examined.heap], 1, Duration::ZERO).unwrap();
        let mut state = State::new([Title::default()], Pace::new(Duration::from_secs(1), 0.01), (80, 24));
        state.update(Event::Source(0, Update::Captured(Box::new(seen), Duration::from_secs(1))));
        let screen = text(&buffer(&state, Theme::default()));
        assert!(screen.contains("resident unknown"), "{screen}");
        let details = examined.details(&Subject::Object(0x1000), &[]);
        assert_eq!(details.is_some(), objects > 0);
        assert_eq!(examined.details(&Subject::Type("no.such".into()), &[]), None);
    }
}

#[test]
fn a_hundred_thousand_types_are_sorted_filtered_and_scrolled() {
    let mut builder = HeapBuilder::new(CaptureInfo::default());
    let key = builder.string("m");
    for nth in 0..100_000_u64 {
        let ty = builder.add_type(Type::new("many", format!("Type{nth}")));
        let object = builder.add_object(Object::new(0x1000 + 16 * nth, ty, 16 + nth));
        builder.add_root(Root::new(RootKind::Unknown, key, object));
    }
    let examined = Examined::new(Arc::new(builder.finish().unwrap()), 1);
    let seen = observe(&examined.heap, &examined.retained, &[&examined.heap], 1, Duration::ZERO).unwrap();
    let mut state = State::new([Title::default()], Pace::new(Duration::from_secs(1), 0.01), (80, 24));
    state.update(Event::Source(0, Update::Captured(Box::new(seen), Duration::from_secs(1))));
    for key in [KeyCode::End, KeyCode::Char('7'), KeyCode::Char('/'), KeyCode::Char('9'), KeyCode::PageDown] {
        state.update(Event::Key(KeyEvent::new(key, KeyModifiers::NONE)));
        let screen = text(&buffer(&state, Theme::default()));
        assert!(screen.contains("many.Type"), "{screen}");
    }
}
