//! What `setup` makes, one by one, and what of it is there.

use std::path::{Path, PathBuf};

use super::error::Result;
use super::mark::{self, Mark};
use super::system::{Found, Owner, Place, System};
use crate::outcome::{HostPiece, HostState};
use crate::sys::sha256_hex;

/// Permission bits of files.
const FILE: u16 = 0o644;

/// Something that is to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A directory; those above it that are missing belong to `above`.
    Directory { path: PathBuf, owner: Owner, above: Owner, mode: u16 },
    /// A file with its mark.
    File { path: PathBuf, text: String, is_page: bool },
    /// The policy, in which others write as well.
    Policy { path: PathBuf, before: Option<String>, after: String, added: Vec<String> },
    /// A runner's `.env`, in which others write as well.
    Variables { path: PathBuf, before: Option<String>, after: String, owner: Owner, mode: u16 },
    /// A symlink.
    Link { path: PathBuf, target: PathBuf },
    /// An archive; its bytes where it is to be written.
    Archive { path: PathBuf, sha256: String, bytes: Option<Vec<u8>> },
}

/// What is there of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    There,
    Absent,
    /// It is as `setup` wrote it, but not as it would now; its text.
    Outdated(String),
    /// Somebody changed it since; its text.
    Changed(String),
    /// It is of somebody else, or would not do; what it is.
    Foreign(String),
}

/// What becomes of the pieces that are to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Making {
    /// Nothing: only what is there is looked at.
    Look,
    /// They would be made.
    Dry,
    /// They were made.
    Real,
}

impl Making {
    /// Those of a command that only shows them, or makes them.
    pub(crate) fn of(is_dry: bool) -> Self {
        if is_dry { Self::Dry } else { Self::Real }
    }
}

impl Piece {
    /// How it is told, of what was there of it before.
    pub(super) fn shown(&self, state: &State, making: Making) -> HostPiece {
        let state = match (making, state) {
            (Making::Dry, _) if self.is_to_make(state) => HostState::WouldWrite,
            (Making::Real, _) if self.is_to_make(state) => HostState::Written,
            (_, State::There) => HostState::There,
            (_, State::Absent) => HostState::Absent,
            (_, State::Outdated(_) | State::Changed(_) | State::Foreign(_)) => HostState::Differs,
        };
        HostPiece { path: self.path().into(), state }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Directory { path, .. }
            | Self::File { path, .. }
            | Self::Policy { path, .. }
            | Self::Variables { path, .. }
            | Self::Link { path, .. }
            | Self::Archive { path, .. } => path,
        }
    }

    /// Looks for it.
    pub(super) fn state(&self, system: &System) -> Result<State> {
        Ok(match self {
            Self::Directory { path, owner, mode, .. } => match system.place(path)? {
                Place::Absent => State::Absent,
                Place::Barred => State::Foreign(
                    "a symlink or file, or behind one; hint: `--root` names the directory itself".to_owned(),
                ),
                Place::Directory { .. } if system.holds_other(path)? => State::Foreign(
                    "a directory with other files in it; hint: name another in `--root`".to_owned(),
                ),
                Place::Directory { owner: of, mode: is } => {
                    unfit(*owner, *mode, of, is).map_or(State::There, State::Foreign)
                }
            },
            Self::File { path, text, .. } => match system.at(path)? {
                None => State::Absent,
                Some(Found::File { bytes, .. }) if bytes == text.as_bytes() => State::There,
                Some(Found::File { bytes, .. }) => {
                    let now = String::from_utf8_lossy(&bytes).into_owned();
                    match mark::read(&bytes) {
                        Mark::Whole => State::Outdated(now),
                        Mark::Changed => State::Changed(now),
                        Mark::None => State::Foreign("a file that `host setup` did not write".to_owned()),
                    }
                }
                Some(Found::Barred) => barred(),
                Some(_) => State::Foreign("no file".to_owned()),
            },
            Self::Policy { path, before: None, .. } | Self::Variables { path, before: None, .. } => {
                match system.at(path)? {
                    None => State::Absent,
                    Some(Found::Barred) => barred(),
                    Some(_) => State::Foreign("a symlink that leads to no file".to_owned()),
                }
            }
            Self::Policy { before: Some(before), after, .. }
            | Self::Variables { before: Some(before), after, .. }
                if before == after =>
            {
                State::There
            }
            Self::Policy { path, before: Some(before), .. }
            | Self::Variables { path, before: Some(before), .. } => match system.at(path)? {
                Some(Found::File { .. }) => State::Outdated(before.clone()),
                _ => State::Foreign(
                    "a symlink; nothing is added to it; hint: move the file itself there".to_owned(),
                ),
            },
            Self::Link { path, target } => match system.at(path)? {
                None => State::Absent,
                Some(Found::Link(to)) if to == *target => State::There,
                Some(Found::Barred) => barred(),
                Some(_) => State::Foreign(format!("no symlink to {}", target.display())),
            },
            Self::Archive { path, sha256, .. } => match system.at(path)? {
                None => State::Absent,
                Some(Found::File { bytes, .. }) if sha256_hex(&bytes) == *sha256 => State::There,
                Some(Found::Barred) => barred(),
                Some(_) => State::Foreign("another archive".to_owned()),
            },
        })
    }

    /// Makes it, where it is absent or outdated.
    pub(super) fn make(&self, system: &System) -> Result<()> {
        match self {
            Self::Directory { path, owner, above, mode } => {
                system.make_directory(path, *owner, *above, *mode)?;
            }
            Self::File { path, text, .. } => system.write(path, text.as_bytes(), FILE)?,
            Self::Policy { path, after, .. } => {
                let mode = match system.at(path)? {
                    Some(Found::File { mode, .. }) => mode,
                    _ => FILE,
                };
                system.write(path, after.as_bytes(), mode)?;
            }
            Self::Variables { path, after, owner, mode, .. } => {
                system.write_for(path, after.as_bytes(), *mode, *owner)?;
            }
            Self::Link { path, target } => system.link(path, target)?,
            Self::Archive { path, bytes, .. } => {
                system.write(path, bytes.as_deref().unwrap_or_default(), FILE)?;
            }
        }
        Ok(())
    }

    /// Whether it can be made: the bytes of an archive are not kept.
    pub(super) fn is_to_make(&self, state: &State) -> bool {
        let is_possible = !matches!(self, Self::Archive { bytes: None, .. });
        is_possible && matches!(state, State::Absent | State::Outdated(_))
    }
}

/// What is behind a symlink is somebody else's.
fn barred() -> State {
    State::Foreign("behind a symlink or a file where a directory would be".to_owned())
}

/// Why a directory of `of` with the mode `is` does not do for `owner` and `mode`, as the program's own check has it.
fn unfit(owner: Owner, mode: u16, of: Owner, is: u16) -> Option<String> {
    let is_shared = mode & 0o020 != 0;
    let chown = |what: &str| format!("a directory of {what}; hint: remove it, or name another in `--root`");
    if is & 0o002 != 0 {
        Some(format!("a directory that everybody can write to (mode {is:o}); hint: `chmod {mode:o}`"))
    } else if is_shared && of.group != owner.group {
        Some(chown(&format!("the group {}", of.group)))
    } else if is_shared && is & 0o2070 != 0o2070 {
        Some(format!("a directory that its group cannot share (mode {is:o}); hint: `chmod {mode:o}`"))
    } else if !is_shared && of.user != owner.user {
        Some(chown(&format!("the user {}", of.user)))
    } else if !is_shared && is & 0o020 != 0 {
        Some(format!("a directory that its group can write to (mode {is:o}); hint: `chmod {mode:o}`"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_jobs_would_refuse_is_refused() {
        let owner = |user, group| Owner { user, group };
        for (mode, of, is, told) in [
            (0o700, owner(1, 1), 0o755, None),
            (0o700, owner(2, 1), 0o700, Some("the user 2; hint: remove it")),
            (0o700, owner(1, 1), 0o775, Some("hint: `chmod 700`")),
            (0o700, owner(1, 1), 0o707, Some("everybody can write")),
            (0o2770, owner(0, 1), 0o2770, None),
            (0o2770, owner(0, 2), 0o2770, Some("the group 2")),
            (0o2770, owner(0, 1), 0o770, Some("hint: `chmod 2770`")),
        ] {
            let why = unfit(owner(1, 1), mode, of, is);
            assert_eq!(why.is_some(), told.is_some(), "{why:?}");
            assert!(why.unwrap_or_default().contains(told.unwrap_or_default()), "{told:?}");
        }
    }
}
