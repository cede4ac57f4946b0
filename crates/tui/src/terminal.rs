//! The terminal, switched to the view and restored whatever happens.
//!
//! Invariant: when a [`TerminalGuard`] ends, by a return, a panic or ^Z, the terminal has echo, line mode, its cursor,
//! no mouse capture and its former text. If the thread that draws panics, the terminal is restored before the message
//! is printed. A panic of another thread prints nothing, and is shown within the view.

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

/// The terminal while it shows the view.
pub(crate) struct TerminalGuard {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
    before: Arc<Hook>,
}

impl TerminalGuard {
    /// Switches the terminal to the view.
    ///
    /// # Errors
    /// If the terminal cannot be written to or configured. Then it is restored.
    pub(crate) fn take(mouse: bool) -> io::Result<Self> {
        let before: Arc<Hook> = std::panic::take_hook().into();
        let (inner, drawing) = (Arc::clone(&before), std::thread::current().id());
        std::panic::set_hook(Box::new(move |panic| hook(panic, drawing, &*inner)));
        let taken = enter(mouse).and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        match taken {
            Ok(terminal) => Ok(Self { terminal, mouse, before }),
            Err(error) => {
                restore();
                restore_hook(before);
                Err(error)
            }
        }
    }

    /// Returns the terminal to draw on.
    pub(crate) fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Captures the mouse, or leaves it to the terminal.
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

    /// Restores the terminal while `stop` runs, which returns when the process is continued.
    ///
    /// # Errors
    /// If the terminal cannot be switched to the view again.
    pub(crate) fn while_restored(&mut self, stop: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        restore();
        stop()?;
        enter(self.mouse)?;
        self.terminal.clear()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
        // A hook cannot be set during a panic.
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
        restore();
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

/// Restores the terminal. Errors are ignored: a terminal that is gone needs no restoring.
pub(crate) fn restore() {
    let mut out = io::stdout();
    let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}
