//! What a restore leaves for the save of the same job: a file below the root, and a pointer to it in the job's own
//! temporary directory.
//!
//! Several may come to save (two steps, a hook): whoever locks the file first does it and removes it. The
//! others find it taken or done. What a job left that ended without any of them, by a crash, the runner's next job finds here.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::area::Area;
use super::{Error, Result, Store};
use crate::sys::{self, CrashPoint, Dir, Errno, Lock, LockMode, Stat, file};

/// The pointers' directory in the temporary directory of a job.
const POINTERS: &str = "runner-cache-sessions";

/// The version of the form, and of what it holds. A step of another version of the program in the same job saves nothing.
const FORMAT: u32 = 3;

/// Bytes of a pointer, at most: of a path.
const LONGEST_POINTER: u64 = 4096;

/// Bytes of a session, at most.
const LONGEST: u64 = 256 << 20;

/// The outcome of reaching for a session.
#[derive(Debug)]
pub enum Claim<T> {
    /// It is ours to finish.
    Ours(Claimed<T>),
    /// Somebody else is finishing it.
    Taken,
    /// It was finished.
    Done,
}

/// A session that nobody else can claim.
#[derive(Debug)]
pub struct Claimed<T> {
    /// What was left.
    pub value: T,
    pointer: PathBuf,
    directory: Dir,
    name: Vec<u8>,
    _lock: Lock,
}

/// What a session's file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Left<T> {
    format: u32,
    job: LeavingJob,
    value: T,
}

/// What of it tells whether the rest can be read.
#[derive(Debug, Deserialize)]
struct Form {
    #[serde(default)]
    format: u32,
}

/// What of it a clean-up reads.
#[derive(Debug, Deserialize)]
struct LeftBy {
    job: LeavingJob,
}

/// Who left a session.
#[derive(Debug, Serialize, Deserialize)]
struct LeavingJob {
    /// The pointer to it. The runner removes it with the job's temporary directory.
    pointer: String,
    /// Where that path means something: the boot of the host, and the mounts that the job saw.
    place: String,
    /// Whether somebody comes for it after the job: then it is not over when the pointer is gone.
    is_awaited: bool,
}

/// Where paths mean what they mean to this process.
fn place() -> String {
    format!("{} {}", sys::boot_id().unwrap_or_default(), sys::mount_namespace().unwrap_or_default())
}

/// Whether the job is over that left the session `name`: its temporary directory has no pointer to it any more.
pub(super) fn is_session_over(directory: &Dir, name: &[u8]) -> bool {
    let bytes = directory.read_file_up_to(name, LONGEST).ok().flatten().unwrap_or_default();
    serde_json::from_slice::<LeftBy>(&bytes).is_ok_and(|LeftBy { job }| {
        !job.is_awaited && job.place == place() && !file::is_present(Path::new(&job.pointer))
    })
}

impl Store {
    /// Leaves `value` for a later save and a pointer to it in the job's `temporary` directory. `is_awaited`: somebody comes for
    /// it when the job is over.
    pub fn leave_session<T: Serialize>(
        &self,
        value: T,
        temporary: &Path,
        is_awaited: bool,
    ) -> Result<PathBuf> {
        self.check_writable()?;
        let directory = self.make_directory(&self.area(Area::Sessions))?;
        let stem = format!("{:08x}{:08x}", sys::random()?, sys::random()?);
        let pointer = temporary.join(POINTERS).join(&stem);
        let job = LeavingJob { pointer: pointer.to_string_lossy().into_owned(), place: place(), is_awaited };
        let bytes = serde_json::to_vec_pretty(&Left { format: FORMAT, job, value })
            .map_err(Error::UnwritableSession)?;
        let name = format!("{stem}.json");
        directory.write_atomic(name.as_bytes(), &bytes, 0o600)?;
        sys::crash_at(CrashPoint::SessionLeft);
        let path = self.area(Area::Sessions).join(name);
        let pointers = make_pointers(temporary)?;
        pointers.write_atomic(stem.as_bytes(), path.as_os_str().as_encoded_bytes(), 0o600)?;
        give_to_owner(&pointers, temporary)?;
        Ok(path)
    }

    /// The root of the store in which the session file `path` lies.
    pub fn root_of_session(path: &Path) -> &Path {
        path.ancestors().nth(2).unwrap_or(Path::new("/"))
    }

    /// Reaches for the session at `path`.
    pub fn claim_session<T: DeserializeOwned>(path: &Path) -> Result<Claim<T>> {
        let Some((directory, name, file)) = open(path)? else { return Ok(Claim::Done) };
        let Some(lock) = Lock::try_on(file, path, LockMode::Exclusive)? else { return Ok(Claim::Taken) };
        // Somebody may have finished it between the two calls above.
        let Some(Left { job, value, .. }) = read_left(path)? else { return Ok(Claim::Done) };
        Ok(Claim::Ours(Claimed { value, pointer: job.pointer.into(), directory, name, _lock: lock }))
    }

    /// Reads the session at `path` and leaves it to whoever saves; `None` for one that was finished.
    pub fn read_session<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
        Ok(read_left(path)?.map(|left| left.value))
    }
}

fn read_left<T: DeserializeOwned>(path: &Path) -> Result<Option<Left<T>>> {
    let Some((directory, name, _)) = open(path)? else { return Ok(None) };
    let Some(bytes) = directory.read_file_up_to(&name, LONGEST)? else { return Ok(None) };
    let damaged = |source| Error::Session { path: path.into(), source };
    let Form { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format != FORMAT {
        return Err(Error::OtherSession { path: path.into(), format });
    }
    Ok(Some(serde_json::from_slice(&bytes).map_err(damaged)?))
}

/// The directory of the pointers, made if absent, and behind no link: the temporary directory is the job's.
fn make_pointers(temporary: &Path) -> Result<Dir> {
    let temporary = Dir::open(temporary)?;
    match temporary.make_dir(POINTERS.as_bytes(), 0o700) {
        Err(error) if !error.is(Errno::EXIST) => return Err(error.into()),
        _ => {}
    }
    Ok(temporary.open_dir(POINTERS.as_bytes())?)
}

/// Where root in a container works in the directory of a runner's user, that user has to be able to remove what it leaves there.
fn give_to_owner(pointers: &Dir, temporary: &Path) -> Result<()> {
    let owner = Dir::open(temporary)?.stat_self()?;
    let is_of_root = pointers.stat_self()?.owner == 0;
    if rustix::process::geteuid().is_root() && owner.owner != 0 && is_of_root {
        pointers.set_own_owner(owner.owner, owner.group)?;
    }
    Ok(())
}

/// Opens the session at `path`; `None` where it is gone. Below a root that users share only this user's own is taken: what it
/// says is what will be read and saved.
fn open(path: &Path) -> Result<Option<(Dir, Vec<u8>, OwnedFd)>> {
    let root = Store::root_of_session(path);
    let below = path.strip_prefix(root).unwrap_or(path);
    let directory = below.parent().unwrap_or(below).as_os_str().as_bytes();
    let name = path.file_name().unwrap_or_default().as_bytes().to_vec();
    let opened = Dir::open(root).and_then(|root| root.open_beneath(directory)).and_then(|directory| {
        let (file, stat) = directory.open_file(&name)?;
        Ok((directory, file, stat))
    });
    match opened {
        Err(error) if error.is(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
        Ok((_, _, stat)) if stat.owner != rustix::process::geteuid().as_raw() => {
            Err(Error::OfOther { path: path.into(), owner: stat.owner })
        }
        Ok((directory, file, _)) => Ok(Some((directory, name, file))),
    }
}

/// The session of a job of this user that ended without a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftSession {
    /// Its file.
    pub path: PathBuf,
    /// Whether the host has been up ever since, and this process sees the mounts that the job saw. If not, what the job wrote may
    /// not have reached the disk, or may be elsewhere.
    pub is_of_this_boot: bool,
}

impl Store {
    /// The sessions of jobs of the runner whose temporary directory this is.
    pub fn sessions_of(&self, temporary: &Path) -> Result<Vec<LeftSession>> {
        let (directory, mut left) = (self.area(Area::Sessions), Vec::new());
        for name in self.names(&directory)? {
            let opened = self.open_directory(&directory)?;
            // Another user's says nothing about this one's runner.
            let is_own = |stat: &Stat| stat.owner == rustix::process::geteuid().as_raw();
            if !opened.stat_if_present(name.as_encoded_bytes())?.as_ref().is_some_and(is_own) {
                continue;
            }
            let bytes = opened.read_file_up_to(name.as_encoded_bytes(), LONGEST).ok().flatten();
            let by = bytes.and_then(|bytes| serde_json::from_slice::<LeftBy>(&bytes).ok());
            if let Some(LeftBy { job }) = by
                && Path::new(&job.pointer).starts_with(temporary)
            {
                left.push(LeftSession { path: directory.join(name), is_of_this_boot: job.place == place() });
            }
        }
        Ok(left)
    }
}

/// Takes a session away that nobody can carry out.
pub fn discard_session(path: &Path) -> Result<()> {
    match open(path)? {
        Some((directory, name, _)) => Ok(directory.remove_file(&name)?),
        None => Ok(()),
    }
}

impl<T> Claimed<T> {
    /// Whether a job left it that has this temporary directory. Somebody else's pointer may lead to one of a job that is running.
    pub fn is_of(&self, temporary: &Path) -> bool {
        self.pointer.starts_with(temporary)
    }

    /// Takes the session away before it is carried out: nobody will try again.
    pub fn take(self) -> Result<T> {
        self.directory.remove_file(&self.name)?;
        Ok(self.value)
    }

    /// Records that the session is finished.
    pub fn finish(self) -> Result<()> {
        Ok(self.directory.remove_file(&self.name)?)
    }
}

/// The sessions to which the pointers in the job's temporary directory lead. What is no pointer of ours is nothing.
pub fn pointers(temporary: &Path) -> Result<Vec<PathBuf>> {
    let opened = Dir::open(temporary).and_then(|temporary| temporary.open_dir(POINTERS.as_bytes()));
    let directory = match opened {
        Err(error) if error.is(Errno::NOENT) => return Ok(Vec::new()),
        directory => directory?,
    };
    let mut names = Vec::new();
    directory.for_each_name(|name| names.push(name.to_vec()))?;
    names.sort_unstable();
    let mut sessions = Vec::new();
    for name in names.iter().filter(|name| name.iter().all(u8::is_ascii_hexdigit)) {
        let pointer = directory.read_file_up_to(name, LONGEST_POINTER).ok().flatten().unwrap_or_default();
        let session = PathBuf::from(OsString::from_vec(pointer));
        let own = [&name[..], b".json"].concat();
        if session.is_absolute() && session.file_name().is_some_and(|file| file.as_bytes() == own) {
            sessions.push(session);
        }
    }
    Ok(sessions)
}

#[cfg(test)]
mod tests {
    use super::super::Access;
    use super::*;

    #[test]
    fn a_session_is_finished_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        let path = store.leave_session("what to save", directory.path(), false).unwrap();
        assert_eq!(pointers(directory.path()).unwrap(), std::slice::from_ref(&path));

        let Claim::Ours(claimed) = Store::claim_session::<String>(&path).unwrap() else {
            panic!("it is free")
        };
        assert_eq!(claimed.value, "what to save");
        assert!(matches!(Store::claim_session::<String>(&path).unwrap(), Claim::Taken));
        assert_eq!(Store::read_session::<String>(&path).unwrap().as_deref(), Some("what to save"));
        claimed.finish().unwrap();
        assert!(matches!(Store::claim_session::<String>(&path).unwrap(), Claim::Done));
    }

    #[test]
    fn a_session_of_another_format_is_told_from_a_damaged_one() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        let path = store.leave_session("what to save", directory.path(), false).unwrap();
        let read = |text: &str| {
            file::write_atomic(&path, text.as_bytes()).unwrap();
            Store::read_session::<String>(&path).unwrap_err()
        };
        for (text, found) in [(r#"{"format": 7, "more": 1}"#, 7), (r#"{"value": "of old"}"#, 0)] {
            let error = read(text);
            assert!(matches!(error, Error::OtherSession { format, .. } if format == found), "{error}");
        }
        assert!(matches!(read("{"), Error::Session { .. }));
    }
}
