//! In which boot of the host this is, and for how long.

use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::file;

/// What tells this boot of the host from all others; `None` where the kernel does not say.
pub fn boot_id() -> Option<String> {
    let text = file::read(Path::new("/proc/sys/kernel/random/boot_id")).ok()?;
    Some(String::from_utf8(text).ok()?.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The time since the host was booted, suspensions included. Nobody can set this clock.
pub fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
