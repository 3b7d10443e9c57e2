//! How things are told apart. Only colours of the terminal's own palette that are read on light and on dark,
//! never a background; nothing is told by colour alone, so that NO_COLOR loses nothing.

use ratatui::style::{Color, Modifier, Style};

#[derive(Clone, Copy, Debug)]
pub struct Theme {
    is_coloured: bool,
}

impl Theme {
    pub fn new(is_coloured: bool) -> Theme {
        Theme { is_coloured }
    }

    /// NO_COLOR, if it is set and not empty, means none (no-color.org).
    pub fn of_environment() -> Theme {
        Theme::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    fn colour(self, colour: Color) -> Style {
        if self.is_coloured { Style::new().fg(colour) } else { Style::new() }
    }

    pub fn far(self) -> Style {
        self.colour(Color::Blue)
    }

    pub fn near(self) -> Style {
        self.colour(Color::Magenta)
    }

    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    pub fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// What one should look at.
    pub fn marked(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}
