//! Sums of restores and saves.

use serde::{Serialize, Serializer};

use super::{Kept, Served, What};

/// Sums of restores and saves. Times are in microseconds here, and in seconds as JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Restores that an entry of the very key served.
    pub exact: u64,
    /// Restores that one of a restore key served.
    pub partial: u64,
    /// Restores that the unit pool alone served.
    pub composed: u64,
    /// Restores that nothing served.
    pub misses: u64,
    /// Layers that were not to be restored. They are in no rate.
    pub bypasses: u64,
    /// Files that were restored.
    pub restored_files: u64,
    /// Their bytes.
    pub restored_bytes: u64,
    /// How long restores took.
    #[serde(rename = "restore_seconds", serialize_with = "in_seconds")]
    pub restore_time: i64,
    /// New entries.
    pub entries: u64,
    /// Their bytes.
    pub saved_bytes: u64,
    /// Saves that failed.
    pub failed_saves: u64,
    /// How long saves took.
    #[serde(rename = "save_seconds", serialize_with = "in_seconds")]
    pub save_time: i64,
    /// Jobs of which an estimate tells how much faster they were.
    pub estimated_jobs: u64,
    /// How much, in sum: less than nothing where they were slower.
    #[serde(rename = "saved_seconds", serialize_with = "in_seconds")]
    pub saved_time: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
pub(super) fn in_seconds<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    (*micros as f64 / 1e6).serialize(serializer)
}

impl Figures {
    /// Restores that were served.
    pub fn hits(&self) -> u64 {
        self.exact + self.partial + self.composed
    }

    /// Restores that were to be served.
    pub fn lookups(&self) -> u64 {
        self.hits() + self.misses
    }

    /// The part of them that was, from 0 to 1; nothing where there were none.
    pub fn rate(&self) -> Option<f64> {
        (self.lookups() > 0).then(|| self.hits() as f64 / self.lookups() as f64)
    }

    pub(super) fn add(&mut self, what: &What<'_>) {
        match *what {
            What::Restore { served, files, bytes, took, .. } => {
                let count = match served {
                    Served::Exact => &mut self.exact,
                    Served::Partial => &mut self.partial,
                    Served::Composed => &mut self.composed,
                    Served::Miss => &mut self.misses,
                    Served::Bypass => &mut self.bypasses,
                };
                *count += 1;
                self.restored_files += files;
                self.restored_bytes += bytes;
                self.restore_time += took;
            }
            What::Save { kept, bytes, took, saved, .. } => {
                match kept {
                    Kept::Entry => self.entries += 1,
                    Kept::Failed => self.failed_saves += 1,
                    Kept::Not => {}
                }
                self.saved_bytes += bytes;
                self.save_time += took;
                if let Some(saved) = saved {
                    self.estimated_jobs += 1;
                    self.saved_time += saved;
                }
            }
            What::Eviction { .. } | What::Damage { .. } | What::Guard { .. } => {}
        }
    }
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.exact += other.exact;
        self.partial += other.partial;
        self.composed += other.composed;
        self.misses += other.misses;
        self.bypasses += other.bypasses;
        self.restored_files += other.restored_files;
        self.restored_bytes += other.restored_bytes;
        self.restore_time += other.restore_time;
        self.entries += other.entries;
        self.saved_bytes += other.saved_bytes;
        self.failed_saves += other.failed_saves;
        self.save_time += other.save_time;
        self.estimated_jobs += other.estimated_jobs;
        self.saved_time += other.saved_time;
    }
}
