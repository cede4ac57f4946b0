//! Drawing of the state on a screen of any size. Pure: it reads the state and writes cells.
//!
//! Invariant: nothing is drawn outside of its area, and every text of a heap is escaped before it is drawn.

pub(crate) mod details;
pub(crate) mod footer;
pub(crate) mod head;
pub(crate) mod help;
mod parts;
mod pen;
pub(crate) mod process_group;
pub(crate) mod table;
pub(crate) mod tabs;
mod theme;

use ratatui::Frame;

use crate::state::{Screen, State};
use pen::Pen;

pub use theme::Theme;

/// Draws the whole screen.
pub fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let pen = &mut Pen::new(frame.buffer_mut(), area, theme);
    // The frame may be smaller than the size in the state, if a resize event has not arrived yet.
    let areas = crate::areas::Areas::new(area.width, area.height);
    if let Some(line) = state.help {
        help::draw(pen, area, line);
    } else {
        match (state.screen, state.process()) {
            (Screen::Process(_), Some(process)) => {
                head::draw(pen, &areas, state, process);
                tabs::draw(pen, areas.tabs, state, process);
                match process.details.last() {
                    Some(view) => details::draw(pen, &areas, view),
                    None => table::draw(pen, &areas, state, process),
                }
            }
            _ => process_group::draw(pen, &areas, state),
        }
        footer::draw(pen, areas.footer, state);
    }
    pen.finish();
}
