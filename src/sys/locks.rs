//! Who holds a lock of a file and who waits for it, as the kernel tells in `/proc/locks`: see proc(5).

use std::path::Path;

use super::error::Result;
use super::file;
use super::stat::FileId;

/// A process that has the lock of a file, or waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldFile {
    /// The file.
    pub file: FileId,
    /// The process.
    pub pid: u32,
    /// Whether others can have it at the same time.
    pub is_shared: bool,
    /// Whether it has to wait.
    pub waits: bool,
}

/// All locks of files that this process may know of: those of processes outside of its container are not among them.
pub fn held_files() -> Result<Vec<HeldFile>> {
    let text = file::read(Path::new("/proc/locks"))?;
    Ok(String::from_utf8_lossy(&text).lines().filter_map(parse).collect())
}

/// A line such as `1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF`, with `->` before the kind where somebody waits.
fn parse(line: &str) -> Option<HeldFile> {
    let mut words = line.split_whitespace().skip(1).peekable();
    let waits = words.next_if_eq(&"->").is_some();
    if words.next()? != "FLOCK" {
        return None;
    }
    let mut words = words.skip(1);
    let is_shared = words.next()? == "READ";
    let pid = words.next()?.parse().ok()?;
    let mut place = words.next()?.split(':');
    let mut number = || u32::from_str_radix(place.next()?, 16).ok();
    let device = (number()?, number()?);
    let inode = place.next()?.parse().ok()?;
    Some(HeldFile { file: FileId { device, inode }, pid, is_shared, waits })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Lock, LockMode};
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let of = |device, inode, pid, is_shared, waits| {
            Some(HeldFile { file: FileId { device, inode }, pid, is_shared, waits })
        };
        for (line, parsed) in [
            ("1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF", of((0xfd, 1), 5678, 1234, false, false)),
            ("1: -> FLOCK  ADVISORY  READ 12 00:2f:9 0 EOF", of((0, 0x2f), 9, 12, true, true)),
            ("2: POSIX  ADVISORY  WRITE 1234 fd:01:5678 0 EOF", None),
            ("3: FLOCK  ADVISORY  WRITE -1 fd:01:5678 0 EOF", None),
            ("", None),
        ] {
            assert_eq!(parse(line), parsed, "{line}");
        }
    }

    #[test]
    fn the_kernel_tells_of_a_lock_of_this_process() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let _lock = Lock::wait(&path, LockMode::Exclusive, Duration::ZERO).unwrap().unwrap();
        let file = file::id(&path).unwrap();
        let found: Vec<_> = held_files().unwrap().into_iter().filter(|held| held.file == file).collect();
        assert!(
            matches!(&found[..], [HeldFile { is_shared: false, waits: false, pid, .. }]
            if *pid == std::process::id()),
            "{found:?}"
        );
    }
}
