//! A shop that leaks its sessions, captured every ten seconds, and a user who presses keys.

use std::sync::Arc;
use std::time::Duration;

use memtop_analyze::Suspect;
use memtop_heap::testing::graph_with_accounts;
use memtop_heap::{CaptureInfo, Heap, MemoryNumbers, ProcessIdentity, PythonVersion};
use memtop_tui::{
    Command, Effect, Event, Examined, Limit, Observation, Pace, ProcessSample, State, Theme, Title, Update,
    draw, observe,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

pub(crate) const SECONDS: u64 = 10;

/// The facts of a capture at the second `at`.
pub(crate) fn info(at: u64) -> CaptureInfo {
    CaptureInfo {
        taken_at: 1_795_420_213_000_000 + at as i64 * 1_000_000,
        uptime: Some(5_000_000_000 + at * 1_000_000),
        process: ProcessIdentity {
            pid: 4711,
            started: 77,
            boot: "b".to_owned(),
            ..ProcessIdentity::default()
        },
        python: PythonVersion { major: 3, minor: 11, micro: 7, suffix: String::new() },
        implementation: "cpython".to_owned(),
        program: "shop.py".to_owned(),
        pause: Some(38_000_000),
        duration: Some(55_000_000),
        memory: MemoryNumbers {
            rss: Some(60_000_000 + at * 50_000),
            allocator_free: Some(4_000_000),
            malloc_free: Some(1_000_000),
            native_known: Some(6_000_000),
            file_backed: Some(9_000_000),
            ..MemoryNumbers::default()
        },
        ..CaptureInfo::default()
    }
}

/// The heap of the shop with a number of sessions.
pub(crate) fn heap(sessions: usize, at: u64) -> Heap {
    let mut text = String::from(
        "module:shop -> globals:dict[232] -> store:shop.Store('store')[48] -> by_token:dict(.by_token)[90000]
         globals -> cache:dict('cache')[40000] -> page:bytes([*])[30000000]
         globals -> settings:dict('settings')[1200] -> debug:str('debug')[55]\n",
    );
    for nth in 0..sessions {
        text += &format!(
            "by_token -> s{nth}:shop.Session([*])[560] -> cart{nth}:list(.cart)[120] -> i{nth}:dict([0])[232]\n"
        );
    }
    graph_with_accounts(&text, info(at)).heap().clone()
}

/// The observation of the newest of `heaps`.
pub(crate) fn observation(heaps: &[Heap]) -> Box<Observation> {
    let newest = heaps.last().unwrap();
    let examined = Examined::new(Arc::new(newest.clone()), heaps.len() as u64);
    let series: Vec<&Heap> = heaps.iter().collect();
    let at = Duration::from_secs((heaps.len() as u64 - 1) * SECONDS);
    Box::new(observe(newest, &examined.retained, &series, heaps.len() as u64, at).unwrap())
}

/// A user of the live view.
pub(crate) struct Scene {
    pub(crate) state: State,
    pub(crate) heaps: Vec<Heap>,
}

impl Scene {
    /// One process, before its first capture.
    pub(crate) fn new(size: (u16, u16)) -> Self {
        let title = Title { pid: Some(4711), name: "shop.py".to_owned() };
        let state = State::new([title], Pace::new(Duration::from_secs(SECONDS), 0.01), size);
        Self { state, heaps: Vec::new() }
    }

    /// One process after a number of captures.
    pub(crate) fn after(captures: usize, size: (u16, u16)) -> Self {
        let mut scene = Self::new(size);
        for _ in 0..captures {
            scene.capture();
        }
        scene
    }

    /// Takes the next capture and a sample.
    pub(crate) fn capture(&mut self) {
        let nth = self.heaps.len();
        self.heaps.push(heap(200 + 40 * nth, nth as u64 * SECONDS));
        let observation = observation(&self.heaps);
        let at = observation.at;
        self.state.update(Event::Tick(at + Duration::from_secs(1)));
        let sample = ProcessSample {
            rss: observation.memory.rss,
            uptime: Some(Duration::from_secs(7384) + at),
            limit: Some(Limit { bytes: 512_000_000, name: "cgroup".to_owned() }),
        };
        self.send(Update::Capturing);
        self.send(Update::Captured(observation, Duration::from_secs(SECONDS)));
        self.send(Update::ProcessSample(at + Duration::from_millis(500), sample));
    }

    pub(crate) fn send(&mut self, update: Update) {
        self.state.update(Event::Source(0, update));
    }

    pub(crate) fn key(&mut self, code: KeyCode) -> Vec<Effect> {
        self.state.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        self.state.effects()
    }

    pub(crate) fn control(&mut self, letter: char) -> Vec<Effect> {
        self.state.update(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)));
        self.state.effects()
    }

    /// Types a text, one key per letter.
    pub(crate) fn types(&mut self, text: &str) -> Vec<Effect> {
        text.chars().flat_map(|letter| self.key(KeyCode::Char(letter))).collect()
    }

    pub(crate) fn click(&mut self, x: u16, y: u16) -> Vec<Effect> {
        let kind = MouseEventKind::Down(MouseButton::Left);
        self.state.update(Event::Mouse(MouseEvent {
            kind,
            column: x,
            row: y,
            modifiers: KeyModifiers::NONE,
        }));
        self.state.effects()
    }

    /// Opens the details under the cursor, and answers the request for them.
    pub(crate) fn enter(&mut self) {
        for effect in self.key(KeyCode::Enter) {
            if let Effect::Ask(_, Command::Explain(subject)) = effect {
                let latest = self.state.processes[0].latest.as_ref().unwrap();
                let suspects: Vec<Suspect> =
                    latest.leaks.suspects.iter().chain(&latest.leaks.candidates).cloned().collect();
                let newest = self.heaps.last().unwrap();
                let examined = Examined::new(Arc::new(newest.clone()), self.heaps.len() as u64);
                let details = examined.details(&subject, &suspects);
                self.send(Update::Details(subject, details.map(Box::new)));
            }
        }
    }

    /// The names of the rows, in the order of the table.
    pub(crate) fn names(&self) -> Vec<String> {
        let process = self.state.process().unwrap();
        process.table().order.iter().map(|&row| process.name(row).to_string()).collect()
    }

    pub(crate) fn buffer(&self, theme: Theme) -> Buffer {
        buffer(&self.state, theme)
    }

    /// The screen as text.
    pub(crate) fn screen(&self) -> String {
        text(&self.buffer(Theme::default()))
    }
}

pub(crate) fn buffer(state: &State, theme: Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).unwrap();
    terminal.draw(|frame| draw(state, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The lines of a screen, without trailing blanks.
pub(crate) fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    if width == 0 {
        return String::new();
    }
    let lines = buffer.content.chunks(width).map(|cells| {
        let line: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}
