//! The terminal: taken, and given back as it was, whatever happens.
//!
//! Invariant: whoever leaves a [`Screen`] (by its end, a panic, ^Z) leaves a terminal with echo, lines, a cursor, no
//! mouse and the text that stood there before. A panic of the thread that draws gives it back before it is told; one of
//! another thread is told on the screen, not across it.

use std::io::{self, Stdout, Write};
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::thread::ThreadId;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// The terminal while it is taken.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
    before: Arc<Hook>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If it cannot be written to or set; then it is as it was.
    pub(crate) fn take(mouse: bool) -> io::Result<Self> {
        let before: Arc<Hook> = std::panic::take_hook().into();
        let (told, drawing) = (Arc::clone(&before), std::thread::current().id());
        std::panic::set_hook(Box::new(move |panic| hook(panic, drawing, &*told)));
        let taken = enter(mouse).and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        match taken {
            Ok(terminal) => Ok(Self { terminal, mouse, before }),
            Err(error) => {
                give_back();
                restore_hook(before);
                Err(error)
            }
        }
    }

    /// The terminal, to draw on.
    pub(crate) fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Takes the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub(crate) fn set_mouse(&mut self, mouse: bool) -> io::Result<()> {
        self.mouse = mouse;
        match mouse {
            true => execute!(io::stdout(), EnableMouseCapture),
            false => execute!(io::stdout(), DisableMouseCapture),
        }
    }

    /// Gives the terminal back while `stop` runs, which returns when the process goes on.
    ///
    /// # Errors
    /// If the terminal cannot be taken again.
    pub(crate) fn while_given_back(&mut self, stop: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        give_back();
        stop()?;
        enter(self.mouse)?;
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
        // A hook cannot be set while a panic goes on.
        if !std::thread::panicking() {
            restore_hook(Arc::clone(&self.before));
        }
    }
}

fn restore_hook(before: Arc<Hook>) {
    drop(std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| before(panic)));
}

fn hook(panic: &PanicHookInfo<'_>, drawing: ThreadId, before: &Hook) {
    if std::thread::current().id() == drawing {
        give_back();
        before(panic);
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    if mouse {
        execute!(io::stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

/// As far as it goes: a terminal that is gone needs nothing any more.
pub(crate) fn give_back() {
    let mut out = io::stdout();
    let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}
