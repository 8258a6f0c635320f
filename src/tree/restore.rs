//! Brings a tree to its destination.
//!
//! Where nothing is yet, the tree is placed beside the destination and renamed. Where something is, see
//! [`super::update`]. Either way a failure or an interruption leaves the destination as it was.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::place::{Placement, place};
use super::source::Source;
use super::tally::Tally;
use super::temporary::{Temporary, remove_debris};
use super::update::update;
use super::{Engine, Error, Result};
use crate::sys::{self, CrashPoint, Dir, Errno, file, mounts_below};

/// What becomes of files that the destination has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Existing {
    /// The destination becomes equal to the tree: files that differ are replaced, those that the tree lacks removed.
    Mirror,
    /// Files that differ are replaced, those that the tree lacks stay.
    Overwrite,
    /// Whatever is there stays; only what is absent is added.
    Keep,
}

/// Brings `source` to the folder `destination`, made if absent; a symlink to a folder is followed. Where the tree is only
/// a part of the folder (`is_part`), the folder itself is neither replaced nor given another mode or time.
pub fn restore(
    source: Source<'_>,
    destination: &Path,
    existing: Existing,
    is_part: bool,
    engine: Engine<'_>,
) -> Result<Tally> {
    let destination =
        if file::is_dir(destination) { file::canonicalize(destination)? } else { destination.into() };
    let left_behind = match destination.parent() {
        // A parent that cannot be read is none in which we were at work.
        Some(parent) if !is_part => Dir::open(parent).and_then(|parent| remove_debris(&parent)).unwrap_or(0),
        _ => 0,
    };
    let mut tally = bring(source, &destination, existing, is_part, engine)?;
    tally.left_behind += left_behind;
    Ok(tally)
}

fn bring(
    source: Source<'_>,
    destination: &Path,
    existing: Existing,
    is_part: bool,
    engine: Engine<'_>,
) -> Result<Tally> {
    if file::is_present(destination) && !file::is_dir(destination) {
        return Err(Error::NoFolder { path: destination.into() });
    }
    if !is_part
        && let (Some(parent), Some(name)) = (destination.parent(), destination.file_name())
        && (!file::is_dir(destination) || Dir::open(destination)?.is_empty()?)
    {
        file::make_dirs(parent)?;
        if let Some(tally) = place_beside(source, parent, name.as_bytes(), engine)? {
            return Ok(tally);
        }
    }
    let was_there = file::is_dir(destination);
    file::make_dirs(destination)?;
    fill(source, destination, existing, is_part, engine).inspect_err(|_| {
        if !was_there {
            let _ = file::remove_dir_if_empty(destination);
        }
    })
}

/// Brings the tree into a folder that is there.
fn fill(
    source: Source<'_>,
    destination: &Path,
    existing: Existing,
    is_part: bool,
    engine: Engine<'_>,
) -> Result<Tally> {
    let there = Dir::open(destination)?;
    if existing == Existing::Mirror
        && let Some(mount) = mounts_below(destination)?.pop()
    {
        return Err(Error::MountBelow { path: destination.into(), mount });
    }
    update(source, &there, existing, is_part, engine)
}

/// Why a folder that is absent or empty cannot come to be by a rename: it is held by a mount or by its parent, which is not
/// ours, or another restore was faster.
const HELD_FOLDER: [Errno; 7] =
    [Errno::BUSY, Errno::ACCESS, Errno::PERM, Errno::ROFS, Errno::XDEV, Errno::NOTEMPTY, Errno::EXIST];

/// Makes the tree beside `name` of `parent` and renames it. `None` where it cannot come to be so.
fn place_beside(source: Source<'_>, parent: &Path, name: &[u8], engine: Engine<'_>) -> Result<Option<Tally>> {
    let placed = Dir::open(parent).map_err(Error::from).and_then(|parent| {
        // Something is mounted there: all would be copied for nothing.
        if let Some(there) = parent.stat_if_present(name)?
            && there.device != parent.stat_self()?.device
        {
            return Ok(None);
        }
        place_in(source, &parent, name, engine).map(Some)
    });
    match placed {
        Err(Error::Sys(error)) if HELD_FOLDER.iter().any(|&errno| error.is(errno)) => Ok(None),
        placed => placed,
    }
}

fn place_in(source: Source<'_>, parent: &Dir, name: &[u8], engine: Engine<'_>) -> Result<Tally> {
    let staging = Temporary::make(parent)?;
    let staged = place_and_rename(source, &staging, parent, name, engine);
    let removed = staging.remove(parent);
    let mut tally = staged?;
    // The destination is as it should be, and nothing is a failure any more.
    tally.left_behind += u64::from(removed.is_err());
    Ok(tally)
}

fn place_and_rename(
    source: Source<'_>,
    staging: &Temporary,
    parent: &Dir,
    name: &[u8],
    engine: Engine<'_>,
) -> Result<Tally> {
    // Ext4 chooses the place by the name, so it must be another one each time.
    let placed = staging.name().to_vec();
    let staging = staging.dir();
    staging.spread_folders();
    sys::crash_at(CrashPoint::RestoreStaged);
    let placements = [Placement { node: 0, name: placed.clone() }];
    let tally = place(source, &placements, staging, None, engine)?;
    sys::crash_at(CrashPoint::RestoreFilled);
    staging.rename(&placed, parent, name)?;
    sys::crash_at(CrashPoint::RestoreRenamed);
    let root = source.tree.node(0);
    if root.mode & 0o700 != 0o700 {
        parent.open_dir(name)?.finish_self(Some(root.mode), root.mtime)?;
    }
    Ok(tally)
}
