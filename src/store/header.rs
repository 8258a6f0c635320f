//! What an entry is: a line of JSON in its manifest, for people and for `list`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::provenance::Outside;
use super::{Finality, Layer};

/// Repository and ref in which a key is looked up and saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// `owner/name`.
    pub repository: String,
    /// A full ref such as `refs/heads/main`.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// One named input of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Its name, such as `lock`.
    pub name: String,
    /// What goes into the key's text.
    pub digest: String,
    /// What was hashed: a label (a file's path, a variable's name) and its value or digest. For people.
    pub items: Vec<(String, String)>,
}

/// Who made an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The URL of the server whose repository it is.
    #[serde(default)]
    pub server: Option<String>,
    /// The workflow's name.
    pub workflow: Option<String>,
    /// The job's id in its workflow.
    pub job: Option<String>,
    /// Number of the run.
    pub run: Option<String>,
    /// The commit that was built.
    pub commit: Option<String>,
    /// The runner's name.
    pub runner: Option<String>,
    /// The kernel's boot: an entry of an earlier one may not have reached the disk.
    pub boot: Option<String>,
    /// Milliseconds from that boot until the entry's files were all there.
    #[serde(default)]
    pub since_boot: Option<u64>,
}

impl Origin {
    /// Whether both are of one job of one run, on one runner. Outside of a run nobody can tell.
    pub fn is_of_job(&self, other: &Self) -> bool {
        let job = |origin: &Self| (origin.workflow.clone(), origin.job.clone(), origin.runner.clone());
        self.run.is_some() && self.run == other.run && job(self) == job(other)
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What kind of thing it holds, and what is told of that kind alone.
    #[serde(flatten)]
    pub data: LayerData,
    /// Its key, whole.
    pub key: String,
    /// What went into the key; empty for a key that the user gave.
    pub factors: Vec<Factor>,
    /// Repository and ref.
    pub scope: Scope,
    /// The jobs whose entry this is.
    pub lane: String,
    /// Entries of one layer, repository, ref, lane and family are kept up to a number: they are versions of one thing.
    pub family: String,
    /// A digest of what it is about, in the user's words.
    pub contents: String,
    /// Who made it.
    pub origin: Origin,
    /// When.
    pub created: Timestamp,
    /// Whether it holds all that its key promises.
    #[serde(default)]
    pub finality: Finality,
    /// Whether its ref is the repository's default branch, whose entries all others fall back on.
    #[serde(default)]
    pub is_of_default_branch: bool,
    /// How long the job took from its restore to its save: the most that making the entry again can cost.
    #[serde(default)]
    pub made_in_seconds: u64,
    /// Bytes that a job of its family wrote into the directories from its restore to its save, at most.
    #[serde(default)]
    pub wrote: u64,
    /// Files and symlinks in it.
    pub files: u64,
    /// Bytes in it.
    pub bytes: u64,
}

/// What a header tells of an entry of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "lowercase")]
pub enum LayerData {
    /// See [`Layer::Cargo`].
    Cargo,
    /// See [`Layer::Target`].
    Target,
    /// See [`Layer::Units`].
    Units {
        /// The unit that it holds.
        unit: Unit,
    },
    /// See [`Layer::Builds`].
    Builds,
    /// See [`Layer::Paths`].
    Paths,
    /// See [`Layer::Bins`].
    Bins {
        /// The packages whose executables it holds.
        #[serde(default)]
        installs: Vec<Install>,
    },
}

impl LayerData {
    /// The layer.
    pub fn layer(&self) -> Layer {
        match self {
            Self::Cargo => Layer::Cargo,
            Self::Target => Layer::Target,
            Self::Units { .. } => Layer::Units,
            Self::Builds => Layer::Builds,
            Self::Paths => Layer::Paths,
            Self::Bins { .. } => Layer::Bins,
        }
    }
}

/// A compiled unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its own directory in a target directory: no other unit lies there.
    pub slot: String,
    /// The package, `<name>-<version>`.
    pub package: String,
    /// The package's features, as cargo writes them.
    pub features: String,
    /// The variables that its build script said it reads, each with the SHA-256 of its value: values can be secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Option<String>>,
    /// The digests of the units that it was built with.
    pub needs: Vec<String>,
    /// What lies outside of the cargo home and was read, run or linked, such as a library of the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<Outside>,
}

/// A package that cargo has installed, as cargo has noted it: without the note it takes the executables for somebody
/// else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Install {
    /// Cargo's words for it: `<name> <version> (<source>)`.
    pub package: String,
    /// The names of its executables, in order.
    pub bins: Vec<String>,
    /// All else that is noted of it, such as its features; nothing where cargo was too old to do so.
    pub details: Option<serde_json::Value>,
}

impl Header {
    /// The layer.
    pub fn layer(&self) -> Layer {
        self.data.layer()
    }

    /// The packages whose executables it holds: none where it holds something else.
    pub fn installs(&self) -> &[Install] {
        if let LayerData::Bins { installs } = &self.data { installs } else { &[] }
    }

    /// The unit that it holds, if it is one of the pool.
    pub fn unit(&self) -> Option<&Unit> {
        if let LayerData::Units { unit } = &self.data { Some(unit) } else { None }
    }

    /// What stands in the key for the compiler, where the key has it.
    pub fn toolchain(&self) -> Option<&str> {
        self.factors.iter().find(|factor| factor.name == "rustc").map(|factor| factor.digest.as_str())
    }
}
