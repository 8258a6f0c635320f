//! What surely is on the disk. A power cut takes what was written in the last half minute or so; on some file systems it
//! leaves files of the right size and time, full of zeros.
//!
//! Nobody waits for the disk when an entry is published. Each entry tells in which boot of the host it was made, and
//! when in that boot; a flush after the job writes everything out and notes, for the boot, up to when. In a later boot
//! an entry counts at once only if its own boot noted a time behind it; else its files are looked at ([`super::reached`]). The
//! clock is that of the boot: nobody sets it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::debug_span;

use super::area::Area;
use super::{Error, Origin, Result, Store};
use crate::sys::{self, CrashPoint};

/// Whoever flushes holds this lock, so that they do not queue up.
const LOCK: &str = "flush.lock";

/// How long to wait for another flush, which may have begun before the entry that this one is for was made. Nobody waits
/// for us.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Bytes of a boot's note, at most.
const LONGEST_NOTE: u64 = 100;

/// Milliseconds since the host was booted: when an entry's files were all there, or a flush began.
pub fn since_boot_ms() -> u64 {
    u64::try_from(sys::since_boot().as_millis()).unwrap_or(u64::MAX)
}

impl Store {
    /// Writes all entries out to the disk, and notes that they are there. `false` where somebody else is at it. Calls `begins`
    /// when nobody else is at it any more.
    pub fn flush(&self, begins: impl FnOnce()) -> Result<bool> {
        let _span = debug_span!("flush").entered();
        self.check_writable()?;
        let Some(boot) = sys::boot_id() else { return Ok(false) };
        let boots = self.area(Area::Boots);
        let directory = self.make_directory(&boots)?;
        let asked = since_boot_ms();
        let Some(_lock) = self.wait_for_lock(&self.flush_lock(), PATIENCE)? else {
            return Ok(false);
        };
        begins();
        if self.flushed(&boot)?.is_some_and(|flushed| asked < flushed) {
            // Another one began while this one waited, and wrote its entry out as well.
            return Ok(true);
        }
        let now = since_boot_ms();
        sys::flush(&directory)?;
        sys::crash_at(CrashPoint::Flushed);
        self.write_file(&boots.join(boot), now.to_string().as_bytes())?;
        // And the note itself, lest a cut now makes others doubt.
        sys::flush(&directory)?;
        Ok(true)
    }

    /// The file whose lock whoever flushes holds.
    pub(super) fn flush_lock(&self) -> PathBuf {
        self.area(Area::Boots).join(LOCK)
    }

    /// Whether no power cut can have taken anything of an entry of `origin`.
    pub(super) fn is_surely_on_disk(&self, origin: &Origin) -> Result<bool> {
        let (Some(boot), Some(made)) = (&origin.boot, origin.since_boot) else { return Ok(true) };
        // A kernel that does not tell its boot leaves nothing to compare.
        if sys::boot_id().is_none_or(|this| this == *boot) {
            return Ok(true);
        }
        Ok(self.flushed(boot)?.is_some_and(|flushed| made < flushed))
    }

    /// Up to which millisecond of `boot` all is on the disk.
    fn flushed(&self, boot: &str) -> Result<Option<u64>> {
        let is_name = !boot.is_empty() && boot.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !is_name {
            return Ok(None);
        }
        let directory = match self.open_directory(&self.area(Area::Boots)) {
            Err(Error::Sys(error)) if error.is(sys::Errno::NOENT) => return Ok(None),
            directory => directory?,
        };
        let note = directory.read_file_up_to(boot.as_bytes(), LONGEST_NOTE).ok().flatten();
        Ok(note.and_then(|note| std::str::from_utf8(&note).ok()?.trim().parse().ok()))
    }

    /// The boots that notes are about.
    pub(super) fn noted_boots(&self) -> Result<Vec<PathBuf>> {
        let boots = self.area(Area::Boots);
        let names = self.names(&boots)?.into_iter().filter(|name| Path::new(name) != Path::new(LOCK));
        Ok(names.map(|name| boots.join(name)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Access;
    use super::*;
    use crate::sys::file;

    fn origin(boot: &str, since_boot: u64) -> Origin {
        Origin { boot: Some(boot.into()), since_boot: Some(since_boot), ..Origin::default() }
    }

    #[test]
    fn an_entry_of_an_earlier_boot_counts_only_behind_a_flush() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        let is_sure = |origin: &Origin| store.is_surely_on_disk(origin).unwrap();
        let this_boot = sys::boot_id().unwrap();
        assert!(is_sure(&origin(&this_boot, u64::MAX)), "nothing was cut off yet");
        assert!(!is_sure(&origin("0-0", 10)), "nobody flushed in that boot");
        assert!(!is_sure(&origin("../../etc/passwd", 0)));
        store.make_directory(&store.area(Area::Boots)).unwrap();
        file::write_atomic(&store.area(Area::Boots).join("0-ea"), b"100").unwrap();
        assert!(is_sure(&origin("0-ea", 99)));
        assert!(!is_sure(&origin("0-ea", 100)), "perhaps in the same millisecond, but behind the flush");
    }

    #[test]
    fn a_flush_notes_the_time_at_which_it_began() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        let before = since_boot_ms();
        assert!(store.flush(|| ()).unwrap());
        let noted = store.flushed(&sys::boot_id().unwrap()).unwrap().unwrap();
        assert!(before <= noted && noted <= since_boot_ms());
        assert_eq!(store.noted_boots().unwrap().len(), 1);
    }
}
