//! What a command did, as a value: log, outputs, environment, step summary and JSON are renderings of it.
//!
//! The field names and codes of one [`VERSION`] stay as they are; what is added later changes nothing for who reads them.

mod audited;
mod cleaned;
mod doctor;
mod entries;
mod explained;
mod host;
mod last_build;
mod live;
mod migrated;
mod miss;
mod program;
mod report;
mod restore;
mod save;
mod stats;
mod unusable;
mod usage;
mod warning;

use std::time::Duration;

use serde::{Serialize, Serializer};

pub use audited::{
    Audited, CameFrom, ComparedBuilds, DifferingUnit, ExitCodes, HowMade, NotComparable, UnitName, WhyFresh,
};
pub use cleaned::{Cleaned, FullDisk, Large};
pub use doctor::{Check, CheckCode, Diagnosis, Fix, Severity};
pub use entries::{Doomed, HeldDirectory, InspectedEntry, Removed, UnsoundEntry, Verified};
pub use explained::{Explained, ExplainedEntry, ExplainedLayer, ExplainedPool, NearestEntry, Verdict};
pub use host::{HostOutcome, HostPiece, HostState};
pub use last_build::{Built, BuiltDirectory, CompiledUnit, LastBuild, RestoredEntry};
pub use live::{Live, LiveLock, Party, StoredNow};
pub use migrated::{Migrated, MigratedFile};
pub use miss::Miss;
pub use program::{Fetched, Update, Updated};
pub use report::{OneEntry, ReportOutcome, ShownEntries};
pub use restore::{
    Composed, Hit, LackingTool, LayerHistory, LayerRestore, Matched, RestoreOutcome, RestoreTimes,
    SourcesKept, Transfer, UnitsKept, UnitsLeftOut,
};
pub use save::{LayerSave, LeftOut, NotOwn, NotSaved, Pooled, SaveOutcome, SaveTimes, Saved, UnknownOutputs};
pub use stats::{StatsForm, StatsOutcome, Stored};
pub use unusable::Unusable;
pub use usage::{GroupUsage, Part, UsageOutcome};
pub use warning::{Code, Warning};

pub use crate::cargo::WhyLeftOut;
use crate::store::retention::Known;

/// The version of the form.
pub const VERSION: u32 = 1;

/// What a command did, with what it warned of meanwhile.
#[derive(Debug, Serialize)]
pub struct Outcome<'a> {
    /// [`VERSION`].
    pub version: u32,
    /// The exit code that the command ends with.
    pub exit_code: u8,
    /// How long it took, from the start of the process.
    #[serde(serialize_with = "in_seconds")]
    pub seconds: Duration,
    /// Why it failed; more than one where several things did.
    pub errors: &'a [String],
    /// What it warned of, in order.
    pub warnings: &'a [Warning],
    /// What it did; nothing where it could not even begin.
    #[serde(flatten)]
    pub done: Option<&'a Done>,
}

/// What a command did.
#[derive(Debug, Serialize)]
#[serde(tag = "command", content = "result", rename_all = "kebab-case")]
pub enum Done {
    /// `restore`.
    Restore(RestoreOutcome),
    /// `save`: of each restore of the job, or of the inputs.
    Save(Vec<SaveOutcome>),
    /// `run`.
    Run {
        /// What was restored before.
        restored: RestoreOutcome,
        /// What was saved afterwards; nothing where the command did not come to run.
        saved: Option<SaveOutcome>,
    },
    /// `audit`.
    Audit(Audited),
    /// `explain`.
    Explain(Explained),
    /// `explain --last-build`.
    LastBuild(LastBuild),
    /// `list`.
    List(#[serde(serialize_with = "entries::serialize")] Vec<Known>),
    /// `inspect`.
    Inspect(Vec<InspectedEntry>),
    /// `du`.
    Du(UsageOutcome),
    /// `stats`.
    Stats(Box<StatsOutcome>),
    /// `report`.
    Report(Box<ReportOutcome>),
    /// `top`, of one moment.
    Top(Box<Live>),
    /// `gc`; nothing where another process was at it.
    Gc(Option<Cleaned>),
    /// `gc --dry-run`.
    WouldGo(Doomed),
    /// `remove`.
    Remove(Removed),
    /// `verify`.
    Verify(Verified),
    /// `flush`.
    Flush,
    /// `hook`.
    Hook(HostOutcome),
    /// `host`.
    Host(HostOutcome),
    /// `doctor`.
    Doctor(Diagnosis),
    /// `migrate`.
    Migrate(Vec<MigratedFile>),
    /// `fetch`.
    Fetch(Fetched),
    /// `self-update`.
    SelfUpdate(Updated),
}

/// A duration in seconds.
fn in_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    duration.as_secs_f64().serialize(serializer)
}
