//! A progress line on standard error, shown in a terminal if a step takes long.
//!
//! A thread writes the line, because the step that takes long does not return to report its progress.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::terminal::understands_escapes;

/// Nothing is shown before this time has passed.
const DELAY: Duration = Duration::from_millis(500);

/// The progress line; removed when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    writer: Option<(Sender<String>, JoinHandle<()>)>,
}

impl Progress {
    /// A progress line, which stays silent if standard error is not a terminal.
    pub(crate) fn new() -> Self {
        if !io::stderr().is_terminal() || !understands_escapes() {
            return Self::default();
        }
        let (sender, receiver) = channel();
        let thread =
            std::thread::Builder::new().name("progress".to_owned()).spawn(move || write_updates(&receiver));
        // Without a thread there is no progress line.
        Self { writer: thread.ok().map(|thread| (sender, thread)) }
    }

    /// Replaces the text of the line.
    pub(crate) fn set(&self, text: impl Into<String>) {
        if let Some((sender, _)) = &self.writer {
            let _ = sender.send(text.into());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.writer.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Writes each text from the end of the delay until the sender is dropped.
fn write_updates(receiver: &Receiver<String>) {
    let mut latest = String::new();
    let deadline = std::time::Instant::now() + DELAY;
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now())) {
            Ok(text) => latest = text,
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
    while let Ok(text) = receiver.recv() {
        write(&text);
    }
    write("");
}
