//! The terminal while it is a full screen, given back whatever happens: at the end, on an error, on a panic.

use super::draw::{self, Theme};
use super::scene::Scene;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{Clear, ClearType};
use std::io;
use std::time::Duration;

pub struct Screen {
    terminal: DefaultTerminal,
    theme: Theme,
}

/// What whoever sits there wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Stop,
    /// The size has changed.
    Redraw,
    Nothing,
}

impl Screen {
    pub fn enter() -> io::Result<Screen> {
        // Gives the terminal back on a panic too, before its message is printed.
        let screen = Screen { terminal: ratatui::try_init()?, theme: Theme::of_environment() };
        // A terminal without a second screen shows what stood there before.
        execute!(io::stdout(), Clear(ClearType::All))?;
        Ok(screen)
    }

    pub fn draw(&mut self, scene: &Scene) -> io::Result<()> {
        self.terminal.draw(|frame| draw::draw(frame, scene, self.theme))?;
        Ok(())
    }

    /// Waits for a key, at most so long.
    pub fn wish(&self, wait: Duration) -> io::Result<Wish> {
        if !event::poll(wait)? {
            return Ok(Wish::Nothing);
        }
        Ok(match event::read()? {
            Event::Resize(..) => Wish::Redraw,
            Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
                KeyCode::Char('q' | 'Q') | KeyCode::Esc => Wish::Stop,
                KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Wish::Stop,
                _ => Wish::Nothing,
            },
            _ => Wish::Nothing,
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
