//! The event loop: keys, signals and messages of the sources go into the state, and the effects that come out are done.
//!
//! One thread draws and reads keys, and each source has its own thread. The meaning of keys is not known here.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::draw::{Theme, draw};
use crate::messages::Command;
use crate::pace::Pace;
use crate::signals::Signals;
use crate::source::CaptureSource;
use crate::state::{Effect, Event, State};
use crate::terminal::TerminalGuard;
use crate::worker::{Worker, WorkerHandle};
use ratatui::crossterm::event as input;

/// The options of the live view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveOptions {
    /// The time from one capture to the next, if the budget allows it.
    pub interval: Duration,
    /// The share of the time for which a process may be paused, from 0 to 1.
    pub budget: f64,
    /// The capabilities of the terminal.
    pub theme: Theme,
    /// Whether to capture the mouse.
    pub mouse: bool,
}

impl Default for LiveOptions {
    /// A capture every two seconds, a budget of one per cent, colours and the mouse.
    fn default() -> Self {
        Self { interval: Duration::from_secs(2), budget: 0.01, theme: Theme::default(), mouse: true }
    }
}

/// Why the live view ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The user quit.
    Quit,
    /// A signal; a shell expects 128 plus its number as the exit status.
    Signal(i32),
}

/// Why the live view cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuiError {
    /// No source was passed.
    #[error("no process to show")]
    NoSource,
    /// Input or output is not a terminal.
    #[error("the live view needs a terminal for its input and its output")]
    NoTerminal,
    /// Reading from the terminal, or writing to it, failed.
    #[error("cannot use the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// How long signals and messages of sources wait at most while no key is pressed.
const POLL: Duration = Duration::from_millis(50);
/// How often the screen is drawn while nothing happens, for its clocks.
const REDRAW: Duration = Duration::from_millis(500);
/// How long sources have at the end to finish their work.
const STOP_TIMEOUT: Duration = Duration::from_millis(700);

/// Shows one process until the user quits.
///
/// # Errors
/// If there is no terminal, or it cannot be used. It is restored in any case.
pub fn run(source: Box<dyn CaptureSource>, options: LiveOptions) -> Result<Ended, TuiError> {
    run_all(vec![source], options)
}

/// Shows several processes, with a row for each and their total, and each one as [`run`] does. Only one of them is
/// captured or analysed at a time.
///
/// # Errors
/// As for [`run`], or if `sources` is empty.
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
    let mut screen = TerminalGuard::take(options.mouse)?;
    let mut state = State::new(sources.iter().map(|source| source.title()), pace, size);
    state.mouse = options.mouse;
    let clock = Instant::now();
    let (sender, events) = channel();
    let workers = start(sources, pace, clock, &sender)?;
    drop(sender);
    let inputs = Inputs { workers: &workers, events, signals, clock };
    let ended = event_loop(&mut screen, &mut state, &inputs, options.theme);
    drop(screen);
    stop(workers);
    Ok(ended?)
}

fn start(
    sources: Vec<Box<dyn CaptureSource>>,
    pace: Pace,
    clock: Instant,
    events: &Sender<Event>,
) -> io::Result<Vec<WorkerHandle>> {
    let permit = Arc::new(Mutex::new(()));
    let mut workers = Vec::new();
    for (place, source) in sources.into_iter().enumerate() {
        let (sender, commands) = channel();
        let events = events.clone();
        let send = Box::new(move |update| events.send(Event::Source(place, update)).is_ok());
        let worker = Worker { source, pace, clock, commands, send, permit: Arc::clone(&permit) };
        let thread = std::thread::Builder::new().name(format!("source {place}")).spawn(|| worker.run())?;
        workers.push(WorkerHandle { commands: sender, thread });
    }
    Ok(workers)
}

/// Asks the sources to end, and waits for a moment. A source that is still busy ends with mem_top. Its process is no
/// longer paused by then, or continues when mem_top ends.
fn stop(workers: Vec<WorkerHandle>) {
    for worker in &workers {
        // Sending fails if the source has ended already.
        let _ = worker.commands.send(Command::Stop);
    }
    let until = Instant::now() + STOP_TIMEOUT;
    for worker in workers {
        while !worker.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if worker.thread.is_finished() {
            // A panic was shown on the screen.
            let _ = worker.thread.join();
        }
    }
}

/// The inputs of the event loop besides the terminal.
struct Inputs<'a> {
    workers: &'a [WorkerHandle],
    events: Receiver<Event>,
    signals: Signals,
    clock: Instant,
}

fn event_loop(
    screen: &mut TerminalGuard,
    state: &mut State,
    inputs: &Inputs<'_>,
    theme: Theme,
) -> io::Result<Ended> {
    let Inputs { workers, events, signals, clock } = inputs;
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
        for event in events.try_iter() {
            state.update(event);
            dirty = true;
        }
        for effect in state.effects() {
            match effect {
                // Sending fails if the source has ended. Its process is still shown in its last state.
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
        if dirty || drawn.elapsed() >= REDRAW {
            screen.terminal().draw(|frame| draw(state, theme, frame))?;
            (dirty, drawn) = (false, Instant::now());
        }
        if input::poll(POLL)? {
            // Reads all that is available, so that a held key does not draw for each repetition.
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

/// Returns the event of the state for one of the terminal, if it is of interest.
fn translated(event: input::Event) -> Option<Event> {
    Some(match event {
        input::Event::Key(key) => Event::Key(key),
        input::Event::Mouse(mouse) => Event::Mouse(mouse),
        input::Event::Paste(text) => Event::Paste(text),
        input::Event::Resize(width, height) => Event::Resize(width, height),
        input::Event::FocusGained | input::Event::FocusLost => return None,
    })
}

/// Restores the terminal and stops the process, as ^Z does. Returns when the shell continues it.
fn suspend(screen: &mut TerminalGuard, state: &mut State) -> io::Result<()> {
    screen.while_restored(Signals::stop_now)?;
    let (width, height) = ratatui::crossterm::terminal::size()?;
    state.update(Event::Resize(width, height));
    Ok(())
}
