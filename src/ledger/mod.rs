//! What happened in a cache, kept for statistics: each restore, save, eviction, damage and disk check is an event.
//!
//! The events lie in `<root>/ledger/events.db`, an SQLite database in WAL mode, so that several processes append at the same
//! time and one that is killed loses at most what it had not committed. A job does without: whoever cannot append goes on.
//!
//! What is kept is bounded ([`bounds`]). Counters of all time are kept besides, in `total`, for who takes differences of
//! counters himself, as Prometheus does. No value of a variable, no key and no path is ever in it: keys are digests.

mod append;
pub mod bounds;
pub mod detail;
mod error;
mod event;
mod figures;
mod file;
mod fold;
mod history;
mod latest;
mod names;
mod read;
mod row;
pub mod stats;
mod totals;

pub use append::Mark;
pub use error::{Error, Result};
pub use event::{
    Began, Checked, Event, Evicted, Family, Kept, KeyDigest, Moved, Restored, SaveSteps, Saved, Served,
    Source,
};
pub use figures::Figures;
pub use file::{Ledger, with_ledger};
pub use history::{Run, estimate};
pub use latest::{Latest, OfRunner};
pub use read::{Recorded, What, Window};
pub use totals::Total;
