//! A tree that comes to be by one rename: it is placed beside its destination, where nothing is yet but an empty directory.

use std::path::Path;
use std::time::Duration;

use super::place::{Placement, place};
use super::source::Source;
use super::temporary::Temporary;
use super::transfer_stats::TransferStats;
use super::{Engine, Error, Result};
use crate::sys::{self, CrashPoint, Dir, Errno, Lock, LockMode, Stat, Time};

/// Where an empty directory waits that was in the tree's place.
const FORMER: &[u8] = b"former";

/// How long to wait for another restore's turn: it is a few renames.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a directory that is absent or empty cannot come to be by a rename: it is held by a mount or by its parent, which is not
/// ours, or another restore was faster.
const HELD_DIRECTORY: [Errno; 7] =
    [Errno::BUSY, Errno::ACCESS, Errno::PERM, Errno::ROFS, Errno::XDEV, Errno::NOTEMPTY, Errno::EXIST];

/// A tree beside its destination, or in it.
#[derive(Debug)]
pub(super) struct Beside {
    parent: Dir,
    name: Vec<u8>,
    staging: Temporary,
    /// Its name in the staging.
    placed: Vec<u8>,
    mode: u16,
    mtime: Time,
    former: Former,
    stats: TransferStats,
}

/// What was at the destination before.
#[derive(Debug, Clone, Copy)]
enum Former {
    Nothing,
    /// An empty directory, which lies in the staging.
    Moved,
    /// An empty directory of another user, which could only be replaced.
    Replaced(Stat),
}

impl Beside {
    /// Makes the tree of `source` beside `name` of `parent`. `None` where it cannot come to be by a rename.
    pub(super) fn stage(
        source: Source<'_>,
        parent: &Path,
        name: &[u8],
        engine: Engine<'_>,
    ) -> Result<Option<Self>> {
        let staged = Dir::open(parent).map_err(Error::from).and_then(|parent| {
            // Something is mounted there: all would be copied for nothing.
            if let Some(there) = parent.stat_if_present(name)?
                && there.device != parent.stat_self()?.device
            {
                return Ok(None);
            }
            Self::stage_in(source, parent, name, engine).map(Some)
        });
        match staged {
            Err(error) if is_held(&error) => Ok(None),
            staged => staged,
        }
    }

    fn stage_in(source: Source<'_>, parent: Dir, name: &[u8], engine: Engine<'_>) -> Result<Self> {
        let staging = Temporary::make(&parent)?;
        // Ext4 chooses the place by the name, so it must be another one each time.
        let placed = staging.name().to_vec();
        staging.dir().spread_directories();
        sys::crash_at(CrashPoint::RestoreStaged);
        let placements = [Placement { node: 0, name: placed.clone() }];
        let root = source.tree.node(0);
        match place(source, &placements, staging.dir(), None, engine) {
            Ok(stats) => {
                sys::crash_at(CrashPoint::RestoreFilled);
                let (name, former) = (name.to_vec(), Former::Nothing);
                Ok(Self { parent, name, staging, placed, mode: root.mode, mtime: root.mtime, former, stats })
            }
            Err(error) => {
                // What comes now is not to hide what failed.
                let _ = staging.remove(&parent);
                Err(error)
            }
        }
    }

    /// Puts the tree in its place. `false` where that is held, and all is as it was.
    pub(super) fn commit(&mut self) -> Result<bool> {
        match self.try_commit() {
            Ok(()) => Ok(true),
            Err(error) if is_held(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn try_commit(&mut self) -> Result<()> {
        let _turn = self.turn();
        self.make_way()?;
        let staging = self.staging.dir();
        let renamed = match self.former {
            // A directory replaces an empty one, and no other.
            Former::Replaced(_) => staging.rename(&self.placed, &self.parent, &self.name),
            Former::Nothing | Former::Moved => staging.rename_new(&self.placed, &self.parent, &self.name),
        };
        if let Err(failure) = renamed {
            return Err(match (self.former, self.bring_back_former()) {
                (Former::Moved, Err(source)) => self.not_put_back(failure.into(), source),
                _ => failure.into(),
            });
        }
        sys::crash_at(CrashPoint::RestoreRenamed);
        if self.mode & 0o700 != 0o700
            && let Err(failure) =
                self.parent.open_dir(&self.name).and_then(|dir| dir.finish_self(Some(self.mode), self.mtime))
        {
            return Err(match self.undo() {
                Ok(()) => failure.into(),
                Err(source) => self.not_put_back(failure.into(), source),
            });
        }
        Ok(())
    }

    /// Restores into one directory take turns here: none takes what another one has just put there out of its place. One that
    /// gets no turn goes on without.
    fn turn(&self) -> Option<Lock<Dir>> {
        let open = || self.parent.open_dir(b".");
        Lock::wait_on(open, self.parent.path(), LockMode::Exclusive, PATIENCE).ok().flatten()
    }

    /// Takes an empty directory out of the way, so that it can come back as it was.
    fn make_way(&mut self) -> Result<()> {
        let Some(there) = self.parent.stat_if_present(&self.name)? else { return Ok(()) };
        // One that cannot be read is moved all the same.
        if self.parent.open_dir(&self.name).and_then(|dir| dir.is_empty()).is_ok_and(|is_empty| !is_empty) {
            return Err(self.not_empty().into());
        }
        let staging = self.staging.dir();
        match self.parent.rename_new(&self.name, staging, FORMER) {
            Ok(()) => self.former = Former::Moved,
            Err(error) if error.is(Errno::ACCESS) || error.is(Errno::PERM) => {
                self.former = Former::Replaced(there);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let why_not = match staging.open_dir(FORMER).and_then(|former| former.is_empty()) {
            Ok(true) => return Ok(()),
            Ok(false) => self.not_empty(),
            Err(error) => error,
        };
        match self.bring_back_former() {
            Ok(()) => Err(why_not.into()),
            Err(source) => Err(self.not_put_back(why_not.into(), source)),
        }
    }

    /// As a rename over it would have failed.
    fn not_empty(&self) -> sys::Error {
        sys::Error::new("replace directory", &self.parent.join(&self.name), Errno::NOTEMPTY)
    }

    /// Takes the tree out of its place again.
    pub(super) fn undo(&mut self) -> Result<()> {
        if self.mode & 0o200 == 0 {
            // A directory that its owner may not write to cannot leave its parent.
            self.parent.set_mode(&self.name, self.mode | 0o700)?;
        }
        self.parent.rename_new(&self.name, self.staging.dir(), &self.placed)?;
        if let Former::Replaced(stat) = self.former {
            self.parent.make_dir(&self.name, stat.mode)?;
            self.parent.open_dir(&self.name)?.finish_self(Some(stat.mode), stat.mtime)?;
        }
        self.bring_back_former()
    }

    fn bring_back_former(&mut self) -> Result<()> {
        if let Former::Moved = self.former {
            self.staging.dir().rename_new(FORMER, &self.parent, &self.name)?;
        }
        self.former = Former::Nothing;
        Ok(())
    }

    fn not_put_back(&self, failure: Error, source: Error) -> Error {
        Error::not_put_back(self.parent.join(&self.name), failure, source)
    }

    /// Removes what is beside the destination.
    pub(super) fn abandon(self) {
        // What cannot be removed now, the next restore will find.
        let _ = self.staging.remove(&self.parent);
    }

    /// Ends it: the tree is in its place, and nothing is a failure any more.
    pub(super) fn finish(self) -> TransferStats {
        let mut stats = self.stats;
        stats.left_behind += u64::from(self.staging.remove(&self.parent).is_err());
        stats
    }
}

fn is_held(error: &Error) -> bool {
    matches!(error, Error::Sys(error) if HELD_DIRECTORY.iter().any(|&errno| error.is(errno)))
}
