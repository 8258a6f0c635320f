//! What is known of a host before anything is judged.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::host::hooks::HookState;
use crate::store::retention::{MinFree, Policy};
use crate::store::{Access, Debris, Ownership};
use crate::sys::{Cleaned, Space};

/// What to look at.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The cache directory.
    pub(crate) root: PathBuf,
    /// Who may write to it.
    pub(crate) access: Access,
    /// Directories of runners that are not found by themselves.
    pub(crate) runner_dirs: Vec<PathBuf>,
    /// What a job lets stay.
    pub(crate) limits: Policy,
}

/// All that was found.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) now: Timestamp,
    /// Why the host policy cannot be read.
    pub(super) policy_trouble: Option<String>,
    pub(super) root: Root,
    pub(super) runners: Vec<Runner>,
    /// What of runners could not be read.
    pub(super) unread: Vec<String>,
    /// The disks of the cache directory and the workspaces, that of the cache directory first.
    pub(super) disks: Vec<Disk>,
    /// Programs of this name, and the version of each if it is known.
    pub(super) programs: Vec<Program>,
    pub(super) containers: Containers,
}

/// The cache directory.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    pub(super) state: State,
    pub(super) is_in_memory: bool,
    pub(super) cleaned: Cleaned,
    /// Whether its file system shares what files have in common; nothing where that could not be tried.
    pub(super) has_reflinks: Option<bool>,
}

/// What is there.
#[derive(Debug)]
pub(super) enum State {
    /// No job has saved anything yet.
    Absent,
    /// It is this user's alone, and root looks: it trusts nothing there.
    OfUser(u32),
    /// Jobs get no cache; why.
    Refused(String),
    There(Contents),
}

/// What is in the cache directory.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) entries: usize,
    /// When an entry was saved or of use last, and how many were later than now.
    pub(super) newest: Option<Timestamp>,
    pub(super) of_future: usize,
    pub(super) debris: Debris,
    pub(super) ownership: Ownership,
    /// Hits of the last week that limits cost, by the limit; nothing where that is not known.
    pub(super) lost_hits: Option<BTreeMap<String, u64>>,
    /// What went wrong in processes that outlived jobs, line by line.
    pub(super) troubles: Vec<String>,
}

/// A runner.
#[derive(Debug)]
pub(super) struct Runner {
    /// What people know it by.
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) work: PathBuf,
    pub(super) user: Option<String>,
    /// What is root's in its workspaces, and is not to be.
    pub(super) of_root: OfRoot,
    /// How its hooks stand; nothing where that cannot be read.
    pub(super) hooks: Option<HookState>,
}

/// Files of root's where another user works.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct OfRoot {
    /// How many; a directory counts once.
    pub(super) files: usize,
    /// One of them.
    pub(super) first: Option<PathBuf>,
    /// Whether there were too many files to look at all of them.
    pub(super) is_part: bool,
}

/// A file system.
#[derive(Debug)]
pub(super) struct Disk {
    /// Something that lies on it.
    pub(super) path: PathBuf,
    pub(super) space: Space,
    /// What is to be left free there.
    pub(super) min_free: MinFree,
}

/// A program that jobs, timers or people run.
#[derive(Debug)]
pub(super) struct Program {
    /// Where it is from, for people.
    pub(super) of: String,
    pub(super) version: Option<String>,
}

/// What there is of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Containers {
    /// Nothing starts any.
    None,
    /// Jobs may run in some.
    Engine,
    /// This process is in one, and the cache directory comes from the host or is its own.
    Inside { is_mounted: bool },
}
