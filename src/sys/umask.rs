//! The permission bits that the kernel takes off new files.

use std::path::Path;
use std::sync::OnceLock;

use super::file;

/// The mask of this process; nothing here changes it. `umask(2)` can only read it by setting it for a moment, in which
/// other threads make files, so it is read from `/proc`.
fn mask() -> u16 {
    static MASK: OnceLock<u16> = OnceLock::new();
    *MASK.get_or_init(|| {
        let status = file::read(Path::new("/proc/self/status")).unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        // Not told: every bit may be missing.
        mask.and_then(|mask| u16::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o777)
    })
}

/// Whether a file or directory that is made with `mode` has it, or needs a further call.
pub fn is_mode_kept(mode: u16) -> bool {
    mode & mask() == 0 && mode <= 0o777
}
