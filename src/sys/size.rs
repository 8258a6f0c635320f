//! How large the things in a directory are, for people who look for what fills a disk.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::Scope;
use rustix::fs::FileType;

use super::error::Result;
use super::{Dir, Opened, Waiting};

/// The bytes on the disk of each thing in `directory`, counted for `patience` at most: what was not reached by then is not
/// in the sums. Other file systems are not entered, and a file with several names counts once.
pub fn directory_size(directory: &Path, patience: Duration) -> Result<Vec<(PathBuf, u64)>> {
    let top = Opened::top(Dir::open(directory)?);
    let device = top.dir.stat_self()?.device;
    let count = Count { until: Instant::now() + patience, device, seen: Mutex::default() };
    let mut sums = Vec::new();
    top.dir.for_each_name(|name| sums.push((name.to_vec(), AtomicU64::new(0))))?;
    rayon::scope(|scope| {
        for (name, sum) in &sums {
            let (count, top) = (&count, &top);
            scope.spawn(move |scope| count.add(scope, top, name, sum));
        }
    });
    Ok(sums.into_iter().map(|(name, sum)| (top.dir.join(&name), sum.into_inner())).collect())
}

struct Count {
    until: Instant,
    device: (u32, u32),
    seen: Mutex<HashSet<u64>>,
}

impl Count {
    /// Adds `name` to `sum`, and hands what is in it on. What cannot be read takes nothing that we know of.
    fn add<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        directory: &Opened,
        name: &[u8],
        sum: &'scope AtomicU64,
    ) {
        let Ok(stat) = directory.dir.stat(name) else { return };
        if stat.device != self.device || Instant::now() > self.until {
            return;
        }
        if stat.kind == FileType::Directory {
            let below = directory.below(name);
            scope.spawn(move |scope| self.add_all(scope, below, sum));
        } else if stat.links > 1 && !self.seen.lock().is_ok_and(|mut seen| seen.insert(stat.inode)) {
            return;
        }
        sum.fetch_add(stat.room, Ordering::Relaxed);
    }

    fn add_all<'scope>(&'scope self, scope: &Scope<'scope>, directory: Waiting, sum: &'scope AtomicU64) {
        let mut names = Vec::new();
        let Ok(directory) = directory.open() else { return };
        if directory.dir.for_each_name(|name| names.push(name.to_vec())).is_ok() {
            for name in names {
                self.add(scope, &directory, &name, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::super::remove::tests::make_deep;
    use super::*;

    #[test]
    fn a_file_with_two_names_counts_once() {
        let directory = tempfile::tempdir().unwrap();
        file::make_dirs(&directory.path().join("a/b")).unwrap();
        file::write_new(&directory.path().join("a/b/file"), &vec![1; 100_000]).unwrap();
        let dir = Dir::open(&directory.path().join("a/b")).unwrap();
        dir.link(b"file", &dir, b"again").unwrap();
        let sizes = directory_size(directory.path(), Duration::from_secs(60)).unwrap();
        assert_eq!(sizes.len(), 1);
        assert!((100_000..200_000).contains(&sizes[0].1), "{sizes:?}");
    }

    #[test]
    fn what_is_very_deep_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let dir = Dir::open(directory.path()).unwrap();
        dir.make_dir(b"top", 0o755).unwrap();
        make_deep(&dir.open_dir(b"top").unwrap(), b"b", b"a", 3000);
        let file = dir.open_beneath(&[&b"top/"[..], &b"b/".repeat(3000)].concat()).unwrap();
        let file = file.create_file(b"file", 0o644).unwrap();
        rustix::io::write(file, &vec![1; 100_000]).unwrap();
        let sizes = directory_size(directory.path(), Duration::from_secs(60)).unwrap();
        assert!(sizes[0].1 >= 100_000, "{sizes:?}");
        dir.remove_all(b"top").unwrap();
    }
}
