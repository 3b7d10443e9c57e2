//! The terminal while it is a full screen, given back whatever happens: at the end, on an error, on a panic.

use super::draw::{self, Theme};
use super::scene::Scene;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{Clear, ClearType};
use std::io;
use std::mem::ManuallyDrop;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

pub struct Screen {
    /// Its own end complains on stderr, and panics where that has gone too.
    terminal: ManuallyDrop<DefaultTerminal>,
    theme: Theme,
    wishes: Receiver<Wish>,
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
        let wishes = follow()?;
        // Gives the terminal back on a panic too, before its message is printed.
        let terminal = ManuallyDrop::new(ratatui::try_init()?);
        let screen = Screen { terminal, theme: Theme::of_environment(), wishes };
        // A terminal without a second screen shows what stood there before.
        execute!(io::stdout(), Clear(ClearType::All))?;
        Ok(screen)
    }

    pub fn draw(&mut self, scene: &Scene) -> io::Result<()> {
        self.terminal.draw(|frame| draw::draw(frame, scene, self.theme))?;
        Ok(())
    }

    /// Waits for a wish, at most so long.
    pub fn wish(&self, wait: Duration) -> Wish {
        match self.wishes.recv_timeout(wait) {
            Ok(wish) => wish,
            Err(RecvTimeoutError::Timeout) => Wish::Nothing,
            Err(RecvTimeoutError::Disconnected) => Wish::Stop,
        }
    }
}

/// Follows the keys on a thread of its own, which ends with the process: whoever waits for a key of a
/// terminal that has gone waits for ever.
fn follow() -> io::Result<Receiver<Wish>> {
    let (wish, wishes) = mpsc::channel();
    let read = move || {
        while let Ok(event) = event::read() {
            if wish.send(meaning(&event)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("keys".into()).spawn(read)?;
    Ok(wishes)
}

fn meaning(event: &Event) -> Wish {
    match event {
        Event::Resize(..) => Wish::Redraw,
        Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => Wish::Stop,
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Wish::Stop,
            _ => Wish::Nothing,
        },
        _ => Wish::Nothing,
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where the terminal has gone there is nothing to give back, and nobody to be told.
        _ = self.terminal.show_cursor();
        _ = ratatui::try_restore();
    }
}
