//! Directories that are to be looked at later, without one open for each level or each that waits.

use std::sync::Arc;

use super::Dir;
use super::error::Result;

/// Levels from one directory that is held open to the next: the kernel looks so many names up at most to open one.
const LEVELS: usize = 256;

/// A directory that waits to be opened: an open one above it, and the path from there.
#[derive(Debug)]
pub struct Waiting {
    above: Arc<Dir>,
    path: Vec<u8>,
    levels: usize,
}

impl Waiting {
    /// Opens it.
    pub fn open(self) -> Result<Opened> {
        let dir = Arc::new(self.above.open_beneath(&self.path)?);
        let place = if self.levels < LEVELS { self } else { Self::top(Arc::clone(&dir)) };
        Ok(Opened { dir, place })
    }

    fn top(dir: Arc<Dir>) -> Self {
        Self { above: dir, path: Vec::new(), levels: 0 }
    }
}

/// An open directory whose subdirectories may wait until it is closed.
#[derive(Debug)]
pub struct Opened {
    /// The directory.
    pub dir: Arc<Dir>,
    place: Waiting,
}

impl Opened {
    /// Where a descent begins.
    pub fn top(dir: Dir) -> Self {
        let dir = Arc::new(dir);
        Self { place: Waiting::top(Arc::clone(&dir)), dir }
    }

    /// The directory called `name` in this one.
    pub fn below(&self, name: &[u8]) -> Waiting {
        let Waiting { above, path, levels } = &self.place;
        let path = if path.is_empty() { name.to_vec() } else { [path, name].join(&b'/') };
        Waiting { above: Arc::clone(above), path, levels: levels + 1 }
    }
}
