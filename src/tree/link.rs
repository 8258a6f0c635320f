//! How a file gets from one place to another: shared extents, a further name, or a copy.
//!
//! What a file system cannot do is found out at the first file that needs it and remembered for the run (uv's rule,
//! `uv-fs/src/link.rs`). The same error on a later file is that file's alone, and it is copied: a real fault shows then.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

use super::{Error, Result};
use crate::sys::{self, Dir, Errno, FileType, Stat, Time};

/// What the user wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LinkMode {
    /// Hard-link what tools replace rather than rewrite: a name costs less than a file. Of the rest share the extents where
    /// the file system can, else copy.
    #[default]
    Auto,
    /// Share extents (btrfs, xfs, bcachefs, zfs); copy where the file system cannot.
    Reflink,
    /// Hard-link what tools replace rather than rewrite; copy the rest.
    Hardlink,
    /// Copy everything.
    Copy,
}

impl fmt::Display for LinkMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Reflink => "reflink",
            Self::Hardlink => "hardlink",
            Self::Copy => "copy",
        })
    }
}

/// What was done with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    Reflink,
    Hardlink,
    Copy,
}

/// Transfers files by the fastest way that is allowed and possible here.
#[derive(Debug)]
pub struct Linker {
    wanted: LinkMode,
    reflink: Ability,
    hardlink: Ability,
}

/// Why a faster way could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The file system cannot share extents, which were wished for.
    NoReflink,
    /// The file system has no hard links, which were wished for.
    NoHardlink,
    /// Source and target are on different file systems, which can share nothing.
    OtherFileSystem,
}

/// Whether the file systems at hand can do a thing.
#[derive(Debug, Default)]
struct Ability(AtomicU8);

impl Ability {
    const UNTRIED: u8 = 0;
    const YES: u8 = 1;
    const NO: u8 = 2;
    const NO_ACROSS: u8 = 3;

    fn is_out(&self) -> bool {
        matches!(self.0.load(Ordering::Relaxed), Self::NO | Self::NO_ACROSS)
    }

    fn confirm(&self) {
        self.0.store(Self::YES, Ordering::Relaxed);
    }

    /// Rules the way out because of `errno`, unless it did work before: then it is one file's fault, which may lie on what
    /// is mounted below.
    fn rule_out(&self, errno: Errno) {
        let no = if errno == Errno::XDEV { Self::NO_ACROSS } else { Self::NO };
        let _ = self.0.compare_exchange(Self::UNTRIED, no, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// What is in the way; `unable` where it is the file system itself and that is worth a word.
    fn obstacle(&self, unable: Option<Obstacle>) -> Option<Obstacle> {
        match self.0.load(Ordering::Relaxed) {
            Self::NO => unable,
            Self::NO_ACROSS => Some(Obstacle::OtherFileSystem),
            _ => None,
        }
    }
}

/// What a file gets besides its contents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metadata {
    pub(super) mode: u16,
    /// Whether a file that is made with this mode has it.
    pub(super) is_mode_kept: bool,
    pub(super) mtime: Time,
}

/// One file to transfer.
pub(super) struct File<'a> {
    pub(super) from: &'a Dir,
    pub(super) name: &'a [u8],
    pub(super) size: u64,
    pub(super) metadata: Metadata,
    /// Whether whatever uses the file replaces it instead of writing into it, so that it may share an inode.
    pub(super) linkable: bool,
    /// Whether others may write into it meanwhile.
    pub(super) is_live: bool,
}

impl Linker {
    /// A linker for one pair of file systems.
    pub fn new(wanted: LinkMode) -> Self {
        Self { wanted, reflink: Ability::default(), hardlink: Ability::default() }
    }

    /// Whether files may share their inode, as far as is known.
    pub(super) fn may_hardlink(&self) -> bool {
        matches!(self.wanted, LinkMode::Auto | LinkMode::Hardlink) && !self.hardlink.is_out()
    }

    /// Whether files may share their extents, as far as is known.
    pub(super) fn may_reflink(&self) -> bool {
        matches!(self.wanted, LinkMode::Auto | LinkMode::Reflink) && !self.reflink.is_out()
    }

    /// Why files were copied that could have been transferred faster elsewhere. What `auto` tries and a file system cannot is
    /// as it should be.
    pub(super) fn obstacle(&self) -> Option<Obstacle> {
        let wished = |mode, unable| (self.wanted == mode).then_some(unable);
        let no_reflink = self.reflink.obstacle(wished(LinkMode::Reflink, Obstacle::NoReflink));
        no_reflink.max(self.hardlink.obstacle(wished(LinkMode::Hardlink, Obstacle::NoHardlink)))
    }

    /// Makes `file` anew as `to_name` in `to`, with its mode and time. The source must be as recorded.
    pub(super) fn transfer(&self, file: &File<'_>, to: &Dir, to_name: &[u8]) -> Result<Used> {
        let (reflink, hardlink) = (self.may_reflink(), self.may_hardlink());
        if hardlink && file.linkable && self.try_hardlink(file, to, to_name)? {
            return Ok(Used::Hardlink);
        }
        let (source, stat) = file.from.open_file(file.name)?;
        file.check(&stat)?;
        let target = file.metadata.create(to, to_name)?;
        let used = if reflink && file.size > 0 && self.try_reflink(file, &source, &target, to, to_name)? {
            Used::Reflink
        } else {
            file.copy(&source, &target, to, to_name, stat.is_sparse)?;
            Used::Copy
        };
        if file.is_live {
            file.check(&file.from.stat_open(&source, file.name)?)?;
        }
        sys::copy_user_attributes(&source, &target).map_err(|errno| file.failed(to, to_name, errno))?;
        file.metadata.finish(&target, to, to_name)?;
        Ok(used)
    }

    fn try_reflink(
        &self,
        file: &File<'_>,
        source: &OwnedFd,
        target: &OwnedFd,
        to: &Dir,
        name: &[u8],
    ) -> Result<bool> {
        const UNABLE: [Errno; 6] =
            [Errno::OPNOTSUPP, Errno::XDEV, Errno::INVAL, Errno::NOTTY, Errno::NOSYS, Errno::PERM];
        match sys::clone_contents(source, target) {
            Ok(()) => {
                self.reflink.confirm();
                Ok(true)
            }
            Err(errno) if UNABLE.contains(&errno) => {
                self.reflink.rule_out(errno);
                Ok(false)
            }
            Err(errno) => Err(file.failed(to, name, errno)),
        }
    }

    /// `false`: this file is to be copied.
    fn try_hardlink(&self, file: &File<'_>, to: &Dir, to_name: &[u8]) -> Result<bool> {
        match file.from.link(file.name, to, to_name) {
            Ok(()) => {
                self.hardlink.confirm();
                let stat = to.stat(to_name)?;
                file.check(&stat)?;
                if stat.mode == file.metadata.mode {
                    return Ok(true);
                }
                // Some job changed the mode of its name, and so of all: this one gets its own again.
                to.remove_file(to_name)?;
                Ok(false)
            }
            // Too many names of one file (65,000 on ext4), or somebody else's file: this one only.
            Err(error) if error.is(Errno::MLINK) || error.is(Errno::PERM) || error.is(Errno::ACCESS) => {
                Ok(false)
            }
            Err(error) => match [Errno::XDEV, Errno::OPNOTSUPP].into_iter().find(|&errno| error.is(errno)) {
                Some(errno) => {
                    self.hardlink.rule_out(errno);
                    Ok(false)
                }
                None => Err(error.into()),
            },
        }
    }
}

impl Metadata {
    /// Makes `to_name` in `to`, which is not there yet, of `contents`.
    pub(super) fn make(&self, contents: &[u8], to: &Dir, to_name: &[u8]) -> Result<Used> {
        self.write(&self.create(to, to_name)?, contents, to, to_name)
    }

    /// Makes `to_name` in `to`, which is not there yet, without what it is to hold.
    pub(super) fn make_empty(&self, to: &Dir, to_name: &[u8]) -> Result<()> {
        Ok(to.make_file(to_name, self.mode | 0o200)?)
    }

    /// Gives `to_name` in `to`, which was made empty, its `contents`.
    pub(super) fn fill(&self, contents: &[u8], to: &Dir, to_name: &[u8]) -> Result<Used> {
        self.write(&to.open_for_writing(to_name)?, contents, to, to_name)
    }

    fn write(&self, target: &OwnedFd, contents: &[u8], to: &Dir, to_name: &[u8]) -> Result<Used> {
        sys::write_all(target, contents)
            .map_err(|errno| sys::Error::new("write", &to.join(to_name), errno))?;
        self.finish(target, to, to_name)?;
        Ok(Used::Copy)
    }

    /// Attributes are only set where the mode allows to write.
    fn create(&self, to: &Dir, to_name: &[u8]) -> Result<OwnedFd> {
        Ok(to.create_file(to_name, self.mode | 0o200)?)
    }

    fn finish(&self, target: &OwnedFd, to: &Dir, to_name: &[u8]) -> Result<()> {
        let is_kept = self.is_mode_kept && self.mode & 0o200 != 0;
        Ok(to.finish_file(target, to_name, (!is_kept).then_some(self.mode), self.mtime)?)
    }
}

impl File<'_> {
    fn check(&self, stat: &Stat) -> Result<()> {
        let what = if stat.kind != FileType::RegularFile {
            "not a regular file".to_owned()
        } else if stat.size != self.size {
            format!("{} bytes instead of {}", stat.size, self.size)
        } else if stat.mtime != self.metadata.mtime {
            "modification time differs".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::Changed { path: self.from.join(self.name), what })
    }

    fn copy(
        &self,
        source: &OwnedFd,
        target: &OwnedFd,
        to: &Dir,
        to_name: &[u8],
        is_sparse: bool,
    ) -> Result<()> {
        let copied = sys::copy_contents(source, target, self.size, is_sparse)
            .map_err(|errno| self.failed(to, to_name, errno))?;
        if copied == self.size {
            return Ok(());
        }
        let what = format!("{copied} bytes instead of {}", self.size);
        Err(Error::Changed { path: self.from.join(self.name), what })
    }

    fn failed(&self, to: &Dir, to_name: &[u8], errno: Errno) -> Error {
        Error::Copy { from: self.from.join(self.name), to: to.join(to_name), source: errno.into() }
    }
}
