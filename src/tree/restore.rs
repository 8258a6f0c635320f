//! Brings a tree to its destination.
//!
//! Where nothing is yet, the tree is placed beside the destination and renamed. Where something is, see
//! [`super::update`]. Either way a failure or an interruption leaves the destination as it was.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::place::{Placement, Source, Tally, place};
use super::update::update;
use super::{Engine, Error, Result, TEMPORARY_PREFIX};
use crate::sys::{Dir, Errno, file, mounts_below};

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
    if !file::is_dir(destination) {
        if let (Some(parent), Some(name), false) = (destination.parent(), destination.file_name(), is_part) {
            file::make_dirs(parent)?;
            return place_beside(source, &Dir::open(parent)?, name.as_bytes(), engine);
        }
        file::make_dirs(destination)?;
    }
    let destination = file::canonicalize(destination)?;
    let there = Dir::open(&destination)?;
    // An empty folder can be replaced by a rename, unless something is mounted on it or its parent is not ours.
    if !is_part
        && let (Some(parent), Some(name)) = (destination.parent(), destination.file_name())
        && is_empty(&there)?
    {
        match place_beside(source, &Dir::open(parent)?, name.as_bytes(), engine) {
            Err(Error::Sys(error)) if HELD_FOLDER.iter().any(|&errno| error.is(errno)) => {}
            placed => return placed,
        }
    }
    if existing == Existing::Mirror
        && let Some(mount) = mounts_below(&destination)?.pop()
    {
        return Err(Error::MountBelow { path: destination, mount });
    }
    update(source, &there, existing, is_part, engine)
}

/// Why an empty folder cannot be replaced by a rename.
const HELD_FOLDER: [Errno; 5] = [Errno::BUSY, Errno::ACCESS, Errno::PERM, Errno::ROFS, Errno::XDEV];

fn place_beside(source: Source<'_>, parent: &Dir, name: &[u8], engine: Engine<'_>) -> Result<Tally> {
    let staging = file::make_unique_dir(parent.path(), TEMPORARY_PREFIX)?;
    let staged = place_and_rename(source, &staging, parent, name, engine);
    let removed = parent.remove_all(staging.file_name().unwrap_or_default().as_bytes());
    let tally = staged?;
    removed?;
    Ok(tally)
}

fn place_and_rename(
    source: Source<'_>,
    staging: &Path,
    parent: &Dir,
    name: &[u8],
    engine: Engine<'_>,
) -> Result<Tally> {
    // Ext4 chooses the place by the name, so it must be another one each time.
    let placed = staging.file_name().unwrap_or_default().as_bytes().to_vec();
    let staging = Dir::open(staging)?;
    staging.spread_folders();
    let placements = [Placement { node: 0, name: placed.clone() }];
    let tally = place(source, &placements, &staging, None, engine)?;
    staging.rename(&placed, parent, name)?;
    Ok(tally)
}

fn is_empty(dir: &Dir) -> Result<bool> {
    let mut empty = true;
    dir.for_each_name(|_| empty = false)?;
    Ok(empty)
}
