//! What processes are at: each keeps a record below the root while it works, for whoever looks on.
//!
//! A record is a line of JSON in `working/<random>`, which its process holds locked. A record that nobody holds is of a process
//! that was killed: it is shown to nobody, and the next sweep removes it. Whoever reads takes the lock shared for a moment,
//! which disturbs no writer: it has its lock from before the record has its name. Nobody waits for the disk, and nothing
//! depends on a record: a process that cannot keep one works without.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::area::Area;
use super::marks::CLEAN_LOCK;
use super::{Access, Layer, Result, Store};
use crate::sys::{self, Dir, Errno, FileId, FileType, Lock, LockMode, file};

/// Bytes of a record, at most. What is longer was not written by us.
const LONGEST: u64 = 16 << 10;

/// Letters of a name in it, at most.
const LONGEST_NAME: usize = 200;

/// How often a record is read anew that was read while it was written.
const TRIES: usize = 3;

/// What a process is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Working {
    /// The process, as it sees itself: in a container it has another number there.
    pub pid: u32,
    /// What it does.
    pub activity: Activity,
    /// Since when.
    pub since: Timestamp,
    /// The runner's name.
    pub runner: Option<String>,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The job's id in its workflow.
    pub job: Option<String>,
    /// Number of the run.
    pub run: Option<String>,
    /// How far it is.
    #[serde(default)]
    pub step: Step,
    /// Which locks it holds.
    #[serde(default)]
    pub holds: Vec<WorkLock>,
    /// Which lock it waits for.
    #[serde(default)]
    pub waits: Option<Wait>,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// It restores.
    Restore,
    /// It saves.
    Save,
    /// It does what is left to do after a save for which nobody waits.
    AfterSave,
    /// It cleans up, for no save.
    Clean,
    /// It writes entries out to the disk.
    Flush,
}

impl Activity {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Save => "save",
            Self::AfterSave => "after save",
            Self::Clean => "clean-up",
            Self::Flush => "flush",
        }
    }
}

/// How far a process is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The layer that it is at.
    pub layer: Option<Layer>,
    /// What `list` shows of its key.
    pub key: Option<String>,
    /// What it does with it.
    pub phase: WorkPhase,
    /// What has been moved, where files are.
    pub moved: Option<MovedSoFar>,
}

/// What is done with a layer, or in a clean-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkPhase {
    /// It begins.
    #[default]
    Begin,
    /// An entry is chosen.
    LookUp,
    /// What is there is read and compared.
    Read,
    /// Files are placed.
    Files,
    /// Units are added to the pool.
    Pool,
    /// Leftovers are removed.
    Sweep,
    /// It is decided what goes, and that goes.
    Evict,
    /// All is written to the disk.
    Flush,
}

impl WorkPhase {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Begin => "begins",
            Self::LookUp => "looks up",
            Self::Read => "reads",
            Self::Files => "files",
            Self::Pool => "unit pool",
            Self::Sweep => "sweeps",
            Self::Evict => "evicts",
            Self::Flush => "flushes",
        }
    }
}

/// How much of a transfer is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedSoFar {
    /// Files that are done.
    pub files: u64,
    /// Files there are in all.
    pub of_files: u64,
    /// Bytes that are done.
    pub bytes: u64,
}

/// A lock for which processes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkLock {
    /// Of whoever cleans up.
    CleanUp,
    /// Of whoever flushes.
    Flush,
    /// Cargo's, of its downloads or its installed tools.
    Cargo,
}

impl WorkLock {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::CleanUp => "clean-up",
            Self::Flush => "flush",
            Self::Cargo => "cargo",
        }
    }
}

/// A process waits for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Which.
    pub lock: WorkLock,
    /// Its file, where that is known: the kernel tells who has it.
    pub file: Option<FileId>,
    /// Since when.
    pub since: Timestamp,
}

impl Working {
    /// What people may see of it: names as long as names are, and no letter that moves a cursor.
    fn shown(mut self) -> Self {
        let Self { runner, repository, job, run, step, .. } = &mut self;
        for text in [runner, repository, job, run, &mut step.key].into_iter().flatten() {
            let letters = text.chars().take(LONGEST_NAME);
            *text = letters.map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
        }
        self
    }
}

/// The record of this process, which goes with it.
#[derive(Debug)]
pub struct Record {
    directory: Dir,
    name: Vec<u8>,
    lock: Lock<File>,
    /// How long it was at most: what is shorter has blanks behind it.
    length: usize,
}

impl Record {
    /// Tells how far this process is now, by one call.
    pub fn write(&mut self, working: &Working) -> Result<()> {
        let mut line = serde_json::to_vec(working).unwrap_or_default();
        self.length = self.length.max(line.len());
        line.resize(self.length, b' ');
        let written = self.lock.get().write_all_at(&line, 0);
        Ok(written.map_err(|error| sys::Error::new("write", &self.directory.join(&self.name), error))?)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // What cannot be removed is unlocked by now or soon, and so of a process that is at nothing.
        let _ = self.directory.remove_file(&self.name);
    }
}

impl Store {
    /// Begins the record of a process that is at `working`.
    pub fn begin_record(&self, working: &Working) -> Result<Record> {
        self.check_writable()?;
        let directory = self.make_directory(&self.area(Area::Working))?;
        let name = format!("{:08x}{:08x}", sys::random()?, sys::random()?);
        let temporary = format!("{}{name}", file::TEMPORARY_PREFIX).into_bytes();
        let file = File::from(directory.create_file(&temporary, 0o600)?);
        let path = directory.join(&temporary);
        let locked = Lock::try_on(file, &path, LockMode::Exclusive)?;
        // Nobody else has a reason to lock it: a sweep did, and takes it away.
        let Some(lock) = locked else { return Err(sys::Error::new("lock", &path, Errno::WOULDBLOCK).into()) };
        let mut record = Record { directory, name: temporary, lock, length: 0 };
        record.write(working)?;
        if self.access() == Access::Group {
            record.directory.set_mode(&record.name, 0o640)?;
        }
        record.directory.rename_new(&record.name, &record.directory, name.as_bytes())?;
        record.name = name.into_bytes();
        Ok(record)
    }

    /// What processes are at now, those that began first at the head. What cannot be read is left out.
    pub fn working(&self) -> Result<Vec<Working>> {
        let path = self.area(Area::Working);
        let names = self.names(&path)?.into_iter();
        let is_whole = |name: &[u8]| !name.starts_with(file::TEMPORARY_PREFIX.as_bytes());
        let names = names.filter(|name| is_whole(name.as_encoded_bytes()));
        let mut all: Vec<_> = names.filter_map(|name| self.working_at(&path.join(name))).collect();
        all.sort_by_key(|working| (working.since, working.pid));
        Ok(all)
    }

    fn working_at(&self, path: &std::path::Path) -> Option<Working> {
        let (directory, name) = self.open_parent(path).ok()?;
        let (file, stat) = directory.open_file(name).ok()?;
        let is_dead = || matches!(Lock::try_on(&file, path, LockMode::Shared), Ok(Some(_)));
        if stat.kind != FileType::RegularFile || is_dead() {
            return None;
        }
        let read = || directory.read_file_up_to(name, LONGEST).ok().flatten();
        (0..TRIES).find_map(|_| serde_json::from_slice::<Working>(&read()?).ok()).map(Working::shown)
    }

    /// Removes the records of processes that are no more.
    pub(super) fn sweep_records(&self) -> Result<()> {
        let path = self.area(Area::Working);
        for name in self.names(&path)? {
            let path = path.join(name);
            let (directory, name) = self.open_parent(&path)?;
            let (file, stat) = match directory.open_file(name) {
                Err(error) if error.is(Errno::NOENT) || error.is(Errno::ACCESS) => continue,
                opened => opened?,
            };
            if stat.kind != FileType::RegularFile || !self.may_remove(stat.owner) {
                continue;
            }
            let Some(_lock) = Lock::try_on(file, &path, LockMode::Exclusive)? else { continue };
            match directory.remove_file(name) {
                Err(error) if error.is(Errno::NOENT) => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    /// The file of one of this store's own locks; `None` for cargo's.
    pub fn lock_file(&self, lock: WorkLock) -> Option<PathBuf> {
        match lock {
            WorkLock::CleanUp => Some(self.root().join(CLEAN_LOCK)),
            WorkLock::Flush => Some(self.flush_lock()),
            WorkLock::Cargo => None,
        }
    }

    /// The keys, as `list` shows them, of those entries of jobs whose directory is one of `files`.
    pub fn keys_at(&self, files: &[FileId]) -> Result<Vec<(FileId, String)>> {
        let mut found = Vec::new();
        if files.is_empty() {
            return Ok(found);
        }
        for id in self.entries_in(&Layer::OF_JOBS)? {
            let Ok(stat) = self.stat(&id) else { continue };
            if let Some(file) = files.iter().find(|file| **file == stat.id())
                && let Ok(header) = self.header(&id)
            {
                found.push((*file, super::shown_key(header.layer(), &header.key)));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn store(access: Access) -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), access).unwrap();
        (directory, store)
    }

    fn working(job: &str) -> Working {
        Working {
            pid: 7,
            activity: Activity::Save,
            since: Timestamp::UNIX_EPOCH,
            runner: Some("r".to_owned()),
            repository: None,
            job: Some(job.to_owned()),
            run: None,
            step: Step::default(),
            holds: Vec::new(),
            waits: None,
        }
    }

    fn names(store: &Store) -> usize {
        file::names(&store.area(Area::Working)).unwrap().len()
    }

    #[test]
    fn a_record_tells_the_latest_and_goes_with_its_process() {
        let (_directory, store) = store(Access::Private);
        assert_eq!(store.working().unwrap(), [], "nobody ever worked");
        let mut record = store.begin_record(&working("a long name")).unwrap();
        record.write(&working("b")).unwrap();
        assert_eq!(store.working().unwrap(), [working("b")]);
        store.sweep(Timestamp::now()).unwrap();
        assert_eq!(store.working().unwrap().len(), 1, "a sweep leaves who works alone");
        drop(record);
        assert_eq!((store.working().unwrap(), names(&store)), (Vec::new(), 0));
    }

    #[test]
    fn the_record_of_a_killed_process_is_not_shown_and_swept() {
        let (_directory, store) = store(Access::Private);
        let place = store.make_directory(&store.area(Area::Working)).unwrap();
        let line = serde_json::to_vec(&working("killed")).unwrap();
        place.write_atomic(b"0", &line, 0o600).unwrap();
        place.write_atomic(b".tmp0", b"", 0o600).unwrap();
        place.make_symlink(b"1", b"/").unwrap();
        assert_eq!(store.working().unwrap(), []);
        place.remove_file(b"1").unwrap();
        store.sweep(Timestamp::now()).unwrap();
        assert_eq!(names(&store), 0);
    }

    #[test]
    fn nothing_that_somebody_else_writes_into_a_record_moves_the_cursor() {
        let (_directory, store) = store(Access::Private);
        let _record = store.begin_record(&working(&format!("\u{1b}[2J{}", "x".repeat(5000)))).unwrap();
        let job = store.working().unwrap().remove(0).job.unwrap();
        assert_eq!((job.chars().count(), job.contains('\u{1b}')), (LONGEST_NAME, false));
    }

    #[test]
    fn those_who_share_a_root_read_each_others_records() {
        for (access, mode) in [(Access::Private, 0o600), (Access::Group, 0o640)] {
            let (_directory, store) = store(access);
            let record = store.begin_record(&working("a")).unwrap();
            let found = record.lock.get().metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!(found, mode, "{access:?}: {found:o}");
        }
    }
}
