//! What goes on, on standard error, if it takes long and somebody looks.
//!
//! A line of its own that is written over and wiped in the end. A thread writes it, since what takes long does not come
//! back to say so.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// So long nothing is said.
const PATIENCE: Duration = Duration::from_millis(500);

/// A line on what goes on; wiped when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    told: Option<(Sender<String>, JoinHandle<()>)>,
}

impl Progress {
    /// Says something only if standard error is a terminal.
    pub(crate) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self::default();
        }
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || tell(&receiver));
        // Without a thread, it is silent.
        Self { told: thread.ok().map(|thread| (sender, thread)) }
    }

    /// What goes on from now on.
    pub(crate) fn say(&self, what: impl Into<String>) {
        if let Some((sender, _)) = &self.told {
            let _ = sender.send(what.into());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.told.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Writes what is said, after a while, until nobody can say anything any more.
fn tell(receiver: &Receiver<String>) {
    let mut latest = String::new();
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now())) {
            Ok(what) => latest = what,
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
    let write = |text: &str| {
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "\r\x1b[K{text}");
        let _ = stderr.flush();
    };
    write(&latest);
    while let Ok(what) = receiver.recv() {
        write(&what);
    }
    write("");
}
