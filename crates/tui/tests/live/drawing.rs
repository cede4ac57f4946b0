//! The screens as they are drawn, compared with files in `golden`. `UPDATE_EXPECT=1` updates them.

use std::time::Duration;

use expect_test::{ExpectFile, expect_file};
use memtop_analyze::Verdict;
use memtop_tui::{Event, Pace, ProcessSample, State, Theme, Title, Update};
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use crate::scene::{Scene, buffer, observation, text};

fn check(scene: &Scene, expected: ExpectFile) {
    expected.assert_eq(&scene.screen());
}

#[test]
fn before_the_first_capture() {
    check(&Scene::new((80, 24)), expect_file!["golden/first.txt"]);
}

#[test]
fn types_on_a_screen_of_80_by_24() {
    check(&Scene::after(5, (80, 24)), expect_file!["golden/types-80x24.txt"]);
}

#[test]
fn types_on_a_large_screen() {
    check(&Scene::after(5, (120, 40)), expect_file!["golden/types-120x40.txt"]);
}

#[test]
fn types_on_a_tiny_screen() {
    check(&Scene::after(5, (20, 5)), expect_file!["golden/types-20x5.txt"]);
}

#[test]
fn holders() {
    for (size, expected) in [
        ((80, 24), expect_file!["golden/holders-80x24.txt"]),
        ((120, 40), expect_file!["golden/holders-120x40.txt"]),
        ((20, 5), expect_file!["golden/holders-20x5.txt"]),
    ] {
        let mut scene = Scene::after(5, size);
        scene.key(KeyCode::Tab);
        check(&scene, expected);
    }
}

#[test]
fn details_of_a_type() {
    for (size, expected) in [
        ((80, 24), expect_file!["golden/why-80x24.txt"]),
        ((120, 40), expect_file!["golden/why-120x40.txt"]),
        ((20, 5), expect_file!["golden/why-20x5.txt"]),
    ] {
        let mut scene = Scene::after(5, size);
        scene.types("/Session");
        scene.key(KeyCode::Enter);
        scene.enter();
        check(&scene, expected);
    }
}

#[test]
fn details_of_a_holder() {
    let mut scene = Scene::after(5, (100, 40));
    scene.key(KeyCode::Tab);
    scene.enter();
    check(&scene, expect_file!["golden/suspect.txt"]);
}

#[test]
fn details_of_an_object() {
    let mut scene = Scene::after(5, (100, 40));
    scene.types("/Session");
    scene.key(KeyCode::Enter);
    scene.enter();
    scene.enter();
    check(&scene, expect_file!["golden/object.txt"]);
}

#[test]
fn a_filter_that_is_typed_and_growth_since_a_baseline() {
    let mut scene = Scene::after(3, (100, 24));
    scene.types("b");
    scene.capture();
    scene.types("/sh");
    check(&scene, expect_file!["golden/filter.txt"]);
}

#[test]
fn a_process_that_ended() {
    let mut scene = Scene::after(4, (100, 24));
    scene.send(Update::Gone("killed by signal 9".to_owned()));
    scene.state.update(Event::Tick(Duration::from_secs(90)));
    check(&scene, expect_file!["golden/ended.txt"]);
}

#[test]
fn a_capture_that_failed() {
    let mut scene = Scene::after(2, (100, 24));
    scene.send(Update::Failed("no permission to read /proc/4711/mem".to_owned(), Duration::from_secs(20)));
    check(&scene, expect_file!["golden/failed.txt"]);
}

#[test]
fn help() {
    let mut scene = Scene::after(1, (100, 46));
    scene.types("?");
    check(&scene, expect_file!["golden/help.txt"]);
}

#[test]
fn ascii_without_colour() {
    let scene = Scene::after(5, (80, 24));
    let buffer = scene.buffer(Theme { color: false, unicode: false });
    assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    expect_file!["golden/ascii.txt"].assert_eq(&text(&buffer));
}

#[test]
fn without_colours_the_parts_of_the_bar_differ() {
    let mut scene = Scene::after(5, (80, 24));
    let theme = Theme { color: false, unicode: true };
    for key in [KeyCode::Tab, KeyCode::Enter, KeyCode::Char('?')] {
        let buffer = scene.buffer(theme);
        for cell in &buffer.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
        // The cursor or the tab is visible without colours too.
        let seen = buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED));
        assert!(seen || scene.state.details().is_some());
        scene.key(key);
    }
    scene.key(KeyCode::Esc);
    expect_file!["golden/no-color.txt"].assert_eq(&text(&Scene::after(5, (80, 24)).buffer(theme)));
}

#[test]
fn colours_are_the_sixteen_of_every_terminal() {
    let mut scene = Scene::after(5, (120, 40));
    for key in [KeyCode::Tab, KeyCode::Enter, KeyCode::Char('?')] {
        for cell in &scene.buffer(Theme::default()).content {
            for color in [cell.fg, cell.bg] {
                assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)), "{color:?}");
            }
        }
        scene.key(key);
    }
}

pub(crate) fn group(size: (u16, u16)) -> State {
    let titles = ["web.py", "worker.py", "beat.py"];
    let titles =
        titles.into_iter().zip(4711..).map(|(name, pid)| Title { pid: Some(pid), name: name.to_owned() });
    let mut state = State::new(titles, Pace::new(Duration::from_secs(10), 0.01), size);
    let leaking = Scene::after(4, size).heaps;
    for count in 1..=4 {
        let captured = Update::Captured(observation(&leaking[..count]), Duration::from_secs(10));
        state.update(Event::Source(0, captured));
    }
    let one = Update::Captured(observation(&leaking[..1]), Duration::from_secs(10));
    state.update(Event::Source(1, one));
    state.update(Event::Source(
        1,
        Update::ProcessSample(
            Duration::from_secs(1),
            ProcessSample { rss: Some(12_000_000), ..ProcessSample::default() },
        ),
    ));
    state.update(Event::Source(2, Update::Gone("exited".to_owned())));
    state
}

#[test]
fn several_processes() {
    for (size, expected) in [
        ((80, 24), expect_file!["golden/process-group-80x24.txt"]),
        ((120, 30), expect_file!["golden/process-group-120x30.txt"]),
        ((20, 5), expect_file!["golden/process-group-20x5.txt"]),
    ] {
        expected.assert_eq(&text(&buffer(&group(size), Theme::default())));
    }
}

#[test]
fn several_processes_none_of_which_leaks() {
    let mut state = group((80, 24));
    let mut captured = observation(&Scene::after(4, (80, 24)).heaps);
    captured.leaks.verdict = Verdict::NativeGrowth;
    state.update(Event::Source(0, Update::Captured(captured, Duration::from_secs(10))));
    let screen = text(&buffer(&state, Theme::default()));
    assert!(screen.contains("● native growth in 1 of 3: web.py: "), "{screen}");
}

#[test]
fn no_size_of_the_screen_is_too_small_or_too_large() {
    let small = [0, 1, 2, 3, 5, 9, 14, 20, 23]
        .into_iter()
        .flat_map(|width| (0..14).map(move |height| (width, height)));
    let scene = Scene::after(3, (80, 24));
    let processes = group((80, 24));
    for size in small.chain([(400, 120), (80, 1), (1, 80)]) {
        let mut scene = Scene { state: scene.state.clone(), heaps: scene.heaps.clone() };
        scene.state.update(Event::Resize(size.0, size.1));
        for key in ["", "\t", "\n", "j", "?", "x", "/", "a", "\u{1b}"] {
            match key {
                "\n" => scene.enter(),
                "\u{1b}" => drop(scene.key(KeyCode::Esc)),
                "\t" => drop(scene.key(KeyCode::Tab)),
                text => drop(scene.types(text)),
            }
            scene.screen();
        }
        scene.send(Update::Gone("over".to_owned()));
        scene.screen();
        let mut processes = processes.clone();
        processes.update(Event::Resize(size.0, size.1));
        buffer(&processes, Theme { color: false, unicode: false });
    }
}

#[test]
fn a_frame_of_another_size_than_the_state_is_drawn() {
    let mut scene = Scene::after(3, (120, 40));
    scene.enter();
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(30, 6)).unwrap();
    terminal.draw(|frame| memtop_tui::draw(&scene.state, Theme::default(), frame)).unwrap();
}
