//! `top`: what is at work on this host, again and again on a terminal, or once.

mod look;
mod terminal;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use self::look::Looker;
use self::terminal::{Terminal, next_action};
use super::ended::Ended;
use crate::cli;
use crate::job::{Exit, Job};
use crate::outcome::Done;
use crate::report::screen::{Action, View, screen};
use crate::store::Store;

/// How long a signal may go unnoticed.
const LOOK_UP: Duration = Duration::from_millis(200);

/// The command. `is_for_program`: what is printed is for a program to read.
pub(super) fn run(
    job: &Job,
    store: &Store,
    wanted: &cli::Top,
    is_for_program: bool,
) -> anyhow::Result<Ended> {
    let mut looker = Looker::new(job, store, wanted.limits.policy());
    let has_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if wanted.once || is_for_program || !has_terminal || job.env.get("TERM") == Some("dumb") {
        return Ok(Ended::with(Exit::Success, Done::Top(Box::new(looker.look()))));
    }
    let has_colours = job.env.get("NO_COLOR").is_none();
    let ended = watch(job, &mut looker, wanted.interval, View { has_colours, ..View::default() })?;
    Ok(Ended::early(ended))
}

/// Shows how the host is until somebody quits.
fn watch(job: &Job, looker: &mut Looker<'_>, interval: Duration, mut view: View) -> anyhow::Result<Exit> {
    let mut terminal = Terminal::take()?;
    let (mut live, mut at) = (looker.look(), Instant::now());
    loop {
        terminal.draw(|width, height| screen(&live, &mut view, width, height))?;
        loop {
            if job.interrupt.is_raised() {
                return Ok(Exit::Interrupted);
            }
            let left = interval.saturating_sub(at.elapsed());
            match next_action(left.min(LOOK_UP))? {
                Some(Action::Quit) => return Ok(Exit::Success),
                Some(action) => {
                    view.take(action, &live);
                    break;
                }
                None if left.is_zero() => {
                    (live, at) = (looker.look(), Instant::now());
                    break;
                }
                None => {}
            }
        }
    }
}
