//! The effects of keys, clicks and sources on the state.

use std::path::PathBuf;
use std::time::Duration;

use memtop_heap::ProgramImage;
use memtop_tui::{Answer, Column, Command, Effect, Event, Observation, Screen, Status, Subject, Tab, Update};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent, MouseEventKind};

use crate::drawing::group;
use crate::scene::Scene;

const SIZE: (u16, u16) = (80, 24);

#[test]
fn q_and_control_c_quit_from_everywhere() {
    for way in ["", "/", "?", "\n"] {
        let mut scene = Scene::after(2, SIZE);
        match way {
            "\n" => scene.enter(),
            way => drop(scene.types(way)),
        }
        assert_eq!(scene.control('c'), [Effect::Quit], "{way:?}");
        assert_eq!(scene.control('z'), [Effect::Suspend], "{way:?}");
        assert_eq!(scene.control('l'), [Effect::Redraw], "{way:?}");
    }
    assert_eq!(Scene::new(SIZE).types("q"), [Effect::Quit]);
    assert_eq!(Scene::new(SIZE).key(KeyCode::F(10)), [Effect::Quit]);
    // In a filter, q is a letter.
    assert_eq!(Scene::new(SIZE).types("/q"), []);
}

#[test]
fn the_release_of_a_key_is_ignored() {
    let mut scene = Scene::new(SIZE);
    let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    key.kind = KeyEventKind::Release;
    scene.state.update(Event::Key(key));
    assert_eq!(scene.state.effects(), []);
}

#[test]
fn types_are_sorted_by_retained_size_or_any_other_column() {
    let mut scene = Scene::after(4, (120, 30));
    assert_eq!(scene.state.table().sort, Column::Retained);
    assert_eq!(scene.names()[..2], ["dict", "bytes"]);
    // The columns that are shown, from the left.
    let all = [
        Column::Objects,
        Column::Shallow,
        Column::Retained,
        Column::Growth,
        Column::BytesGrowth,
        Column::Trend,
        Column::Name,
    ];
    for (digit, column) in ('1'..).zip(all) {
        scene.key(KeyCode::Char(digit));
        let table = scene.state.table();
        assert_eq!(table.sort, column);
        let mut sorted = table.order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted.len(), scene.state.processes[0].rows().len(), "each row is there once");
    }
    assert_eq!(scene.names()[..2], ["bytes", "dict"]);
    scene.types("I");
    assert_eq!(scene.names()[..2], ["str", "shop.Store"]);
    scene.types("<");
    assert_eq!(scene.state.table().sort, Column::Trend);
    scene.types(">>>");
    assert_eq!(scene.state.table().sort, Column::Name);
    scene.types("M");
    assert_eq!(scene.state.table().sort, Column::Retained);
}

#[test]
fn a_click_on_a_column_sorts_by_it_and_a_second_one_reverses_the_order() {
    let mut scene = Scene::after(4, SIZE);
    let header = scene.state.areas().header.y;
    scene.click(4, header);
    assert_eq!((scene.state.table().sort, scene.state.table().descending), (Column::Objects, true));
    scene.click(4, header);
    assert_eq!((scene.state.table().sort, scene.state.table().descending), (Column::Objects, false));
}

#[test]
fn growth_is_per_minute_or_since_the_baseline() {
    let mut scene = Scene::after(4, SIZE);
    let growth = |scene: &Scene| {
        let process = &scene.state.processes[0];
        let session = process.rows().iter().find(|row| &*row.name == "shop.Session").unwrap();
        process.type_growth(session)
    };
    // Forty sessions of 560 bytes every ten seconds.
    assert_eq!(growth(&scene), (Some(240.0), Some(240.0 * 560.0)));
    scene.types("b");
    assert_eq!(growth(&scene), (Some(0.0), Some(0.0)));
    scene.capture();
    scene.capture();
    assert_eq!(growth(&scene), (Some(80.0), Some(80.0 * 560.0)));
    scene.types("B");
    assert_eq!(growth(&scene), (Some(240.0), Some(240.0 * 560.0)));
}

#[test]
fn exec_clears_the_histories() {
    let mut scene = Scene::after(4, SIZE);
    scene.types("b");
    let process = &mut scene.state.processes[0];
    // Captures of early versions do not identify the program, and are taken for the same one.
    let mut next = process.latest.clone().unwrap();
    next.info.process.image = Some(ProgramImage { layout: 1, random: None });
    process.captured(next.clone(), Duration::from_secs(10));
    assert!(process.baseline.is_some() && process.python.points().len() > 1);
    next.info.process.image = Some(ProgramImage { layout: 2, random: None });
    next.info.program = "other.py".to_owned();
    process.captured(next, Duration::from_secs(10));
    assert!(process.baseline.is_none());
    assert_eq!((process.python.points().len(), process.resident.points().len()), (1, 1));
    assert_eq!(process.title.name, "other.py");
    let session = process.rows().iter().find(|row| &*row.name == "shop.Session").unwrap();
    assert_eq!(process.type_growth(session), (None, None));
}

#[test]
fn without_a_capture_there_is_no_baseline() {
    let mut scene = Scene::new(SIZE);
    scene.types("b");
    assert!(scene.state.processes[0].baseline.is_none());
    assert!(scene.screen().contains("no capture yet"));
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let mut scene = Scene::after(2, SIZE);
    let all = scene.names().len();
    scene.types("/sess");
    assert_eq!(scene.names(), ["shop.Session"]);
    scene.key(KeyCode::Backspace);
    scene.key(KeyCode::Enter);
    assert!(!scene.state.typing);
    // Later captures are filtered too.
    scene.capture();
    assert_eq!(scene.names(), ["shop.Session"]);
    // Keys are commands again.
    scene.types("j");
    assert_eq!(scene.state.table().filter, "ses");
    scene.key(KeyCode::Esc);
    assert_eq!(scene.names().len(), all);
    scene.types("/xyz");
    assert!(scene.screen().contains("no name matches the filter"));
    scene.key(KeyCode::Esc);
    assert!(!scene.state.typing && scene.state.table().filter.is_empty());
}

#[test]
fn pasted_text_is_filtered_and_cut() {
    let mut scene = Scene::after(1, SIZE);
    scene.types("/");
    scene.state.update(Event::Paste("ses\x1b[2J\nsion".to_owned() + &"x".repeat(10_000)));
    let filter = &scene.state.table().filter;
    assert!(filter.starts_with("ses[2Jsion") && filter.chars().count() <= 200);
    scene.screen();
    scene.key(KeyCode::Esc);
    scene.state.update(Event::Paste("q".to_owned()));
    assert_eq!(scene.state.effects(), [], "pasted text is not a command");
}

#[test]
fn the_cursor_follows_its_row_through_captures() {
    let mut scene = Scene::after(2, SIZE);
    let place = scene.names().iter().position(|name| name == "shop.Session").unwrap();
    for _ in 0..place {
        scene.types("j");
    }
    scene.types("N");
    let process = &scene.state.processes[0];
    // Sorting moves the cursor to the top.
    assert_eq!(process.table().cursor.place, 0);
    scene.key(KeyCode::End);
    let last = scene.names().last().unwrap().clone();
    scene.types("I");
    scene.key(KeyCode::Down);
    let chosen = scene.names()[1].clone();
    scene.capture();
    let process = &scene.state.processes[0];
    assert_eq!(*process.name(process.table().selected().unwrap()), *chosen);
    assert_ne!(last, chosen);
}

#[test]
fn enter_opens_details_and_follows_links_and_escape_goes_back() {
    let mut scene = Scene::after(4, (100, 40));
    scene.types("/Session");
    scene.key(KeyCode::Enter);
    let effects = scene.key(KeyCode::Enter);
    let subject = Subject::Type("shop.Session".into());
    assert_eq!(effects, [Effect::Ask(0, Command::Explain(subject.clone()))]);
    assert_eq!(scene.state.details().unwrap().answer, Answer::Awaited);
    scene.key(KeyCode::Esc);
    scene.enter();
    let view = scene.state.details().unwrap();
    let Answer::Found(details) = &view.answer else { panic!("{view:?}") };
    assert_eq!(details.sections[0].rows[0].text, "shop.store.by_token[*]");
    assert_eq!(details.sections[0].rows[0].objects, Some(320));
    assert_eq!(details.sections[1].rows[0].text, "list");
    // The link leads to an example of the path.
    scene.enter();
    assert!(matches!(scene.state.details().unwrap().subject, Subject::Object(_)));
    assert_eq!(scene.state.process().unwrap().details.len(), 2);
    assert_eq!(scene.key(KeyCode::Esc), []);
    // The heap is released when the last details are closed.
    assert_eq!(scene.key(KeyCode::Esc), [Effect::Ask(0, Command::Release)]);
    assert!(scene.state.details().is_none());
}

#[test]
fn a_subject_that_no_longer_exists_is_reported() {
    let mut scene = Scene::after(2, SIZE);
    scene.key(KeyCode::Enter);
    let subject = scene.state.details().unwrap().subject.clone();
    scene.send(Update::Details(subject, None));
    assert!(scene.screen().contains("it no longer exists"));
    // An answer that was not awaited is ignored.
    scene.key(KeyCode::Esc);
    scene.send(Update::Details(Subject::Object(1), None));
}

#[test]
fn holders_are_ranked_and_have_details() {
    let mut scene = Scene::after(5, (100, 40));
    scene.key(KeyCode::Tab);
    assert_eq!(scene.state.process().unwrap().tab, Tab::Holders);
    assert_eq!(scene.names()[0], "shop.store.by_token (dict)");
    scene.enter();
    let Answer::Found(details) = &scene.state.details().unwrap().answer else { panic!("no answer") };
    assert_eq!(details.title, "shop.store.by_token");
    let headings: Vec<&str> = details.sections.iter().map(|section| section.heading.as_str()).collect();
    assert_eq!(
        headings,
        ["What keeps it alive", "What accumulates in it", "Why it is suspected", "Examples"]
    );
    // Moves down to the first link, a leaked type.
    while scene.state.details().unwrap().link().is_none() {
        scene.types("j");
    }
    scene.enter();
    assert_eq!(scene.state.details().unwrap().subject, Subject::Type("shop.Session".into()));
}

#[test]
fn freezing_suspends_captures() {
    let mut scene = Scene::after(2, SIZE);
    assert_eq!(scene.types("f"), [Effect::Ask(0, Command::Freeze(true))]);
    assert!(scene.screen().contains("■ frozen"));
    assert_eq!(scene.types("c"), []);
    assert_eq!(scene.types("f"), [Effect::Ask(0, Command::Freeze(false))]);
    assert_eq!(scene.types("c"), [Effect::Ask(0, Command::CaptureNow)]);
}

#[test]
fn the_interval_is_doubled_and_halved_within_bounds() {
    let mut scene = Scene::new(SIZE);
    assert_eq!(scene.types("-"), [Effect::Ask(0, Command::Interval(Duration::from_secs(20)))]);
    assert_eq!(scene.types("+"), [Effect::Ask(0, Command::Interval(Duration::from_secs(10)))]);
    scene.types(&"-".repeat(50));
    assert_eq!(scene.state.pace.interval, Duration::from_secs(3600));
    scene.types(&"+".repeat(50));
    assert_eq!(scene.state.pace.interval, Duration::from_millis(250));
}

#[test]
fn a_written_file_is_reported_for_a_while() {
    let mut scene = Scene::after(1, SIZE);
    assert_eq!(scene.types("s"), [Effect::Ask(0, Command::Save)]);
    scene.send(Update::Written("snapshot", Ok(PathBuf::from("/tmp/a\x1b[2J.parquet"))));
    assert!(scene.screen().contains("snapshot written to /tmp/a\\x1b[2J.parquet"));
    assert_eq!(scene.types("r"), [Effect::Ask(0, Command::Report)]);
    scene.send(Update::Written("report", Err("the disk is full".to_owned())));
    assert!(scene.screen().contains("report not written: the disk is full"));
    scene.state.update(Event::Tick(Duration::from_secs(600)));
    assert!(scene.state.message.is_none());
}

#[test]
fn a_process_that_ended_can_still_be_examined() {
    let mut scene = Scene::after(4, SIZE);
    scene.send(Update::Gone("it was killed".to_owned()));
    assert!(matches!(&scene.state.processes[0].status, Status::Gone(reason, _) if reason == "it was killed"));
    scene.types("/Session");
    scene.key(KeyCode::Enter);
    scene.enter();
    let screen = scene.screen();
    assert!(screen.contains("ended") && screen.contains("it was killed"), "{screen}");
    assert!(screen.contains("shop.store.by_token[*]"), "{screen}");
}

#[test]
fn the_clock_never_goes_back() {
    let mut scene = Scene::new(SIZE);
    scene.state.update(Event::Tick(Duration::from_secs(5)));
    scene.state.update(Event::Tick(Duration::from_secs(3)));
    assert_eq!(scene.state.now, Duration::from_secs(5));
}

#[test]
fn the_help_scrolls_and_closes() {
    let mut scene = Scene::after(1, SIZE);
    scene.types("?");
    assert_eq!(scene.state.help, Some(0));
    scene.types("jj");
    assert_eq!(scene.state.help, Some(2));
    scene.types("G");
    let last = scene.state.help.unwrap();
    scene.types("jjj");
    assert_eq!(scene.state.help, Some(last));
    scene.types("q");
    assert_eq!(scene.state.help, None, "q only closes the help");
}

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    let mut scene = Scene::after(4, SIZE);
    let body = scene.state.areas().body.y;
    assert_eq!(scene.click(30, body + 2), []);
    assert_eq!(scene.state.table().cursor.place, 2);
    assert!(matches!(scene.click(30, body + 2)[..], [Effect::Ask(0, Command::Explain(_))]));
    scene.key(KeyCode::Esc);
    let wheel =
        MouseEvent { kind: MouseEventKind::ScrollUp, column: 3, row: body, modifiers: KeyModifiers::NONE };
    scene.state.update(Event::Mouse(wheel));
    assert_eq!(scene.state.table().cursor.place, 0);
    let tabs = scene.state.areas().tabs.y;
    scene.click(14, tabs);
    assert_eq!(scene.state.process().unwrap().tab, Tab::Holders);
    scene.click(3, tabs);
    assert_eq!(scene.state.process().unwrap().tab, Tab::Types);
    // The hints in the last line can be clicked.
    assert_eq!(scene.click(1, 23), [Effect::Quit]);
    // A click below the rows has no effect.
    assert_eq!(scene.click(30, 22), []);
    assert_eq!(scene.click(500, 500), []);
    assert_eq!(scene.types("m"), [Effect::Mouse(false)]);
}

#[test]
fn one_of_several_processes_is_opened_and_closed() {
    let mut state = group(SIZE);
    assert_eq!(state.screen, Screen::ProcessGroup);
    let press = |state: &mut memtop_tui::State, code| {
        state.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        state.effects()
    };
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.screen, Screen::Process(0), "the one with most resident memory");
    assert_eq!(press(&mut state, KeyCode::Char('s')), [Effect::Ask(0, Command::Save)]);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.screen, Screen::ProcessGroup);
    let frozen: Vec<Effect> = (0..3).map(|place| Effect::Ask(place, Command::Freeze(true))).collect();
    assert_eq!(press(&mut state, KeyCode::Char('f')), frozen);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.screen, Screen::Process(1));
}

#[test]
fn histories_have_a_bounded_length() {
    let mut scene = Scene::after(3, SIZE);
    let observation: Observation = (*crate::scene::observation(&scene.heaps)).clone();
    for nth in 3..3000_u64 {
        let at = Duration::from_secs(nth * 10);
        let next = Observation { at, number: nth, ..observation.clone() };
        scene.send(Update::Captured(Box::new(next), Duration::from_secs(10)));
        scene.send(Update::ProcessSample(
            at,
            memtop_tui::ProcessSample { rss: Some(nth), ..Default::default() },
        ));
    }
    let process = &scene.state.processes[0];
    assert!(process.resident.points().len() <= 64 && process.python.points().len() <= 64);
    let points = process.trends.of("shop.Session").unwrap().objects().count();
    assert!(points <= 40, "{points}");
}
