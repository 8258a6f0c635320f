//! How many files this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process have as many files open as it could ask for, until this is dropped: programs that it starts later
/// may rely on few.
#[derive(Debug)]
pub struct ManyOpenFiles {
    before: Rlimit,
}

impl ManyOpenFiles {
    /// Raises the limit. Where that cannot be done, it stays as it is.
    pub fn allow() -> Self {
        let before = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: before.maximum, ..before };
        // What is not allowed shows in the limit.
        let _ = setrlimit(Resource::Nofile, raised);
        Self { before }
    }

    /// How many there can be.
    pub fn most(&self) -> usize {
        let limit = getrlimit(Resource::Nofile).current;
        limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
    }
}

impl Drop for ManyOpenFiles {
    fn drop(&mut self) {
        // It was the limit before, so it is allowed, if not more files are open: then it stays higher for a while.
        let _ = setrlimit(Resource::Nofile, self.before);
    }
}
