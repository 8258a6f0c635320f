//! How many files this process may have open.

use std::cell::Cell;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process have as many files open as it could ask for, until this is dropped: programs that it starts later
/// may rely on few.
#[derive(Debug)]
pub struct ManyOpenFiles {
    before: Rlimit,
    /// How many more can be held.
    left: Cell<usize>,
}

impl ManyOpenFiles {
    /// Raises the limit. Where that cannot be done, it stays as it is. `others` are kept free.
    pub fn allow(others: usize) -> Self {
        let before = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: before.maximum, ..before };
        // What is not allowed shows in the limit.
        let _ = setrlimit(Resource::Nofile, raised);
        let limit = getrlimit(Resource::Nofile).current;
        let most = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self { before, left: Cell::new(most.saturating_sub(others)) }
    }

    /// Sets files apart to be held open, and tells how many of the `wanted` ones there can be.
    pub fn take(&self, wanted: usize) -> usize {
        let taken = wanted.min(self.left.get());
        self.left.set(self.left.get() - taken);
        taken
    }
}

impl Drop for ManyOpenFiles {
    fn drop(&mut self) {
        // It was the limit before, so it is allowed, if not more files are open: then it stays higher for a while.
        let _ = setrlimit(Resource::Nofile, self.before);
    }
}
