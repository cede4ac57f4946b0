//! The styles of text by its role, and the characters of the memory bar.

use ratatui::style::{Color, Modifier, Style};

/// The capabilities of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Colours: the sixteen that every terminal has, as its user set them.
    pub color: bool,
    /// Characters beyond ASCII: bars, sparklines, arrows.
    pub unicode: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self { color: true, unicode: true }
    }
}

/// The role of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// The most important text.
    Strong,
    /// Less important text.
    Faint,
    /// A name that a reader searches for.
    Name,
    /// Good news.
    Good,
    /// A doubt, or growth.
    Doubt,
    /// A leak, a failure, or the end of a process.
    Bad,
    /// A key that can be pressed.
    Key,
    /// A curve.
    Curve,
    /// The names of columns, and of the one that the table is sorted by.
    Header,
    Sorted,
    /// The selected tab.
    Chosen,
    /// The row under the cursor.
    Cursor,
    /// A part of the memory bar.
    Part(Part),
}

/// A part of resident memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A kind of Python objects, by its index.
    Kind(usize),
    /// All other kinds.
    OtherKinds,
    /// Free memory that allocators hold.
    Free,
    /// Known native memory.
    Native,
    /// Pages of files.
    Files,
    /// The rest.
    Unexplained,
}

impl Theme {
    pub(crate) fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let colored = |color: Color| if self.color { plain.fg(color) } else { plain };
        match role {
            Role::Plain => plain,
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Faint => plain.add_modifier(Modifier::DIM),
            Role::Name => colored(Color::Cyan).add_modifier(Modifier::BOLD),
            Role::Good => colored(Color::Green).add_modifier(Modifier::BOLD),
            Role::Doubt => colored(Color::Yellow),
            Role::Bad => colored(Color::Red).add_modifier(Modifier::BOLD),
            Role::Key => colored(Color::Cyan).add_modifier(Modifier::BOLD),
            Role::Curve => colored(Color::Cyan),
            Role::Header => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Role::Sorted => colored(Color::Cyan).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Role::Chosen | Role::Cursor => plain.add_modifier(Modifier::REVERSED),
            Role::Part(part) => colored(part.color()),
        }
    }
}

impl Part {
    fn color(self) -> Color {
        match self {
            Self::Kind(place) => [Color::Green, Color::Cyan, Color::Blue, Color::LightGreen][place % 4],
            Self::OtherKinds => Color::LightBlue,
            Self::Free => Color::Yellow,
            Self::Native => Color::Magenta,
            Self::Files => Color::DarkGray,
            Self::Unexplained => Color::Red,
        }
    }

    /// Returns the character that fills a part of the bar. Without colours, it differs from its neighbours.
    pub(crate) fn glyph(self, theme: Theme) -> char {
        match (theme.color, theme.unicode, self) {
            (true, true, _) => '█',
            (_, true, Self::Kind(place)) => ['█', '▓', '▒', '░'][place % 4],
            (_, false, Self::Kind(place)) => ['@', '%', '*', 'o'][place % 4],
            (_, _, Self::OtherKinds) => '+',
            (_, _, Self::Free) => '.',
            (_, _, Self::Native) => '#',
            (_, _, Self::Files) => '=',
            (_, _, Self::Unexplained) => '?',
        }
    }
}
