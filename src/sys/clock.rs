//! The clock by which the kernel gives files their times.

use rustix::time::{ClockId, clock_gettime};

use super::Time;

/// A time that is before the change of any file from now on, as far as the file system goes by this host's clock. The kernel
/// gives files the time of its last tick, so that is what this is taken from.
pub fn before_now() -> Time {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    let (seconds, nanoseconds) = (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0));
    match nanoseconds.checked_sub(1) {
        Some(nanoseconds) => Time { seconds, nanoseconds },
        None => Time { seconds: seconds - 1, nanoseconds: 999_999_999 },
    }
}
