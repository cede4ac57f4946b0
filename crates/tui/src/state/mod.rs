//! The state of the view: the processes, and how they are shown. Pure: events go in, effects come out, and no clock is
//! read.
//!
//! Invariant: the view changes the state through [`State::update`] only, and drawing only reads it.

pub(crate) mod details;
mod keys;
mod mouse;
pub(crate) mod process;
pub(crate) mod table;
pub(crate) mod totals;

use std::time::Duration;

use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use crate::areas::Areas;
use crate::inspect::Subject;
use crate::messages::{Command, Update};
use crate::pace::Pace;
use crate::source::Title;
use crate::text::shown;
use details::{Answer, DetailsView};
use process::{Process, Status};
use table::{Column, PROCESSES, Table};
use totals::arrange_processes;

/// An event that changes the state.
#[derive(Debug, Clone)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns and lines.
    Resize(u16, u16),
    /// The time of the view's clock.
    Tick(Duration),
    /// A source sent an update.
    Source(usize, Update),
}

/// A request of the state to the event loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a command to a source.
    Ask(usize, Command),
    /// End the view.
    Quit,
    /// Stop the process until the shell continues it.
    Suspend,
    /// Capture the mouse, or leave it to the terminal, which can then select text.
    Mouse(bool),
    /// Clear the screen and draw it again.
    Redraw,
}

/// The content of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// All processes.
    ProcessGroup,
    /// One of the processes.
    Process(usize),
}

/// The tone of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A success, or information.
    Plain,
    /// A failure.
    Bad,
}

/// The state of the view.
#[derive(Debug, Clone)]
pub struct State {
    /// The processes.
    pub processes: Vec<Process>,
    /// The content of the screen.
    pub screen: Screen,
    /// The table of all processes.
    pub process_group: Table,
    /// The pace of captures.
    pub pace: Pace,
    /// The time of the view's clock.
    pub now: Duration,
    /// The size of the screen: columns and lines.
    pub size: (u16, u16),
    /// Whether a filter is being typed.
    pub typing: bool,
    /// The first line of the help in view; none while the help is closed.
    pub help: Option<u16>,
    /// Whether captures are suspended.
    pub frozen: bool,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// The message in the last line, with its tone and the time when it disappears.
    pub message: Option<(String, Tone, Duration)>,
    effects: Vec<Effect>,
}

/// How long a message is shown.
const MESSAGE: Duration = Duration::from_secs(8);

impl State {
    /// The state before the first update of a source.
    #[must_use]
    pub fn new(titles: impl IntoIterator<Item = Title>, pace: Pace, size: (u16, u16)) -> Self {
        let processes: Vec<Process> = titles.into_iter().map(Process::new).collect();
        let screen = if processes.len() == 1 { Screen::Process(0) } else { Screen::ProcessGroup };
        Self {
            processes,
            screen,
            process_group: Table::new(PROCESSES, Column::Resident),
            pace,
            now: Duration::ZERO,
            size,
            typing: false,
            help: None,
            frozen: false,
            mouse: true,
            message: None,
            effects: Vec::new(),
        }
    }

    /// Changes the state for an event.
    pub fn update(&mut self, event: Event) {
        match event {
            Event::Tick(now) => {
                self.now = self.now.max(now);
                if self.message.as_ref().is_some_and(|message| message.2 <= self.now) {
                    self.message = None;
                }
                return;
            }
            Event::Key(key) => self.key(key),
            Event::Mouse(mouse) => self.mouse_event(mouse),
            Event::Paste(text) => self.paste(&text),
            Event::Resize(width, height) => self.size = (width, height),
            Event::Source(place, update) => self.source_update(place, update),
        }
        self.arrange();
    }

    /// Returns the effects since the last call.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Returns the layout of the screen.
    #[must_use]
    pub fn areas(&self) -> Areas {
        Areas::new(self.size.0, self.size.1)
    }

    /// Returns the process that is shown, if only one is.
    #[must_use]
    pub fn process(&self) -> Option<&Process> {
        match self.screen {
            Screen::Process(place) => self.processes.get(place),
            Screen::ProcessGroup => None,
        }
    }

    fn process_mut(&mut self) -> Option<&mut Process> {
        match self.screen {
            Screen::Process(place) => self.processes.get_mut(place),
            Screen::ProcessGroup => None,
        }
    }

    /// Returns the details that are shown, if any.
    #[must_use]
    pub fn details(&self) -> Option<&DetailsView> {
        self.process()?.details.last()
    }

    /// Returns the table that is shown, or is hidden by details.
    #[must_use]
    pub fn table(&self) -> &Table {
        self.process().map_or(&self.process_group, Process::table)
    }

    fn table_mut(&mut self) -> &mut Table {
        match self.screen {
            Screen::Process(place) if place < self.processes.len() => self.processes[place].table_mut(),
            _ => &mut self.process_group,
        }
    }

    fn say(&mut self, text: impl Into<String>, tone: Tone) {
        self.message = Some((text.into(), tone, self.now + MESSAGE));
    }

    fn ask(&mut self, command: Command) {
        if let Screen::Process(place) = self.screen {
            self.effects.push(Effect::Ask(place, command));
        }
    }

    fn ask_all(&mut self, command: &Command) {
        self.effects.extend((0..self.processes.len()).map(|place| Effect::Ask(place, command.clone())));
    }

    /// Opens the details of a subject.
    fn open_details(&mut self, subject: Subject) {
        if let Some(process) = self.process_mut() {
            process.details.push(DetailsView::new(subject.clone()));
            self.ask(Command::Explain(subject));
        }
    }

    /// Changes the state for an update of a source.
    fn source_update(&mut self, place: usize, update: Update) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(place) else { return };
        match update {
            Update::Capturing => process.status = Status::Capturing,
            Update::Analysing => process.status = Status::Analysing,
            Update::Captured(observation, period) => process.captured(observation, period),
            Update::ProcessSample(at, sample) => process.sampled(at, sample),
            Update::Failed(reason, wait) => {
                process.status = Status::Failing(shown(&reason), now.saturating_add(wait));
            }
            Update::Gone(reason) => process.status = Status::Gone(shown(&reason), now),
            Update::Details(subject, details) => {
                let waiting = process.details.iter_mut().filter(|view| view.answer == Answer::Awaited);
                for view in waiting.filter(|view| view.subject == subject) {
                    view.answer = details.clone().map_or(Answer::Nothing, Answer::Found);
                }
            }
            Update::Written(what, Ok(path)) => {
                self.say(format!("{what} written to {}", shown(&path.display().to_string())), Tone::Plain);
            }
            Update::Written(what, Err(reason)) => {
                self.say(format!("{what} not written: {}", shown(&reason)), Tone::Bad);
            }
        }
    }

    /// Sorts and filters the table that is shown.
    fn arrange(&mut self) {
        let height = self.areas().rows();
        match self.screen {
            Screen::Process(place) => {
                self.processes.get_mut(place).into_iter().for_each(|process| process.arrange(height));
            }
            Screen::ProcessGroup => arrange_processes(&mut self.process_group, &self.processes, height),
        }
        self.scroll_details();
    }

    /// Scrolls the details so that the cursor is in view.
    fn scroll_details(&mut self) {
        let (width, height) = (self.size.0, self.areas().rows() + usize::from(self.areas().header.height));
        let Some(view) = self.process_mut().and_then(|process| process.details.last_mut()) else { return };
        let lines = crate::draw::details::lines(view, width);
        let of_row = |line: &crate::draw::details::Line| line.row == Some(view.row);
        let first = lines.iter().position(of_row).unwrap_or(0);
        let last = lines.iter().rposition(of_row).unwrap_or(0);
        // With the cursor on the first row, the facts and sentences above it are in view too.
        let first = if view.row == 0 { 0 } else { first };
        view.offset = view.offset.min(lines.len().saturating_sub(height));
        if last >= view.offset + height {
            view.offset = last + 1 - height;
        }
        view.offset = view.offset.min(first);
    }
}
