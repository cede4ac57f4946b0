//! The input loop: keys, signals and what sources tell go into the state; what comes out is done.
//!
//! One thread draws and reads keys; each source has a thread of its own. Nothing here knows what a key means.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::draw::{Theme, draw};
use crate::pace::Pace;
use crate::signals::Signals;
use crate::source::CaptureSource;
use crate::state::{Effect, Event, State};
use crate::terminal::Screen;
use crate::worker::{Command, Handle, Worker};
use ratatui::crossterm::event as input;

/// How the live view runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveOptions {
    /// From capture to capture, if the budget allows it.
    pub interval: Duration,
    /// The share of the time for which a process may stand still, from 0 to 1.
    pub budget: f64,
    /// What the terminal can show.
    pub theme: Theme,
    /// Whether to take the mouse.
    pub mouse: bool,
}

impl Default for LiveOptions {
    /// Every two seconds, at most one per cent of the time, with colours and a mouse.
    fn default() -> Self {
        Self { interval: Duration::from_secs(2), budget: 0.01, theme: Theme::default(), mouse: true }
    }
}

/// How the live view ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The person left it.
    Quit,
    /// This signal ended it; a shell expects 128 and its number as the exit status.
    Signal(i32),
}

/// Why there is no live view.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuiError {
    /// There is nothing to look at.
    #[error("there is no process to look at")]
    NoSource,
    /// Nobody could see it.
    #[error("the live view needs a terminal for its input and its output")]
    NoTerminal,
    /// The terminal does not do what it must.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

/// How long a key waits at most until it is seen to; and what sources tell, and signals.
const TURN: Duration = Duration::from_millis(50);
/// The clock is drawn anew so often.
const CLOCK: Duration = Duration::from_millis(500);
/// At the end, sources have so long to finish what they do.
const LAST_WORDS: Duration = Duration::from_millis(700);

/// Shows one process, until the person leaves.
///
/// # Errors
/// If there is no terminal, or it cannot be used. It is given back as it was in any case.
pub fn run(source: Box<dyn CaptureSource>, options: LiveOptions) -> Result<Ended, TuiError> {
    run_all(vec![source], options)
}

/// Shows several processes: a row each and the sum, and each one as [`run`] does. One works at a time.
///
/// # Errors
/// As [`run`]; or if there is none.
pub fn run_all(sources: Vec<Box<dyn CaptureSource>>, options: LiveOptions) -> Result<Ended, TuiError> {
    if sources.is_empty() {
        return Err(TuiError::NoSource);
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let signals = Signals::register()?;
    let pace = Pace::new(options.interval, options.budget);
    let size = ratatui::crossterm::terminal::size()?;
    let mut screen = Screen::take(options.mouse)?;
    let mut state = State::new(sources.iter().map(|source| source.title()), pace, size);
    state.mouse = options.mouse;
    let clock = Instant::now();
    let (told, reports) = channel();
    let workers = start(sources, pace, clock, &told)?;
    drop(told);
    let ended = turn(&mut screen, &mut state, &workers, &reports, &signals, options.theme, clock);
    drop(screen);
    stop(workers);
    Ok(ended?)
}

fn start(
    sources: Vec<Box<dyn CaptureSource>>,
    pace: Pace,
    clock: Instant,
    told: &Sender<Event>,
) -> io::Result<Vec<Handle>> {
    let turn = Arc::new(Mutex::new(()));
    let mut workers = Vec::new();
    for (place, source) in sources.into_iter().enumerate() {
        let (commands, handled) = channel();
        let told = told.clone();
        let send = Box::new(move |report| told.send(Event::Source(place, report)).is_ok());
        let worker = Worker { source, pace, clock, commands: handled, send, turn: Arc::clone(&turn) };
        let thread = std::thread::Builder::new().name(format!("source {place}")).spawn(|| worker.run())?;
        workers.push(Handle { commands, thread });
    }
    Ok(workers)
}

/// Tells the sources to end, and waits a moment. One that is in the midst of finding something out is left to the end of
/// the process: what it looks at is not stopped then, or goes on when mem_top ends.
fn stop(workers: Vec<Handle>) {
    for worker in &workers {
        // One that has ended needs no telling.
        let _ = worker.commands.send(Command::Stop);
    }
    let until = Instant::now() + LAST_WORDS;
    for worker in workers {
        while !worker.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if worker.thread.is_finished() {
            // A panic was told on the screen.
            let _ = worker.thread.join();
        }
    }
}

fn turn(
    screen: &mut Screen,
    state: &mut State,
    workers: &[Handle],
    reports: &Receiver<Event>,
    signals: &Signals,
    theme: Theme,
    clock: Instant,
) -> io::Result<Ended> {
    let (mut dirty, mut drawn) = (true, Instant::now());
    loop {
        if let Some(signal) = signals.ending() {
            return Ok(Ended::Signal(signal));
        }
        if signals.stops() {
            suspend(screen, state)?;
            dirty = true;
        }
        state.update(Event::Tick(clock.elapsed()));
        for event in reports.try_iter() {
            state.update(event);
            dirty = true;
        }
        for effect in state.effects() {
            match effect {
                // A source that has ended hears nothing, and its process is shown as it was.
                Effect::Ask(place, command) => {
                    let _ = workers.get(place).map(|worker| worker.commands.send(command));
                }
                Effect::Quit => return Ok(Ended::Quit),
                Effect::Suspend => suspend(screen, state)?,
                Effect::Mouse(mouse) => screen.set_mouse(mouse)?,
                Effect::Redraw => screen.terminal().clear()?,
            }
            dirty = true;
        }
        if dirty || drawn.elapsed() >= CLOCK {
            screen.terminal().draw(|frame| draw(state, theme, frame))?;
            (dirty, drawn) = (false, Instant::now());
        }
        if input::poll(TURN)? {
            // All that is there at once: a held key draws once.
            loop {
                if let Some(event) = translated(input::read()?) {
                    state.update(event);
                    dirty = true;
                }
                if !input::poll(Duration::ZERO)? {
                    break;
                }
            }
        }
    }
}

fn translated(event: input::Event) -> Option<Event> {
    Some(match event {
        input::Event::Key(key) => Event::Key(key),
        input::Event::Mouse(mouse) => Event::Mouse(mouse),
        input::Event::Paste(text) => Event::Paste(text),
        input::Event::Resize(width, height) => Event::Resize(width, height),
        input::Event::FocusGained | input::Event::FocusLost => return None,
    })
}

/// Gives the terminal back and stops, as ^Z does; returns when the shell lets it go on.
fn suspend(screen: &mut Screen, state: &mut State) -> io::Result<()> {
    screen.while_given_back(Signals::stop_now)?;
    let (width, height) = ratatui::crossterm::terminal::size()?;
    state.update(Event::Resize(width, height));
    Ok(())
}
