//! What a restore leaves for the save of the same job: a file below the root, and a pointer to it in the job's own
//! temporary folder.
//!
//! Several may come to save (a step, a hook, the next job): whoever locks the file first does it and removes it. The
//! others find it taken or done.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Error, Result, Store};
use crate::sys::{self, CrashPoint, Errno, Lock, LockMode, file};

/// The pointers' folder in the temporary folder of a job.
const POINTERS: &str = "runner-cache-sessions";

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
    path: PathBuf,
    _lock: Lock<File>,
}

impl Store {
    /// Leaves `value` for a later save and returns the session's file.
    pub fn leave_session<T: Serialize>(&self, value: &T) -> Result<PathBuf> {
        self.check_writable()?;
        self.make_folder(&self.sessions_folder())?;
        let path = self.sessions_folder().join(format!("{:08x}{:08x}.json", sys::random()?, sys::random()?));
        let bytes = serde_json::to_vec_pretty(value).map_err(Error::UnwritableSession)?;
        file::write_atomic(&path, &bytes)?;
        sys::crash_at(CrashPoint::SessionLeft);
        Ok(path)
    }

    /// The root of the store in which the session file `path` lies.
    pub fn root_of_session(path: &Path) -> &Path {
        path.ancestors().nth(2).unwrap_or(Path::new("/"))
    }

    /// Reaches for the session at `path`.
    pub fn claim_session<T: DeserializeOwned>(path: &Path) -> Result<Claim<T>> {
        let open = match file::open(path) {
            Err(error) if error.is(Errno::NOENT) => return Ok(Claim::Done),
            open => open?,
        };
        let Some(lock) = Lock::try_on(open, path, LockMode::Exclusive)? else { return Ok(Claim::Taken) };
        // Somebody may have finished it between the two calls above.
        let Some(value) = Self::read_session(path)? else { return Ok(Claim::Done) };
        Ok(Claim::Ours(Claimed { value, path: path.into(), _lock: lock }))
    }

    /// Reads the session at `path` and leaves it to whoever saves; `None` for one that was finished.
    pub fn read_session<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
        let Some(bytes) = file::read_if_present(path)? else { return Ok(None) };
        let value = serde_json::from_slice(&bytes);
        value.map(Some).map_err(|source| Error::Session { path: path.into(), source })
    }
}

impl<T> Claimed<T> {
    /// Records that the session is finished.
    pub fn finish(self) -> Result<()> {
        Ok(file::remove_file(&self.path)?)
    }
}

/// Leaves a pointer to `session` in the job's temporary folder.
pub fn leave_pointer(temporary: &Path, session: &Path) -> Result<()> {
    let folder = temporary.join(POINTERS);
    file::make_private_dirs(&folder)?;
    let name = session.file_stem().unwrap_or_default();
    file::write_atomic(&folder.join(name), session.as_os_str().as_encoded_bytes())?;
    Ok(())
}

/// The sessions to which the pointers in the job's temporary folder lead.
pub fn pointers(temporary: &Path) -> Result<Vec<PathBuf>> {
    use std::os::unix::ffi::OsStringExt as _;
    let folder = temporary.join(POINTERS);
    let mut sessions = Vec::new();
    for name in file::names(&folder)? {
        let pointer = folder.join(&name);
        // A killed process may have left a half-written one, of a name that none of ours has.
        if name.as_encoded_bytes().starts_with(b".") || !file::is_file(&pointer) {
            continue;
        }
        let session = file::read(&pointer)?;
        sessions.push(PathBuf::from(std::ffi::OsString::from_vec(session)));
    }
    Ok(sessions)
}

#[cfg(test)]
mod tests {
    use super::super::Access;
    use super::*;

    #[test]
    fn a_session_is_finished_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("root"), Access::Private).unwrap();
        let path = store.leave_session(&"what to save").unwrap();
        leave_pointer(folder.path(), &path).unwrap();
        assert_eq!(pointers(folder.path()).unwrap(), std::slice::from_ref(&path));

        let Claim::Ours(claimed) = Store::claim_session::<String>(&path).unwrap() else {
            panic!("it is free")
        };
        assert_eq!(claimed.value, "what to save");
        assert!(matches!(Store::claim_session::<String>(&path).unwrap(), Claim::Taken));
        assert_eq!(Store::read_session::<String>(&path).unwrap().as_deref(), Some("what to save"));
        claimed.finish().unwrap();
        assert!(matches!(Store::claim_session::<String>(&path).unwrap(), Claim::Done));
    }
}
