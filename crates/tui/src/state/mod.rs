//! What is known and how it is looked at. Pure: events go in, effects come out, and no clock is read.
//!
//! Invariant: [`State::update`] is the only way to change it, and drawing only reads it.

pub(crate) mod details;
mod keys;
pub(crate) mod process;
mod process_group;
pub(crate) mod table;

use std::time::Duration;

use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use crate::areas::Areas;
use crate::inspect::Subject;
use crate::pace::Pace;
use crate::source::Title;
use crate::text::shown;
use crate::worker::{Command, Update};
use details::{Answer, DetailsView};
use process::{Process, Status};
use table::{Column, PROCESSES, Table};

pub use process_group::Sum;

/// What happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns and lines.
    Resize(u16, u16),
    /// It is this late, by the view's clock.
    Tick(Duration),
    /// A source tells something.
    Source(usize, Update),
}

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// To ask a source for something.
    Ask(usize, Command),
    /// To end.
    Quit,
    /// To stop, until the shell lets it go on.
    Suspend,
    /// To take the mouse, or to leave it to the terminal, which can then select text.
    Mouse(bool),
    /// To draw everything anew.
    Redraw,
}

/// What is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// All processes.
    ProcessGroup,
    /// One of them.
    Process(usize),
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went well, or is just said.
    Plain,
    /// It did not.
    Bad,
}

/// What is known and how it is looked at.
#[derive(Debug, Clone)]
pub struct State {
    /// The processes.
    pub processes: Vec<Process>,
    /// What is on the screen.
    pub screen: Screen,
    /// How all processes are looked at.
    pub process_group: Table,
    /// How often they are captured.
    pub pace: Pace,
    /// How late it is.
    pub now: Duration,
    /// The size of the screen: columns and lines.
    pub size: (u16, u16),
    /// Whether a filter is being typed.
    pub typing: bool,
    /// The line of the help that is the first in view, while it is shown.
    pub help: Option<u16>,
    /// Whether nothing is captured for the time being.
    pub frozen: bool,
    /// Whether the mouse is taken.
    pub mouse: bool,
    /// What is said at the bottom, and until when.
    pub message: Option<(String, Tone, Duration)>,
    effects: Vec<Effect>,
}

/// For how long a message stands.
const MESSAGE: Duration = Duration::from_secs(8);

impl State {
    /// A view of these processes, before anything is known of them.
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

    /// Takes in what happened.
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
            Event::Source(place, report) => self.told(place, report),
        }
        self.arrange();
    }

    /// What is to be done outside, since this was last asked.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Where things stand on the screen.
    #[must_use]
    pub fn areas(&self) -> Areas {
        Areas::new(self.size.0, self.size.1)
    }

    /// The process that is on the screen.
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

    /// What is being looked into on the screen.
    #[must_use]
    pub fn details(&self) -> Option<&DetailsView> {
        self.process()?.details.last()
    }

    /// The table that is on the screen, below what may be looked into.
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

    /// Looks into something.
    fn look_into(&mut self, subject: Subject) {
        if let Some(process) = self.process_mut() {
            process.details.push(DetailsView::new(subject.clone()));
            self.ask(Command::Explain(subject));
        }
    }

    /// Takes in what a source tells.
    fn told(&mut self, place: usize, update: Update) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(place) else { return };
        match update {
            Update::Capturing => process.status = Status::Capturing,
            Update::Analysing => process.status = Status::Analysing,
            Update::Captured(observation, period) => process.captured(observation, period),
            Update::ProcessSample(at, sample) => process.pulsed(at, sample),
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
                self.say(format!("no {what} written: {}", shown(&reason)), Tone::Bad);
            }
        }
    }

    /// Sorts and filters what is on the screen.
    fn arrange(&mut self) {
        let height = self.areas().rows();
        match self.screen {
            Screen::Process(place) => {
                self.processes.get_mut(place).into_iter().for_each(|process| process.arrange(height));
            }
            Screen::ProcessGroup => process_group::arrange(self, height),
        }
        self.scroll_details();
    }

    /// Brings the row that is read into view.
    fn scroll_details(&mut self) {
        let (width, height) = (self.size.0, self.areas().rows() + usize::from(self.areas().header.height));
        let Some(view) = self.process_mut().and_then(|process| process.details.last_mut()) else { return };
        let lines = crate::draw::details::lines(view, width);
        let of_row = |line: &crate::draw::details::Line| line.row == Some(view.row);
        let first = lines.iter().position(of_row).unwrap_or(0);
        let last = lines.iter().rposition(of_row).unwrap_or(0);
        // Above the first row there are facts and sentences, which are read too.
        let first = if view.row == 0 { 0 } else { first };
        view.offset = view.offset.min(lines.len().saturating_sub(height));
        if last >= view.offset + height {
            view.offset = last + 1 - height;
        }
        view.offset = view.offset.min(first);
    }
}
