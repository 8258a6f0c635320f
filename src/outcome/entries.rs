//! Entries, and what became of them by a person's command.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::store::retention::{Known, Planned, Policy, Reason};
use crate::store::{Factor, Finality, Layer, key_id};

/// An entry as programs read it.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    layer: Layer,
    id: String,
    key: &'a str,
    repository: &'a str,
    #[serde(rename = "ref")]
    reference: &'a str,
    lane: &'a str,
    files: u64,
    bytes: u64,
    created: Timestamp,
    finality: Finality,
    last_used: Timestamp,
    made_in_seconds: u64,
    #[serde(serialize_with = "crate::sys::lossy::path")]
    directory: PathBuf,
    made_by: MadeBy<'a>,
}

/// The job that saved an entry.
#[derive(Serialize)]
struct MadeBy<'a> {
    workflow: Option<&'a str>,
    job: Option<&'a str>,
    run: Option<&'a str>,
    commit: Option<&'a str>,
    runner: Option<&'a str>,
}

impl<'a> From<&'a Known> for Entry<'a> {
    fn from(Known { id, header, last_used, .. }: &'a Known) -> Self {
        Self {
            layer: header.layer(),
            id: key_id(header.layer(), &header.key),
            key: &header.key,
            repository: &header.scope.repository,
            reference: &header.scope.reference,
            lane: &header.lane,
            files: header.files,
            bytes: header.bytes,
            created: header.created,
            finality: header.finality,
            last_used: *last_used,
            made_in_seconds: header.made_in_seconds,
            directory: id.path(),
            made_by: MadeBy {
                workflow: header.origin.workflow.as_deref(),
                job: header.origin.job.as_deref(),
                run: header.origin.run.as_deref(),
                commit: header.origin.commit.as_deref(),
                runner: header.origin.runner.as_deref(),
            },
        }
    }
}

pub(super) fn serialize<S: Serializer>(entries: &[Known], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(entries.iter().map(Entry::from))
}

/// A directory that an entry holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldDirectory {
    /// What the job calls it.
    pub name: String,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// All that is known about an entry.
#[derive(Debug)]
pub struct InspectedEntry {
    /// What all entries have.
    pub known: Known,
    /// What it holds; nothing where that cannot be read.
    pub holds: Vec<HeldDirectory>,
}

impl Serialize for InspectedEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Inspected<'a> {
            #[serde(flatten)]
            entry: Entry<'a>,
            factors: &'a [Factor],
            holds: &'a [HeldDirectory],
        }
        let Self { known, holds } = self;
        Inspected { entry: known.into(), factors: &known.header.factors, holds }.serialize(serializer)
    }
}

/// What a clean-up would remove.
#[derive(Debug)]
pub struct Doomed {
    /// What would go, and why.
    pub plan: Vec<Planned>,
    /// All entries.
    pub known: Vec<Known>,
    /// Bytes that the disk would have more.
    pub frees: u64,
    /// By what it was decided.
    pub policy: Policy,
}

impl Serialize for Doomed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Going<'a> {
            #[serde(flatten)]
            entry: Entry<'a>,
            reason: Reason,
        }
        #[derive(Serialize)]
        struct All<'a> {
            going: Vec<Going<'a>>,
            frees_bytes: u64,
        }
        let of = |planned: &Planned| self.known.iter().find(|known| known.id == planned.id);
        let going = self
            .plan
            .iter()
            .filter_map(|planned| Some(Going { entry: of(planned)?.into(), reason: planned.reason }));
        All { going: going.collect(), frees_bytes: self.frees }.serialize(serializer)
    }
}

/// What was removed.
#[derive(Debug, Default, Serialize)]
pub struct Removed {
    /// Directories of entries that would go, where that was asked.
    #[serde(serialize_with = "crate::sys::lossy::all")]
    pub would_remove: Vec<PathBuf>,
    /// Entries that went.
    pub removed: u64,
    /// Their bytes as recorded.
    pub bytes: u64,
    /// Words that name no entry.
    pub unknown: Vec<String>,
    /// Directories of entries in use, which could not be removed.
    #[serde(serialize_with = "crate::sys::lossy::all")]
    pub in_use: Vec<PathBuf>,
    /// Why others are still there.
    pub failures: Vec<String>,
}

/// What a verification found.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Entries that are as recorded.
    pub sound: u64,
    /// Those that are not.
    pub damaged: Vec<UnsoundEntry>,
    /// How many could not be read.
    pub unread: u64,
}

/// An entry that is not as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnsoundEntry {
    /// Its directory.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub directory: PathBuf,
    /// What is wrong.
    pub why: String,
    /// Where it is now; nothing where it is gone.
    #[serde(serialize_with = "crate::sys::lossy::some")]
    pub moved_to: Option<PathBuf>,
}
