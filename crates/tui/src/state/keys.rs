//! The commands of keys.
//!
//! Keys mean the same as in `top`, `less` and `htop`, where those agree.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::process::Tab;
use super::table::Column;
use super::{Effect, Screen, State, Tone, totals};
use crate::areas::columns;
use crate::draw::help;
use crate::inspect::Subject;
use crate::messages::Command;

/// The longest filter, in characters.
const LONGEST_FILTER: usize = 200;

impl State {
    pub(super) fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return self.effects.push(Effect::Quit),
            KeyCode::Char('z') if control => return self.effects.push(Effect::Suspend),
            KeyCode::Char('l') if control => return self.effects.push(Effect::Redraw),
            _ => {}
        }
        if self.typing {
            self.type_filter(key, control);
        } else if self.help.is_some() {
            self.read_help(key, control);
        } else {
            self.command(key, control);
        }
    }

    fn type_filter(&mut self, key: KeyEvent, control: bool) {
        let filter = &mut self.table_mut().filter;
        match key.code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                filter.clear();
                self.typing = false;
            }
            KeyCode::Char('u' | 'w') if control => filter.clear(),
            KeyCode::Char('h') if control => drop(filter.pop()),
            KeyCode::Backspace if filter.pop().is_none() => self.typing = false,
            KeyCode::Backspace => {}
            KeyCode::Char(c) if !control && !c.is_control() && filter.chars().count() < LONGEST_FILTER => {
                filter.push(c);
            }
            // The cursor can be moved while a filter is typed.
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {
                return self.move_by_key(key, control);
            }
            _ => return,
        }
        self.table_mut().to_top();
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.typing {
            let filter = &mut self.table_mut().filter;
            let room = LONGEST_FILTER.saturating_sub(filter.chars().count());
            filter.extend(text.chars().filter(|c| !c.is_control()).take(room));
            self.table_mut().to_top();
        }
    }

    fn read_help(&mut self, key: KeyEvent, control: bool) {
        let Some(at) = self.help else { return };
        let last = help::last_line(self.size);
        let page = self.size.1.saturating_sub(2).max(1);
        let to = match key.code {
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => at + 1,
            KeyCode::PageUp => at.saturating_sub(page),
            KeyCode::Char('b') if control => at.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => at.saturating_add(page),
            KeyCode::Char('f') if control => at.saturating_add(page),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => last,
            _ => return self.help = None,
        };
        self.help = Some(to.min(last));
    }

    fn command(&mut self, key: KeyEvent, control: bool) {
        if self.move_by(key, control) || control {
            return;
        }
        match key.code {
            KeyCode::Char('q' | 'Q') | KeyCode::F(10) => self.effects.push(Effect::Quit),
            KeyCode::Char('?' | 'h' | 'H') | KeyCode::F(1) => self.help = Some(0),
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => self.back(),
            KeyCode::Enter | KeyCode::Right => self.enter(),
            KeyCode::Char('f' | 'Z') => self.freeze(),
            KeyCode::Char('c') => self.capture_now(),
            KeyCode::Char('+') => self.change_interval(0.5),
            KeyCode::Char('-') => self.change_interval(2.0),
            KeyCode::Char('s') => self.write(Command::Save),
            KeyCode::Char('r') => self.write(Command::Report),
            KeyCode::Char('b') => self.set_baseline(),
            KeyCode::Char('B') => self.clear_baseline(),
            KeyCode::Char('m') => {
                self.mouse = !self.mouse;
                self.effects.push(Effect::Mouse(self.mouse));
                self.say(
                    match self.mouse {
                        true => "mouse captured",
                        false => "mouse released: the terminal can select text",
                    },
                    Tone::Plain,
                );
            }
            // All other keys are for tables.
            _ if self.details().is_some() => {}
            KeyCode::Char('/' | '\\') | KeyCode::F(4) => self.typing = true,
            KeyCode::Tab | KeyCode::BackTab => self.switch_tab(),
            KeyCode::Char('<' | ',') => self.sort_beside(-1),
            KeyCode::Char('>' | '.') => self.sort_beside(1),
            KeyCode::Char('I' | 'i' | 'R') => {
                let sort = self.table().sort;
                self.table_mut().sort_by(sort);
            }
            KeyCode::Char('M') => self.sort_by(Column::Retained),
            KeyCode::Char('N') => self.sort_by(Column::Name),
            KeyCode::Char(digit @ '1'..='9') => {
                let place = digit as usize - '1' as usize;
                if let Some(&column) = self.shown_columns().get(place) {
                    self.table_mut().sort_by(column);
                }
            }
            _ => {}
        }
    }

    fn move_by_key(&mut self, key: KeyEvent, control: bool) {
        self.move_by(key, control);
    }

    /// Moves the cursor. Returns whether the key is one that does.
    fn move_by(&mut self, key: KeyEvent, control: bool) -> bool {
        let page = self.areas().rows().max(1).cast_signed();
        let by = match key.code {
            KeyCode::Up => -1,
            KeyCode::Down => 1,
            KeyCode::Char('k') if !control && !self.typing => -1,
            KeyCode::Char('j') if !control && !self.typing => 1,
            KeyCode::Char('p') if control => -1,
            KeyCode::Char('n') if control => 1,
            KeyCode::PageUp => -page,
            KeyCode::PageDown => page,
            KeyCode::Char(' ') if !self.typing => page,
            KeyCode::Char('b') if control => -page,
            KeyCode::Char('f') if control => page,
            KeyCode::Char('u') if control => -(page / 2).max(1),
            KeyCode::Char('d') if control => (page / 2).max(1),
            KeyCode::Home => isize::MIN,
            KeyCode::End => isize::MAX,
            KeyCode::Char('g') if !control => isize::MIN,
            KeyCode::Char('G') if !control => isize::MAX,
            _ => return false,
        };
        self.step(by);
        true
    }

    pub(super) fn step(&mut self, by: isize) {
        match self.screen {
            Screen::Process(place) => {
                let Some(process) = self.processes.get_mut(place) else { return };
                if let Some(details) = process.details.last_mut() {
                    return details.step(by);
                }
                let mut cursor = process.table().cursor.clone();
                let order = &process.table().order;
                cursor.step(by, order.len(), |place| order.get(place).map(|&row| process.key(row)));
                process.table_mut().cursor = cursor;
            }
            Screen::ProcessGroup => {
                let order = &self.process_group.order;
                let key = |place: usize| order.get(place).map(|&row| totals::key(row));
                self.process_group.cursor.step(by, order.len(), key);
            }
        }
    }

    /// Opens the process or the details under the cursor.
    pub(super) fn enter(&mut self) {
        let subject = match self.screen {
            Screen::ProcessGroup => {
                if let Some(place) = self.process_group.selected() {
                    self.screen = Screen::Process(place);
                }
                return;
            }
            Screen::Process(_) => match (self.details(), self.process()) {
                (Some(details), _) => details.link().filter(|link| **link != details.subject).cloned(),
                (None, Some(process)) => process.table().selected().map(|row| match process.tab {
                    Tab::Types => Subject::Type(process.key(row)),
                    Tab::Holders => Subject::Holder(process.key(row)),
                }),
                (None, None) => None,
            },
        };
        if let Some(subject) = subject {
            self.open_details(subject);
        }
    }

    /// Goes back one step: closes details, clears the filter, or returns to all processes.
    pub(super) fn back(&mut self) {
        if let Some(process) = self.process_mut()
            && process.details.pop().is_some()
        {
            if process.details.is_empty() {
                self.ask(Command::Release);
            }
            return;
        }
        if !self.table().filter.is_empty() {
            self.table_mut().filter.clear();
            self.table_mut().to_top();
        } else if self.processes.len() > 1 {
            self.screen = Screen::ProcessGroup;
        }
    }

    fn freeze(&mut self) {
        self.frozen = !self.frozen;
        self.ask_all(&Command::Freeze(self.frozen));
    }

    fn capture_now(&mut self) {
        if self.frozen {
            return self.say("frozen: press f to resume", Tone::Bad);
        }
        match self.screen {
            Screen::ProcessGroup => self.ask_all(&Command::CaptureNow),
            Screen::Process(_) => self.ask(Command::CaptureNow),
        }
        self.say("next capture as soon as the budget allows", Tone::Plain);
    }

    fn change_interval(&mut self, times: f64) {
        self.pace = self.pace.with_interval(self.pace.interval.mul_f64(times));
        self.ask_all(&Command::Interval(self.pace.interval));
        let interval = memtop_report::duration(nanoseconds(self.pace.interval));
        let budget = memtop_report::percent(self.pace.budget());
        self.say(
            format!("a capture every {interval}, or less often to pause the process for at most {budget} of the time"),
            Tone::Plain,
        );
    }

    fn write(&mut self, command: Command) {
        let screen = self.screen;
        if screen == Screen::ProcessGroup {
            match self.process_group.selected() {
                Some(place) => self.effects.push(Effect::Ask(place, command)),
                None => return,
            }
        } else {
            self.ask(command);
        }
        self.say("writing …", Tone::Plain);
    }

    fn set_baseline(&mut self) {
        let set = match self.screen {
            Screen::ProcessGroup => {
                self.processes
                    .iter_mut()
                    .filter(|one| one.latest.is_some())
                    .map(super::Process::set_baseline)
                    .count()
                    > 0
            }
            Screen::Process(place) => self.processes.get_mut(place).is_some_and(super::Process::set_baseline),
        };
        match set {
            true => self.say("baseline set: growth is counted from now on; press B to end it", Tone::Plain),
            false => self.say("no capture yet", Tone::Bad),
        }
    }

    fn clear_baseline(&mut self) {
        for process in &mut self.processes {
            process.baseline = None;
        }
        self.say("growth is shown per minute", Tone::Plain);
    }

    fn switch_tab(&mut self) {
        if let Some(process) = self.process_mut() {
            process.tab = match process.tab {
                Tab::Types => Tab::Holders,
                Tab::Holders => Tab::Types,
            };
        }
    }

    /// Returns the columns that there is room for.
    fn shown_columns(&self) -> Vec<Column> {
        columns(self.table().columns, self.size.0).into_iter().map(|column| column.0).collect()
    }

    fn sort_beside(&mut self, by: isize) {
        let shown = self.shown_columns();
        self.table_mut().sort_beside(by, &shown);
    }

    fn sort_by(&mut self, column: Column) {
        if self.table().columns.contains(&column) {
            self.table_mut().sort_by(column);
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
