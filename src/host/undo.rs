//! Removes what `setup` made and nobody changed since.

use std::path::{Path, PathBuf};

use super::error::Result;
use super::hooks;
use super::mark::{self, Mark};
use super::policy;
use super::record::{RECORD, Record};
use super::setup::{check_user, obey};
use super::system::{Found, Owner, System};
use super::units::UNITS;
use crate::outcome::{HostPiece, HostState};
use crate::plan::HOST_POLICY;
use crate::sys::sha256_hex;

/// What becomes of something that `setup` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// A file or symlink goes.
    Goes(PathBuf),
    /// The policy without the lines that were added.
    Rewritten { path: PathBuf, text: String, mode: u16 },
    /// A runner's variables without the hooks.
    WithoutHooks { path: PathBuf, text: String, mode: u16, owner: Owner },
    /// It stays; why.
    Stays(PathBuf, String),
}

/// What a removal does.
#[derive(Debug)]
pub(crate) struct Removal {
    pub(super) fates: Vec<Fate>,
    /// Directories that go if they are empty then, those below first.
    pub(super) directories: Vec<PathBuf>,
    pub(super) orders: Vec<Vec<String>>,
}

impl Removal {
    /// What becomes of each thing; `left` are the directories that stay, once they are known.
    pub(crate) fn pieces(&self, left: Option<&[PathBuf]>) -> Vec<HostPiece> {
        let gone = if left.is_some() { HostState::Removed } else { HostState::WouldRemove };
        let of_fate = |fate: &Fate| match fate {
            Fate::Goes(path) | Fate::Rewritten { path, .. } | Fate::WithoutHooks { path, .. } => {
                HostPiece { path: path.clone(), state: gone }
            }
            Fate::Stays(path, _) => HostPiece { path: path.clone(), state: HostState::Stays },
        };
        let of_directory = |path: &PathBuf| {
            let stays = left.is_some_and(|left| left.contains(path));
            HostPiece { path: path.clone(), state: if stays { HostState::Stays } else { gone } }
        };
        self.fates.iter().map(of_fate).chain(self.directories.iter().map(of_directory)).collect()
    }

    /// Looks at what `setup` made; `None` where nothing is set up. Nothing is touched.
    pub(crate) fn look(system: &System) -> Result<Option<Self>> {
        let Some(record) = Record::read(system)? else { return Ok(None) };
        let mut fates = Vec::new();
        for (path, target) in &record.links {
            fates.extend(match system.at(path)? {
                Some(Found::Link(to)) if to == *target => Some(Fate::Goes(path.clone())),
                found => stays(path, found),
            });
        }
        for path in record.files.iter().filter(|path| *path != Path::new(RECORD)) {
            fates.extend(match system.at(path)? {
                Some(Found::File { bytes, .. }) if mark::read(&bytes) == Mark::Whole => {
                    Some(Fate::Goes(path.clone()))
                }
                found => stays(path, found),
            });
        }
        for (path, sha256) in &record.archives {
            fates.extend(match system.at(path)? {
                Some(Found::File { bytes, .. }) if sha256_hex(&bytes) == *sha256 => {
                    Some(Fate::Goes(path.clone()))
                }
                found => stays(path, found),
            });
        }
        keep_what_runs(system, &record, &mut fates)?;
        fates.extend(of_policy(system, &record)?);
        // Before the scripts: a runner fails jobs whose hook is missing.
        let variables = record.variables.iter();
        let variables = variables.map(|path| of_variables(system, path)).collect::<Result<Vec<_>>>()?;
        fates.splice(0..0, variables.into_iter().flatten());
        let goes = |path: &Path| fates.contains(&Fate::Goes(path.to_path_buf()));
        let timers =
            record.files.iter().filter(|path| path.extension().is_some_and(|of| of == "timer") && goes(path));
        let timers = timers.filter_map(|path| path.file_name()?.to_str());
        let mut orders: Vec<Vec<String>> =
            timers.map(|timer| ["disable", "--now", timer].map(str::to_owned).into()).collect();
        if record.files.iter().any(|path| path.starts_with(UNITS)) {
            orders.push(vec!["daemon-reload".to_owned()]);
        }
        if !system.is_live() || system.look_into(Path::new("/run/systemd/system")).is_err() {
            orders.clear();
        }
        let mut directories = record.directories;
        directories.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        Ok(Some(Self { fates, directories, orders }))
    }

    /// Removes it, and tells which directories stay since there is something in them.
    pub(crate) fn make(&self, system: &System) -> Result<Vec<PathBuf>> {
        check_user(system, "remove")?;
        let (stop, reload): (Vec<_>, Vec<_>) = self.orders.iter().partition(|order| order[0] == "disable");
        stop.into_iter().try_for_each(|order| obey(order))?;
        for fate in &self.fates {
            match fate {
                // `disable` removed the symlink already.
                Fate::Goes(path) if system.at(path)?.is_none() => {}
                Fate::Goes(path) => system.remove(path)?,
                Fate::Rewritten { path, text, mode } => system.write(path, text.as_bytes(), *mode)?,
                Fate::WithoutHooks { path, text, mode, owner } => {
                    system.write_for(path, text.as_bytes(), *mode, *owner)?;
                }
                Fate::Stays(..) => {}
            }
        }
        // Last of all that another removal would need.
        system.remove(Path::new(RECORD))?;
        let mut left = Vec::new();
        for directory in &self.directories {
            if !system.remove_if_empty(directory)? {
                left.push(directory.clone());
            }
        }
        reload.into_iter().try_for_each(|order| obey(order))?;
        Ok(left)
    }
}

/// What is there and not as it was made; nothing is told of what is gone.
fn stays(path: &Path, found: Option<Found>) -> Option<Fate> {
    let why = match found? {
        Found::File { bytes, .. } if mark::read(&bytes) == Mark::Changed => "somebody changed it since",
        Found::Barred => "a symlink or a file is on the way to it by now",
        _ => "it is somebody else's by now",
    };
    Some(Fate::Stays(path.to_path_buf(), why.to_owned()))
}

/// The scripts of hooks stay while a runner would fail its jobs without them.
fn keep_what_runs(system: &System, record: &Record, fates: &mut [Fate]) -> Result<()> {
    let is_script = |path: &PathBuf| path.starts_with(hooks::DIRECTORY);
    if !system.is_live()
        || !record.files.iter().any(is_script)
        || !hooks::are_needed(system, &record.variables)?
    {
        return Ok(());
    }
    for fate in fates {
        if let Fate::Goes(path) = fate
            && is_script(path)
        {
            let why = "runners still run it; hint: `hook uninstall` after their restart";
            *fate = Fate::Stays(path.clone(), why.to_owned());
        }
    }
    Ok(())
}

/// The variables of a runner without the hooks.
fn of_variables(system: &System, path: &Path) -> Result<Option<Fate>> {
    let Some((before, owner, mode)) = hooks::variables(system, path)? else { return Ok(None) };
    let text = hooks::without(&before);
    let path = path.to_path_buf();
    Ok(match text.as_str() {
        "" => Some(Fate::Goes(path)),
        _ if text == before => None,
        _ => Some(Fate::WithoutHooks { path, text, mode, owner }),
    })
}

fn of_policy(system: &System, record: &Record) -> Result<Vec<Fate>> {
    let path = Path::new(HOST_POLICY);
    if record.policy_lines.is_empty() {
        return Ok(Vec::new());
    }
    let Some(Found::File { bytes, mode, .. }) = system.at(path)? else { return Ok(Vec::new()) };
    let before = String::from_utf8_lossy(&bytes);
    let (text, changed) = policy::without(&before, &record.policy_lines);
    let mut fates = Vec::new();
    if text != before {
        fates.push(Fate::Rewritten { path: path.into(), text, mode });
    }
    if !changed.is_empty() {
        let why = format!("somebody changed what was added: {}", changed.join(", "));
        fates.push(Fate::Stays(path.into(), why));
    }
    Ok(fates)
}
