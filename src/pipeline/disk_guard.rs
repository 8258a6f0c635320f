//! Looks after the disks of the root, the workspace and the temporary directory: the steps of the disk guard.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::job::{Job, chain};
use crate::ledger::Checked;
use crate::outcome::{Code, FullDisk, Large};
use crate::pipeline::{clean_up, record};
use crate::plan::{DiskGuard, Maintenance};
use crate::store::retention::{Reach, Room};
use crate::store::{self, EntryId, Store, shown_key};
use crate::sys::{Space, directory_size, space_at};

/// How long to look for what else takes the disk. Somebody waits for the job.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// What is smaller is not told of.
const LARGE: u64 = 1_000_000;

/// How many large things are told of.
const LARGEST: usize = 10;

/// What a job will need of the workspace's disk, as far as that is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// What jobs of its kind wrote at most, in bytes.
    pub(crate) bytes: u64,
    /// Entries that are likely to serve it: they do not make way for what it may write.
    pub(crate) entries: Vec<EntryId>,
}

/// What lies on a disk that a job fills.
const WORKSPACE: &str = "the workspace";

/// Looks at the disks of the root, the workspace and the temporary directory, and makes room where there is too little.
pub(crate) struct Guard<'g> {
    pub(crate) job: &'g Job,
    /// That of `root`, where it could be opened.
    pub(crate) store: Option<&'g Store>,
    pub(crate) maintenance: &'g Maintenance,
    /// Whose entries the job's own limits reach.
    pub(crate) reach: Option<&'g Reach>,
    pub(crate) root: &'g Path,
}

impl Guard<'_> {
    /// Before a job: what is wrong is a warning, or ends the job, for which this is `false`. Where there is no room for what is
    /// expected, room is made, and a lack of it is told and no more.
    pub(crate) fn before_job(&self, expected: &Expected) -> bool {
        let Self { job, maintenance, .. } = self;
        let mut is_fine = true;
        for (report, is_full) in self.look(expected) {
            is_fine &= !is_full;
            if !is_full {
                job.console.say(report.text());
            } else if maintenance.disk_guard == DiskGuard::Fail {
                job.error(format!("{}\n`disk-guard` is fail", report.text()));
            } else {
                job.warn(Code::DiskFull, report.text());
            }
        }
        is_fine || maintenance.disk_guard != DiskGuard::Fail
    }

    /// After a job, which was told before, and in which nothing can fail any more.
    pub(crate) fn look_and_tell(&self) {
        for (report, _) in self.look(&Expected::default()) {
            self.job.console.say(report.text());
        }
    }

    /// A report of each disk that has too little room all the same, and whether it is full already.
    fn look(&self, expected: &Expected) -> Vec<(FullDisk, bool)> {
        if self.maintenance.disk_guard == DiskGuard::Off {
            return Vec::new();
        }
        let mut reports = Vec::new();
        for disk in self.disks() {
            let nothing = Expected::default();
            let expected = if disk.names.contains(&WORKSPACE) { expected } else { &nothing };
            match self.make_room(&disk, expected) {
                Ok(Some(report)) => {
                    let is_full = self.is_full(report.after);
                    reports.push((report, is_full));
                }
                Ok(None) => {}
                Err(error) => {
                    self.job.warn(Code::DiskUnknown, format!("disk check failed: {}", chain(&error)));
                }
            }
        }
        reports
    }

    fn is_full(&self, space: Space) -> bool {
        !self.maintenance.policy.min_free.shortage(space, Room::default()).is_none()
    }

    fn disks(&self) -> Vec<Disk> {
        let workspace = self.job.directory().ok();
        let places = [
            ("the cache root", Some(self.root)),
            (WORKSPACE, workspace.as_deref()),
            ("RUNNER_TEMP", self.job.context.temporary.as_deref()),
        ];
        let mut disks: Vec<Disk> = Vec::new();
        for (name, path) in places {
            let Some((path, space)) = path.and_then(|path| Some((path, space_at(path).ok()?))) else {
                continue;
            };
            match disks.iter_mut().find(|disk| disk.space.device == space.device) {
                Some(disk) => disk.names.push(name),
                None => disks.push(Disk { names: vec![name], path: path.into(), space }),
            }
        }
        disks
    }

    /// Makes room on one disk. A report where there is too little all the same.
    fn make_room(&self, disk: &Disk, expected: &Expected) -> Result<Option<FullDisk>, store::Error> {
        let Self { job, maintenance, .. } = *self;
        let min_free = maintenance.policy.min_free;
        // A disk that is full is one thing, and one that may become so another.
        let is_full = self.is_full(disk.space);
        let expected_bytes = if is_full { 0 } else { expected.bytes };
        let needed = Room { bytes: expected_bytes, inodes: 0 };
        if min_free.shortage(disk.space, needed).is_none() {
            return Ok(None);
        }
        let store = self.store.filter(|_| disk.path == self.root);
        let cleaned = match store {
            Some(store) => {
                let kept = expected.entries.iter().filter(|_| !is_full);
                let _leases: Vec<_> = kept.filter_map(|entry| store.lease(entry.clone()).ok()).collect();
                let limits = clean_up::limits(job, store, maintenance, self.reach)?;
                clean_up::run(job, store, &limits, needed)?
            }
            None => None,
        };
        let space = space_at(&disk.path)?;
        let mut report = FullDisk {
            names: disk.names.clone(),
            before: disk.space,
            after: space,
            min_free,
            expected: expected_bytes,
            evicted: cleaned.map_or(0, |cleaned| cleaned.evicted),
            largest: Vec::new(),
        };
        if min_free.shortage(space, needed).is_none() {
            job.console.say(report.text());
            record::guarded(job, self.store, Checked::Freed, &report);
            return Ok(None);
        }
        record::guarded(job, self.store, Checked::Short, &report);
        report.largest = largest(job, store)?;
        Ok(Some(report))
    }
}

/// A file system, and what of ours lies on it.
struct Disk {
    names: Vec<&'static str>,
    path: PathBuf,
    space: Space,
}

/// What takes the most: entries, and what lies in the runner's work directory.
fn largest(job: &Job, store: Option<&Store>) -> Result<Vec<Large>, store::Error> {
    let mut largest = Vec::new();
    if let Some(store) = store {
        let known = store.known()?;
        let usage = store.usage(&known)?;
        let entries = known.iter().zip(&usage);
        largest.extend(entries.map(|(entry, usage)| Large {
            what: format!(
                "{} {} of {}",
                entry.header.layer(),
                shown_key(entry.header.layer(), &entry.header.key),
                entry.header.scope.repository
            ),
            bytes: usage.bytes(),
        }));
    }
    largest.sort_by_key(|large| std::cmp::Reverse(large.bytes));
    largest.truncate(LARGEST);
    // `_work/<repository>/<repository>`: beside it lie the other repositories' workspaces.
    if let Some(work) = job.context.workspace.as_deref().and_then(|path| path.ancestors().nth(2)) {
        let sizes = directory_size(work, LOOK_FOR)?.into_iter();
        let mut others: Vec<_> =
            sizes.map(|(path, bytes)| Large { what: path.display().to_string(), bytes }).collect();
        others.sort_by_key(|large| std::cmp::Reverse(large.bytes));
        others.truncate(LARGEST);
        others.retain(|large| large.bytes >= LARGE);
        largest.extend(others);
    }
    Ok(largest)
}
