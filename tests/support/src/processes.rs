//! Processes that the program left running: some of what it does no job waits for.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many processes have `root` on their command lines.
pub fn count_of(root: &Path) -> u64 {
    let root = root.as_os_str().as_bytes();
    let has_root = |process: &fs::DirEntry| {
        let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
        words.split(|&byte| byte == 0).any(|word| word == root)
    };
    fs::read_dir("/proc").unwrap().flatten().filter(has_root).count() as u64
}

/// Waits until no process has `root` on its command line; `false` if that takes longer than `patience`.
pub fn end_within(root: &Path, patience: Duration) -> bool {
    let started = Instant::now();
    while count_of(root) > 0 {
        if started.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}
