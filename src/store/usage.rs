//! What entries take on the disk. Entries share files with each other (a save links what has not changed), and extents with
//! jobs and each other (reflinks), so the sum of their sizes says little.

use std::collections::{HashMap, HashSet};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::retention::{Block, BlockId, Known, Usage};
use super::{Error, Result, Store};
use crate::sys::{self, Dir, Errno, Extent, FileType, Opened, Waiting};

impl Store {
    /// What each of `entries` takes, in their order. What goes meanwhile takes nothing.
    pub fn usage(&self, entries: &[Known]) -> Result<Vec<Usage>> {
        let tells_extents = sys::tells_shared_extents(self.dir())?;
        let found: Vec<Found> = entries
            .par_iter()
            .map(|entry| {
                let mut found = Found::default();
                match self.open_directory(&entry.id.path()) {
                    Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(found),
                    Err(error) => return Err(error),
                    Ok(directory) => found.add(directory, tells_extents).or_else(fine_if_gone)?,
                }
                Ok(found)
            })
            .collect::<Result<_>>()?;
        let names = Names::of(&found);
        Ok(found.iter().map(|found| Usage { blocks: found.blocks(&names) }).collect())
    }
}

fn fine_if_gone(error: sys::Error) -> sys::Result<()> {
    if error.is(Errno::NOENT) { Ok(()) } else { Err(error) }
}

/// What is in the directory of an entry.
#[derive(Debug, Default)]
struct Found {
    files: HashMap<u64, File>,
}

#[derive(Debug)]
struct File {
    /// Bytes that it takes, those of shared extents left out.
    own: u64,
    shared: Vec<Extent>,
    /// Names that it has in the entry, and in the whole file system.
    names: u32,
    links: u32,
}

impl Found {
    fn add(&mut self, directory: Dir, tells_extents: bool) -> sys::Result<()> {
        let mut waiting = Vec::new();
        self.add_directory(&Opened::top(directory), tells_extents, &mut waiting)?;
        while let Some(directory) = waiting.pop() {
            self.add_directory(&directory.open()?, tells_extents, &mut waiting)?;
        }
        Ok(())
    }

    /// Adds a directory and the files in it; its subdirectories are to wait.
    fn add_directory(
        &mut self,
        opened: &Opened,
        tells_extents: bool,
        waiting: &mut Vec<Waiting>,
    ) -> sys::Result<()> {
        let directory = &opened.dir;
        let stat = directory.stat_self()?;
        // Directories have no further names that count.
        let own = File { own: stat.room, shared: Vec::new(), names: 1, links: 1 };
        self.files.insert(stat.inode, own);
        let mut names = Vec::new();
        directory.for_each_name(|name| names.push(name.to_vec()))?;
        for name in names {
            let Some(stat) = directory.stat_if_present(&name)? else { continue };
            if stat.kind == FileType::Directory {
                waiting.push(opened.below(&name));
            } else if let Some(file) = self.files.get_mut(&stat.inode) {
                file.names += 1;
            } else {
                let may_share = tells_extents && stat.kind == FileType::RegularFile && stat.room > 0;
                let shared = if may_share {
                    // A file that cannot be opened shares nothing that we know of.
                    directory
                        .open_file(&name)
                        .map_or_else(|_| Vec::new(), |(file, _)| sys::shared_extents(file))
                } else {
                    Vec::new()
                };
                let in_shared: u64 = shared.iter().map(|extent| extent.bytes).sum();
                let own = stat.room.saturating_sub(in_shared);
                self.files.insert(stat.inode, File { own, shared, names: 1, links: stat.links });
            }
        }
        Ok(())
    }

    /// The pieces of the disk that it takes, each once.
    fn blocks(&self, names: &Names) -> Vec<Block> {
        let mut blocks = HashMap::new();
        for (inode, file) in &self.files {
            let is_held_elsewhere = file.links > names.of_files[inode];
            let id = BlockId::File(*inode);
            blocks.insert(id, Block { id, bytes: file.own, is_held_elsewhere });
            for extent in &file.shared {
                let id = BlockId::Extent(extent.start);
                // It is shared: where no other file of the store has it, somebody else does.
                let is_held_elsewhere =
                    is_held_elsewhere || names.of_extents.get(&extent.start).is_none_or(|&files| files < 2);
                blocks.insert(id, Block { id, bytes: extent.bytes, is_held_elsewhere });
            }
        }
        blocks.into_values().collect()
    }
}

/// By what the pieces of the disk are held in the store.
struct Names {
    /// For each file the number of its names.
    of_files: HashMap<u64, u32>,
    /// For each extent the number of files that have it.
    of_extents: HashMap<u64, u32>,
}

impl Names {
    fn of(found: &[Found]) -> Self {
        let mut of_files: HashMap<u64, u32> = HashMap::new();
        let mut of_extents: HashMap<u64, u32> = HashMap::new();
        let mut counted = HashSet::new();
        for (inode, file) in found.iter().flat_map(|found| &found.files) {
            *of_files.entry(*inode).or_default() += file.names;
            if counted.insert(*inode) {
                for extent in &file.shared {
                    *of_extents.entry(extent.start).or_default() += 1;
                }
            }
        }
        Self { of_files, of_extents }
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::tests::sample;
    use super::super::{Access, retention::Weights};
    use super::*;
    use crate::sys::file;

    /// A store with two entries that share a file of 64 kB; the second has one of its own, and a job still holds that.
    #[test]
    fn shared_files_count_once_and_those_that_a_job_holds_are_not_free() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        let live = Dir::open(directory.path()).unwrap();
        for name in ["shared", "held"] {
            file::write_new(&directory.path().join(name), &vec![1; 64 * 1024]).unwrap();
        }
        for (key, names) in [("a", &["shared"][..]), ("b", &["shared", "held"])] {
            let staging = store.stage().unwrap();
            let trees = staging.trees().unwrap();
            for name in names {
                live.link(name.as_bytes(), &trees, name.as_bytes()).unwrap();
            }
            store.publish(staging, &sample(key, "own")).unwrap();
        }
        live.remove_file(b"shared").unwrap();

        let known = store.known().unwrap();
        let usage = store.usage(&known).unwrap();

        let bytes = |usage: &Usage| {
            usage.blocks.iter().map(|block| block.bytes).filter(|&bytes| bytes >= 64 * 1024).sum::<u64>()
        };
        assert_eq!(usage.iter().map(bytes).sum::<u64>(), 3 * 64 * 1024);
        let mut weights = Weights::of(&usage);
        assert!((2 * 64 * 1024..3 * 64 * 1024).contains(&weights.size()), "{}", weights.size());
        for usage in &usage {
            weights.remove(usage);
        }
        assert!((64 * 1024..2 * 64 * 1024).contains(&weights.freed().bytes), "{:?}", weights.freed());
    }
}
