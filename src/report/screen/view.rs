//! What the user looks at, and what becomes of it with each key.

use std::collections::BTreeSet;

use crate::outcome::Live;

/// How what ran without a runner is called.
pub(super) const NO_RUNNER: &str = "no runner";

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To end.
    Quit,
    /// The screen anew: it has another size.
    Redraw,
    /// The keys, or no longer.
    Help,
    /// The runner above.
    Previous,
    /// The runner below.
    Next,
    /// All runners.
    First,
    /// The last runner.
    Last,
    /// Newer events.
    Newer,
    /// Older events.
    Older,
}

/// What the user looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Whether there are colours.
    pub has_colours: bool,
    /// The runner that is chosen; nothing for all.
    pub chosen: Option<String>,
    /// Whether the keys are shown.
    pub has_help: bool,
    /// Events above those that are shown.
    pub scrolled: usize,
}

/// Events by which a key scrolls.
const BY: usize = 5;

impl View {
    /// Does what the user wants.
    pub fn take(&mut self, action: Action, live: &Live) {
        let names = names(live);
        // The row of all comes first.
        let place = self.chosen.as_ref().and_then(|chosen| names.iter().position(|name| name == chosen));
        let place = place.map_or(0, |place| place + 1);
        let mut choose = |place: usize| {
            self.chosen = place.checked_sub(1).and_then(|place| names.get(place).cloned());
            self.scrolled = 0;
        };
        match action {
            Action::Quit | Action::Redraw => {}
            Action::Help => self.has_help = !self.has_help,
            Action::Previous => choose(place.saturating_sub(1)),
            Action::Next => choose((place + 1).min(names.len())),
            Action::First => choose(0),
            Action::Last => choose(names.len()),
            Action::Newer => self.scrolled = self.scrolled.saturating_sub(BY),
            Action::Older => self.scrolled = (self.scrolled + BY).min(live.events.len()),
        }
    }
}

/// Which row of the runners is the chosen one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark<'c> {
    /// Nobody can choose.
    Nothing,
    All,
    Runner(&'c str),
}

/// The runners that something is known of, in order.
pub(super) fn names(live: &Live) -> Vec<String> {
    let told = live.runners.iter().map(|of| of.runner.as_deref());
    let at_work = live.working.iter().map(|working| working.runner.as_deref());
    let names: BTreeSet<_> = told.chain(at_work).map(name_of).collect();
    names.into_iter().map(str::to_owned).collect()
}

pub(super) fn name_of(runner: Option<&str>) -> &str {
    runner.unwrap_or(NO_RUNNER)
}
