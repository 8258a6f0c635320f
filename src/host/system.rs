//! The files of the system that is set up: this host's, or those below a directory. All paths are absolute on that system.
//!
//! What is only read is found as the system itself would find it: a symlink leads to a place below the directory, never out.
//! What is written, made or removed lies behind no symlink at all: somebody else could have laid it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::sys::{Dir, Errno, Error, FileType, Result, Stat, file};

/// Bytes of a file that is read, at most.
const MOST: u64 = 64 << 20;

/// Symlinks to follow, at most.
const LINKS: usize = 8;

/// What is in a directory that nothing was put into.
const OF_FILE_SYSTEM: &[u8] = b"lost+found";

/// What tells a directory of this program's.
const TAG: &[u8] = b"CACHEDIR.TAG";

/// The system.
#[derive(Debug)]
pub(crate) struct System {
    top: Dir,
    is_live: bool,
}

/// Who gets a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// The owner of what is the system's.
pub(super) const ROOT: Owner = Owner { user: 0, group: 0 };

/// A file or symlink that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    File {
        /// Its user and group.
        owner: Owner,
        bytes: Vec<u8>,
        mode: u16,
    },
    Link(PathBuf),
    /// Neither.
    Other,
    /// A symlink or a file stands where a directory on the way to it would be.
    Barred,
}

/// What is at the place of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Absent,
    Directory {
        owner: Owner,
        mode: u16,
    },
    /// A symlink or a file is there, or on the way to it.
    Barred,
}

impl System {
    /// This host, or what is below `destdir`.
    pub(crate) fn open(destdir: Option<&Path>) -> Result<Self> {
        Ok(Self { top: Dir::open(destdir.unwrap_or(Path::new("/")))?, is_live: destdir.is_none() })
    }

    /// Whether it is this host, so that commands act on it.
    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Its `/`, here.
    pub(super) fn top(&self) -> &Path {
        self.top.path()
    }

    /// Opens a directory to look into.
    pub(super) fn look_into(&self, path: &Path) -> Result<Dir> {
        self.top.open_in_root(path)
    }

    /// The names in a directory, in order; none where there is none, or it is not to be read.
    pub(super) fn names(&self, path: &Path) -> Vec<OsString> {
        let mut names = Vec::new();
        if let Ok(dir) = self.look_into(path) {
            // Half a list is as good as it gets.
            let _ = dir.for_each_name(|name| names.push(OsString::from_vec(name.to_vec())));
        }
        names.sort_unstable();
        names
    }

    /// Reads a text, also where symlinks lead to it; `None` where there is none, or they lead in a circle.
    pub(super) fn text(&self, path: &Path) -> Result<Option<String>> {
        let mut path = path.to_path_buf();
        for _ in 0..LINKS {
            let dir = match self.look_into(parent(&path)) {
                Err(error) if is_absent(&error) || is_barred(&error) => return Ok(None),
                dir => dir?,
            };
            let is_link = |stat: Stat| stat.kind == FileType::Symlink;
            if !dir.stat_if_present(name(&path))?.is_some_and(is_link) {
                let bytes = dir.read_file_up_to(name(&path), MOST)?;
                return Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            }
            let target = OsString::from_vec(dir.read_symlink(name(&path))?);
            path = file::normal(&parent(&path).join(target));
        }
        Ok(None)
    }

    /// What is at `path` itself.
    pub(super) fn at(&self, path: &Path) -> Result<Option<Found>> {
        let dir = match self.directory(parent(path)) {
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) if is_barred(&error) => return Ok(Some(Found::Barred)),
            dir => dir?,
        };
        let Some(stat) = dir.stat_if_present(name(path))? else { return Ok(None) };
        Ok(match stat.kind {
            // Owner and contents of one file: whoever has the directory could lay another one in its place.
            FileType::RegularFile => dir.read_file_and_stat(name(path), MOST)?.map(|(bytes, stat)| {
                Found::File { bytes, owner: Owner { user: stat.owner, group: stat.group }, mode: stat.mode }
            }),
            FileType::Symlink => Some(Found::Link(OsString::from_vec(dir.read_symlink(name(path))?).into())),
            _ => Some(Found::Other),
        })
    }

    /// What is at the place of a directory.
    pub(super) fn place(&self, path: &Path) -> Result<Place> {
        match self.directory(path) {
            Err(error) if is_absent(&error) => Ok(Place::Absent),
            Err(error) if is_barred(&error) => Ok(Place::Barred),
            dir => {
                let stat = dir?.stat_self()?;
                Ok(Place::Directory { owner: Owner { user: stat.owner, group: stat.group }, mode: stat.mode })
            }
        }
    }

    /// Whether a file is there, or a symlink to one.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        let stat = self.look_into(parent(path)).and_then(|dir| dir.stat(name(path)));
        stat.is_ok_and(|stat| matches!(stat.kind, FileType::RegularFile | FileType::Symlink))
    }

    /// Whether there is something in a directory, and it is no cache of this program's.
    pub(super) fn holds_other(&self, path: &Path) -> Result<bool> {
        let (dir, mut is_empty, mut is_cache) = (self.directory(path)?, true, false);
        dir.for_each_name(|name| {
            is_empty &= name == OF_FILE_SYSTEM;
            is_cache |= name == TAG;
        })?;
        Ok(!is_empty && !is_cache)
    }

    /// Whether a directory is there that is a cache of this program's.
    pub(super) fn is_cache(&self, path: &Path) -> bool {
        self.look_into(path).is_ok_and(|dir| matches!(dir.stat_if_present(TAG), Ok(Some(_))))
    }

    /// The directories that [`Self::make_directory`] would make for `path`, from the top down.
    pub(super) fn absent(&self, path: &Path) -> Vec<PathBuf> {
        let is_missing = |path: &&Path| self.directory(path).is_err_and(|error| is_absent(&error));
        let mut missing: Vec<_> = path.ancestors().take_while(is_missing).map(Path::to_path_buf).collect();
        missing.reverse();
        missing
    }

    /// Makes a directory. Those above it are their owner's as well, and to be read by all.
    pub(super) fn make_directory(&self, path: &Path, owner: Owner, above: Owner, mode: u16) -> Result<()> {
        for missing in self.absent(path) {
            let is_last = missing == path;
            let parent = self.directory(parent(&missing))?;
            // For nobody else until it has its owner.
            parent.make_dir(name(&missing), 0o700)?;
            let new = parent.open_dir(name(&missing))?;
            let Owner { user, group } = if is_last { owner } else { above };
            let stat = new.stat_self()?;
            // Somebody else could have put one there between the two.
            if stat.owner != rustix::process::geteuid().as_raw() || !new.is_empty()? {
                return Err(Error::new("make directory", &missing, Errno::EXIST));
            }
            if (stat.owner, stat.group) != (user, group) && rustix::process::geteuid().is_root() {
                new.set_own_owner(user, group)?;
            }
            new.set_own_mode(if is_last { mode } else { 0o755 })?;
        }
        Ok(())
    }

    /// Writes a file, whole or not at all, replacing what is there.
    pub(super) fn write(&self, path: &Path, bytes: &[u8], mode: u16) -> Result<()> {
        self.make_directory(parent(path), ROOT, ROOT, 0o755)?;
        self.directory(parent(path))?.write_atomic(name(path), bytes, mode)
    }

    /// Writes a file of somebody's in a directory that is there, whole or not at all, replacing what is there.
    pub(super) fn write_for(&self, path: &Path, bytes: &[u8], mode: u16, owner: Owner) -> Result<()> {
        let dir = self.directory(parent(path))?;
        if rustix::process::geteuid().is_root() {
            dir.write_atomic_for(name(path), bytes, mode, (owner.user, owner.group))
        } else {
            dir.write_atomic(name(path), bytes, mode)
        }
    }

    /// Makes a symlink.
    pub(super) fn link(&self, path: &Path, target: &Path) -> Result<()> {
        self.make_directory(parent(path), ROOT, ROOT, 0o755)?;
        self.directory(parent(path))?.make_symlink(name(path), target.as_os_str().as_bytes())
    }

    /// Removes a file or symlink.
    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        self.directory(parent(path))?.remove_file(name(path))
    }

    /// Removes a directory if it is empty, and tells whether it is gone.
    pub(super) fn remove_if_empty(&self, path: &Path) -> Result<bool> {
        match self.directory(parent(path)).and_then(|above| above.remove_dir(name(path))) {
            // In use as well: a disk is mounted there.
            Err(error) if [Errno::NOTEMPTY, Errno::EXIST, Errno::BUSY].iter().any(|&why| error.is(why)) => {
                Ok(false)
            }
            Err(error) if is_barred(&error) => Ok(false),
            Err(error) if is_absent(&error) => Ok(true),
            removed => removed.map(|()| true),
        }
    }

    fn directory(&self, path: &Path) -> Result<Dir> {
        self.top.open_beneath(path.strip_prefix("/").unwrap_or(path).as_os_str().as_bytes())
    }
}

fn is_absent(error: &Error) -> bool {
    error.is(Errno::NOENT)
}

/// Whether a symlink or a file is in the place of a directory.
fn is_barred(error: &Error) -> bool {
    error.is(Errno::LOOP) || error.is(Errno::NOTDIR)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn name(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_bytes()
}
