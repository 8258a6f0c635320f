//! What `host` says: differences, lists, what is left to people.

use std::fmt::Write as _;
use std::path::Path;

use super::pages::SHARE;
use super::piece::{Piece, State};
use super::runners::Runner;
use super::setup::Setup;
use super::shown::{shown, shown_path};
use super::undo::{Fate, Removal};
use crate::report::difference;

/// What a setup would do: differences of files, directories, orders.
pub(crate) fn preview(setup: &Setup) -> String {
    let mut text = String::new();
    let mut pages = 0;
    for (piece, state) in setup.to_make() {
        let now = if let State::Outdated(now) = state { Some(now.as_str()) } else { None };
        match piece {
            Piece::Directory { path, owner, mode, .. } => {
                let (user, group) = (owner.user, owner.group);
                let _ =
                    writeln!(text, "+ directory {} (mode {mode:o}, owner {user}:{group})", path.display());
            }
            // Thousands of lines, made from the help texts.
            Piece::File { is_page: true, .. } => pages += 1,
            Piece::File { path, text: new, .. }
            | Piece::Policy { path, after: new, .. }
            | Piece::Variables { path, after: new, .. } => {
                text.push_str(&changed(path, now, new));
            }
            Piece::Link { path, target } => {
                let _ = writeln!(text, "+ symlink {} to {}", path.display(), target.display());
            }
            Piece::Archive { path, bytes, .. } => {
                let size = bytes.as_ref().map_or(0, Vec::len);
                let _ = writeln!(text, "+ archive {} ({size} bytes)", path.display());
            }
        }
    }
    if pages > 0 {
        let _ =
            writeln!(text, "+ {pages} files of shell completions and manual pages below /usr/local/share");
    }
    for order in &setup.orders {
        let _ = writeln!(text, "$ systemctl {}", order.join(" "));
    }
    text.trim_end().to_owned()
}

/// Whether a piece is one of the many that are not told one by one.
fn is_page(piece: &Piece) -> bool {
    matches!(piece, Piece::File { is_page: true, .. })
}

fn told_pages(number: usize) -> String {
    format!("{number} files of shell completions and manual pages below {SHARE}")
}

/// A file as it is and as it is to be.
fn changed(path: &Path, now: Option<&str>, new: &str) -> String {
    let name = path.display().to_string();
    difference(if now.is_some() { &name } else { "/dev/null" }, now.unwrap_or_default(), &name, new)
}

/// What a setup did.
pub(crate) fn outcome(setup: &Setup) -> String {
    let mut text = String::new();
    let mut pages = 0;
    for (piece, state) in setup.to_make() {
        if is_page(piece) {
            pages += 1;
            continue;
        }
        let verb = if *state == State::Absent { "made" } else { "updated" };
        let _ = writeln!(text, "{verb}  {}", piece.path().display());
    }
    if pages > 0 {
        let _ = writeln!(
            text,
            "made  {pages} files of shell completions and manual pages below /usr/local/share"
        );
    }
    for order in &setup.orders {
        let _ = writeln!(text, "ran  systemctl {}", order.join(" "));
    }
    text.trim_end().to_owned()
}

/// What people should know besides: where the cache is, what nobody could read, what only they can do.
pub(crate) fn remarks(setup: &Setup) -> Vec<String> {
    let mut remarks: Vec<_> = setup.plan.roots.iter().map(|root| format!("cache: {root}")).collect();
    remarks.extend(setup.troubles.iter().map(|trouble| format!("not read: {trouble}")));
    for (piece, state) in &setup.states {
        let path = piece.path().display();
        if *state == State::Absent && !piece.is_to_make(state) {
            remarks.push(format!("absent: {path}; hint: `--action-archive` brings it back"));
        }
        if matches!(state, State::Changed(_)) {
            remarks.push(format!("kept: {path} was changed; hint: remove it, then run `host setup` again"));
        }
    }
    remarks.extend(setup.plan.notes.iter().map(|note| format!("note: {note}")));
    remarks
}

/// The runners and all pieces.
pub(crate) fn status(setup: &Setup) -> String {
    let mut text = String::from("runners\n");
    if setup.runners.is_empty() {
        text.push_str("  none\n");
    }
    for Runner { directory, name, url, version, user, unit, .. } in &setup.runners {
        let or = |text: &Option<String>, else_: &str| shown(text.as_deref().unwrap_or(else_));
        let _ = writeln!(
            text,
            "  {} of {}: user {}, version {}, {}, {}",
            or(name, "without a name"),
            or(url, "no repository yet"),
            or(user, "unknown"),
            or(version, "unknown"),
            shown_path(directory),
            or(unit, "no service"),
        );
    }
    text.push_str("setup\n");
    let (mut differences, mut pages) = (String::new(), 0);
    for (piece, state) in &setup.states {
        let (word, now, what) = match state {
            State::There if is_page(piece) => {
                pages += 1;
                continue;
            }
            State::There => ("there", None, String::new()),
            State::Absent => ("absent", None, String::new()),
            State::Outdated(now) => ("differs", Some(now), ", of another setup or version".to_owned()),
            State::Changed(now) => ("differs", Some(now), ", changed by somebody".to_owned()),
            State::Foreign(what) => ("differs", None, format!(", is {what}")),
        };
        let _ = writeln!(text, "  {word:<8}{}{what}", piece.path().display());
        if let (
            Some(now),
            Piece::File { text: new, .. }
            | Piece::Policy { after: new, .. }
            | Piece::Variables { after: new, .. },
        ) = (now, piece)
        {
            differences.push_str(&changed(piece.path(), Some(now), new));
        }
    }
    if pages > 0 {
        let _ = writeln!(text, "  there   {}", told_pages(pages));
    }
    text.push_str(&differences);
    text.trim_end().to_owned()
}

/// What a removal does or did; `left` are the directories that stay, once they are known.
pub(crate) fn removal(removal: &Removal, left: Option<&[std::path::PathBuf]>) -> String {
    let mut text = String::new();
    let verb = if left.is_some() { "removed" } else { "would go" };
    let is_page = |fate: &&Fate| matches!(fate, Fate::Goes(path) if path.starts_with(SHARE));
    let pages = removal.fates.iter().filter(is_page).count();
    if pages > 0 {
        let _ = writeln!(text, "{verb}  {}", told_pages(pages));
    }
    for fate in removal.fates.iter().filter(|fate| !is_page(fate)) {
        let _ = match fate {
            Fate::Goes(path) => writeln!(text, "{verb}  {}", path.display()),
            Fate::Rewritten { path, .. } | Fate::WithoutHooks { path, .. } => {
                writeln!(text, "{verb}  the added lines in {}", path.display())
            }
            Fate::Stays(path, why) => writeln!(text, "stays  {}: {why}", path.display()),
        };
    }
    for directory in &removal.directories {
        let path = directory.display();
        let _ = match left {
            Some(left) if left.contains(directory) => {
                writeln!(text, "stays  {path}: it is not empty, in use, or no directory any more")
            }
            Some(_) => writeln!(text, "removed  {path}"),
            None => writeln!(text, "would go  {path}, if it is empty then"),
        };
    }
    for order in &removal.orders {
        let _ = writeln!(
            text,
            "{}  systemctl {}",
            if left.is_some() { "ran" } else { "would run" },
            order.join(" ")
        );
    }
    text.trim_end().to_owned()
}
