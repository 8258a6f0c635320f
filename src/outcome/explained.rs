//! What a job looks for, what there is, and what becomes of it.

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::entries::Entry;
use super::restore::Composed;
use super::unusable::Unusable;
use crate::plan::{Difference, NoWrite};
use crate::store::retention::Known;
use crate::store::{Factor, Layer};

/// What a job looks for, and what there is.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// The root of the cache.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub cache_root: PathBuf,
    /// The repository.
    pub repository: String,
    /// The refs that the job looks into, in order.
    pub refs: Vec<String>,
    /// Why it saves nothing, if it does not.
    pub only_reads: Option<NoWrite>,
    /// Its lane.
    pub lane: String,
    /// The key that alone is told of, if any.
    pub of: Option<String>,
    /// Its layers.
    pub layers: Vec<ExplainedLayer>,
}

/// What there is for one layer.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedLayer {
    /// The layer.
    pub layer: Layer,
    /// The short id of its key.
    pub id: String,
    /// The key that is looked for.
    pub key: String,
    /// Prefixes of keys that will do, best first.
    pub restore_keys: Vec<String>,
    /// What the key was made from; nothing for a key that the user gave.
    pub factors: Vec<Factor>,
    /// What it is about: directories, and files that the user listed.
    #[serde(serialize_with = "crate::sys::lossy::all")]
    pub paths: Vec<PathBuf>,
    /// The entry whose key is nearest.
    pub nearest: Option<NearestEntry>,
    /// All entries of the repository, in the order in which they are tried.
    pub entries: Vec<ExplainedEntry>,
    /// The unit pool that completes it, if any.
    pub pool: Option<ExplainedPool>,
}

/// The entry whose key is nearest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearestEntry {
    /// Its key.
    pub key: String,
    /// Its ref.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What of its key differs.
    pub differences: Vec<Difference>,
}

/// A unit pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedPool {
    /// What the keys of its units are made from besides those of the layer's.
    pub factors: Vec<Factor>,
    /// What it has for an empty target directory; nothing where that was not asked, or is nothing.
    pub serves: Option<Composed>,
}

/// An entry, and what becomes of it.
#[derive(Debug, Clone)]
pub struct ExplainedEntry {
    /// What it is.
    pub known: Known,
    /// Whether it serves.
    pub verdict: Verdict,
}

impl Serialize for ExplainedEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Explained<'a> {
            #[serde(flatten)]
            entry: Entry<'a>,
            verdict: &'a Verdict,
        }
        let Self { known, verdict } = self;
        Explained { entry: known.into(), verdict }.serialize(serializer)
    }
}

/// Whether an entry serves a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum Verdict {
    /// It does.
    Taken {
        /// Whether under exactly the key.
        is_exact: bool,
    },
    /// It would, were there not a better one.
    Later,
    /// It is of a ref that this job does not look into.
    OtherScope,
    /// It is of another lane, and here that matters.
    OtherLane,
    /// Its key does not begin as one that will do.
    OtherKey(Vec<Difference>),
    /// It is about other paths.
    OtherPaths,
    /// It has none of the tools.
    OtherTools,
    /// It cannot be read now.
    Unusable(Unusable),
}
