//! How large the things in a folder are, for people who look for what fills a disk.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rustix::fs::FileType;

use super::Dir;
use super::error::Result;

/// The bytes on the disk of each thing in `folder`, counted for `patience` at most: what was not reached by then is not
/// in the sums. Other file systems are not entered, and a file with several names counts once.
pub fn folder_size(folder: &Path, patience: Duration) -> Result<Vec<(PathBuf, u64)>> {
    let dir = Dir::open(folder)?;
    let count =
        Count { until: Instant::now() + patience, device: dir.stat_self()?.device, seen: Mutex::default() };
    let mut names = Vec::new();
    dir.for_each_name(|name| names.push(name.to_vec()))?;
    Ok(names.into_par_iter().map(|name| (dir.join(&name), count.of(&dir, &name))).collect())
}

struct Count {
    until: Instant,
    device: (u32, u32),
    seen: Mutex<HashSet<u64>>,
}

impl Count {
    /// What cannot be read takes nothing that we know of.
    fn of(&self, folder: &Dir, name: &[u8]) -> u64 {
        let Ok(stat) = folder.stat(name) else { return 0 };
        if stat.device != self.device || Instant::now() > self.until {
            return 0;
        }
        if stat.kind != FileType::Directory {
            let is_new = stat.links < 2 || self.seen.lock().is_ok_and(|mut seen| seen.insert(stat.inode));
            return if is_new { stat.room } else { 0 };
        }
        let Ok(dir) = folder.open_dir(name) else { return stat.room };
        let mut names = Vec::new();
        if dir.for_each_name(|name| names.push(name.to_vec())).is_err() {
            return stat.room;
        }
        stat.room + names.into_par_iter().map(|name| self.of(&dir, &name)).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_file_with_two_names_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        file::make_dirs(&folder.path().join("a/b")).unwrap();
        file::write_new(&folder.path().join("a/b/file"), &vec![1; 100_000]).unwrap();
        let dir = Dir::open(&folder.path().join("a/b")).unwrap();
        dir.link(b"file", &dir, b"again").unwrap();
        let sizes = folder_size(folder.path(), Duration::from_secs(60)).unwrap();
        assert_eq!(sizes.len(), 1);
        assert!((100_000..200_000).contains(&sizes[0].1), "{sizes:?}");
    }
}
