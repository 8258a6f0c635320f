//! The terminal while `top` has it: raw, and on its other screen. However `top` ends, it gets its own screen back.

use std::io::{self, Stdout, stdin, stdout};
use std::panic;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ratatui_core::text::Line;
use ratatui_crossterm::CrosstermBackend;
use ratatui_crossterm::crossterm::cursor::Show;
use ratatui_crossterm::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui_crossterm::crossterm::execute;
use ratatui_crossterm::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::job::Exit;
use crate::report::screen::Action;
use crate::sys;

type PanicHook = dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync;

/// The terminal, until this is dropped.
pub(super) struct Terminal {
    screen: ratatui_core::terminal::Terminal<CrosstermBackend<Stdout>>,
    before: Arc<PanicHook>,
}

impl Terminal {
    /// Takes the terminal of this process.
    pub(super) fn take() -> io::Result<Self> {
        let before: Arc<PanicHook> = Arc::from(panic::take_hook());
        let next = Arc::clone(&before);
        // The released program ends at once on a panic, and drops nothing.
        panic::set_hook(Box::new(move |info| {
            give_back();
            next(info);
        }));
        let screen = ratatui_core::terminal::Terminal::new(CrosstermBackend::new(stdout()))?;
        // From here on it is given back by being dropped.
        let taken = Self { screen, before };
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen)?;
        thread::Builder::new().name("hang-up".to_owned()).spawn(end_with_terminal)?;
        Ok(taken)
    }

    /// Shows the lines that `lines` gives for so many columns and rows.
    pub(super) fn draw(&mut self, lines: impl FnOnce(u16, u16) -> Vec<Line<'static>>) -> io::Result<()> {
        self.screen.draw(|frame| {
            let area = frame.area();
            let buffer = frame.buffer_mut();
            for (line, row) in lines(area.width, area.height).iter().zip(area.y..area.bottom()) {
                buffer.set_line(area.x, row, line, area.width);
            }
        })?;
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
        if !thread::panicking() {
            let before = Arc::clone(&self.before);
            panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

/// Ends the process when its terminal is gone: what waits for keys does not notice, and looks for them for ever.
fn end_with_terminal() {
    if sys::is_hung_up(stdin()) {
        std::process::exit(Exit::Interrupted.code().into());
    }
}

/// Each by itself: where one cannot be done, the others are all the more to the point.
fn give_back() {
    let _ = execute!(stdout(), LeaveAlternateScreen);
    let _ = execute!(stdout(), Show);
    let _ = disable_raw_mode();
}

/// What the user wants next, within `patience`; `None` where that is nothing.
pub(super) fn next_action(patience: Duration) -> io::Result<Option<Action>> {
    if !event::poll(patience)? {
        return Ok(None);
    }
    Ok(match event::read()? {
        Event::Key(key) if key.kind != KeyEventKind::Release => action(key),
        Event::Resize(..) => Some(Action::Redraw),
        _ => None,
    })
}

fn action(key: KeyEvent) -> Option<Action> {
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c' | 'd') if with_control => Action::Quit,
        KeyCode::Char('l') if with_control => Action::Redraw,
        KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
        KeyCode::Char('?' | 'h') => Action::Help,
        KeyCode::Up | KeyCode::Char('k') => Action::Previous,
        KeyCode::Down | KeyCode::Char('j') => Action::Next,
        KeyCode::Home | KeyCode::Char('g') => Action::First,
        KeyCode::End | KeyCode::Char('G') => Action::Last,
        KeyCode::PageUp => Action::Newer,
        KeyCode::PageDown | KeyCode::Char(' ') => Action::Older,
        _ => return None,
    })
}
