//! What `hook` says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::env_file::value;
use super::{Hooked, Hooks, Moment};
use crate::host::piece::{Piece, State};
use crate::host::shown::{shown, shown_path};
use crate::report::difference;

/// What an installation would do, as differences of files.
pub(crate) fn preview(hooks: &Hooks) -> String {
    let mut text = String::new();
    for (piece, _) in hooks.to_make() {
        let (before, after) = match piece {
            Piece::Variables { before, after, .. } => (before.as_deref(), after),
            Piece::File { text, .. } => (None, text),
            _ => continue,
        };
        let name = piece.path().display().to_string();
        let old = if before.is_some() { &name } else { "/dev/null" };
        text.push_str(&difference(old, before.unwrap_or_default(), &name, after));
    }
    text.trim_end().to_owned()
}

/// What an installation did.
pub(crate) fn made(hooks: &Hooks) -> String {
    let line = |(piece, state): (&Piece, &State)| {
        let verb = if *state == State::Absent { "made" } else { "updated" };
        format!("{verb}  {}", piece.path().display())
    };
    hooks.to_make().map(line).collect::<Vec<_>>().join("\n")
}

/// Each runner and whether it has the hooks.
pub(crate) fn status(hooks: &Hooks) -> String {
    let mut text = String::from("scripts\n");
    for (piece, state) in &hooks.scripts {
        let _ = writeln!(text, "  {:<10} {}", word(state), piece.path().display());
    }
    text.push_str("runners\n");
    if hooks.runners.is_empty() {
        text.push_str("  none\n");
    }
    for Hooked { runner, piece, state, .. } in &hooks.runners {
        let name = shown(runner.name.as_deref().unwrap_or("without a name"));
        let _ = writeln!(text, "  {:<10} {name} in {}", word(state), shown_path(&runner.directory));
        let Piece::Variables { before, .. } = piece else { continue };
        for moment in Moment::ALL {
            let before = before.as_deref().unwrap_or_default();
            let other = if *state == State::There { moment.next() } else { moment.variable() };
            if let Some(other) = value(before, other).filter(|other| !other.is_empty()) {
                let also = if *state == State::There { "also runs" } else { "runs" };
                let _ = writeln!(text, "  {:<10} {also} {}", "", shown(other));
            }
        }
    }
    text.trim_end().to_owned()
}

fn word(state: &State) -> &'static str {
    match state {
        State::There => "installed",
        State::Absent => "absent",
        State::Outdated(_) | State::Changed(_) | State::Foreign(_) => "differs",
    }
}

/// What an uninstallation did.
pub(crate) fn undone(hooks: &Hooks, changed: &[PathBuf]) -> String {
    let line = |path: &PathBuf| {
        let verb = if path.ends_with(".env") { "updated" } else { "removed" };
        format!("{verb}  {}", path.display())
    };
    let mut lines: Vec<_> = changed.iter().map(line).collect();
    let stay = hooks
        .scripts
        .iter()
        .filter(|(piece, state)| *state != State::Absent && !changed.iter().any(|path| path == piece.path()));
    lines.extend(stay.map(|(piece, _)| {
        format!(
            "stays    {}: a runner still runs it; hint: `hook uninstall` once more after its restart",
            piece.path().display()
        )
    }));
    if lines.is_empty() {
        lines.push("no hook of this program is installed".to_owned());
    }
    lines.join("\n")
}

/// What people should know besides: what could not be read, and which of `changed` runners have to be restarted.
pub(crate) fn remarks(hooks: &Hooks, is_changed: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut remarks: Vec<_> =
        hooks.troubles.iter().map(|trouble| format!("not read: {}", shown(trouble))).collect();
    let changed = hooks.runners.iter().filter(|hooked| is_changed(hooked.piece.path()));
    remarks.extend(changed.map(|hooked| format!("note: {}", hooked.runner.restart())));
    remarks
}
