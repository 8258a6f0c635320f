//! Processes that a child left running: the program flushes in the background.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many processes have `root` on their command lines.
pub(crate) fn count_of(root: &Path) -> u64 {
    let root = root.as_os_str().as_bytes();
    let has_root = |process: &fs::DirEntry| {
        let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
        words.split(|&byte| byte == 0).any(|word| word == root)
    };
    fs::read_dir("/proc").unwrap().flatten().filter(has_root).count() as u64
}
