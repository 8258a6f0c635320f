//! What the units of a target directory were made of: enough to tell, without reading any of them, which are what a build in
//! another checkout would make.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::contents::{Root, Sources};
use crate::sys::{Digest, Time};
use crate::tree::NodeId;

/// Of all roots of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Directories that units can be bound to, as bytes of absolute paths: the job's own, its temporary one, the target
    /// directories, those of the sources.
    pub places: Vec<Vec<u8>>,
    /// What is checked out, in the order of the sources.
    pub revisions: Vec<Revision>,
    /// What lies in none of the sources.
    pub outside: Vec<Outside>,
    /// The packages of the sources.
    pub packages: Vec<Package>,
    /// For each root its units, in the order of [`crate::cargo::units`].
    pub roots: Vec<Vec<Made>>,
    /// For each root what the manifests set for the profiles of each of its directories, such as `debug`: a digest, in
    /// hexadecimal digits.
    pub profiles: Vec<BTreeMap<String, String>>,
}

/// What git tells of a checkout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit, in hexadecimal digits; empty where there is none.
    pub commit: String,
    /// The branch; nothing where none is checked out.
    pub branch: Option<String>,
    /// The names that tags give the commit, such as `v1.2.0` or `v1.2.0-3-g1a2b3c4`.
    pub described: String,
    /// When the commit was made, in the forms that scripts ask for, and all its tags as git lists them.
    pub times: Vec<String>,
}

/// A package of the sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its directory.
    pub directory: SourceId,
    /// The version that its manifest or, where that says so, its workspace's gives; nothing where that is not known.
    pub version: Option<String>,
}

/// A file, link or directory of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId {
    /// The index of its [`Sources`] in the manifest.
    pub sources: u32,
    /// Its node there.
    pub node: NodeId,
}

/// What lies outside of the sources, and what was found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// What it is.
    pub input: OutsideInput,
    /// What was there.
    pub state: OutsideState,
}

/// Something outside of the sources that units can be made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OutsideInput {
    /// A file or directory, by its absolute path.
    Path(String),
    /// A program by its name, as `PATH` leads to it.
    Program(String),
    /// An environment variable by its name.
    Variable(String),
    /// The packages of the system.
    Packages,
    /// The variables that a configuration file of cargo's sets, by its absolute path; none where it is absent.
    Settings(String),
    /// The environment variables that are known to change what programs put out that scripts call.
    OutputVariables,
    /// Those that linkers read.
    LinkVariables,
}

/// What was found outside of the sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutsideState {
    /// A file with these contents.
    File(Digest),
    /// A file of the system, of which no more is read.
    Installed {
        /// Its size in bytes.
        size: u64,
        /// The time that the package manager gave it.
        mtime: Time,
    },
    /// A directory, a value or a list of packages; a digest of all that is in it, in hexadecimal digits.
    Digest(String),
    /// Nothing, or something that could not be read.
    Unreadable,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The node of its own directory in the root's tree.
    pub directory: NodeId,
    /// The indices of the units that it was built with, in the same root.
    pub needs: Vec<u32>,
    /// The indices of the places that it leads to.
    pub bound: Vec<u32>,
    /// Whether it tells the commit.
    pub is_of_commit: bool,
    /// What it can do as a procedural macro; nothing where it is none.
    pub ability: Ability,
    /// The package of a registry or of git that it is of, `<name>-<version>` or `<name>-<commit>`; nothing for one of the
    /// sources.
    pub download: Option<String>,
    /// What was written beside its own directories when it was made: the number of a root, and a node in its tree.
    pub extras: Vec<(u32, NodeId)>,
    /// What it was made of.
    pub inputs: Inputs,
}

/// What a procedural macro can do besides what it is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ability {
    /// It can read files.
    pub reads: bool,
    /// It can run programs, such as git.
    pub runs: bool,
    /// It reads variables by `std::env::var`.
    pub asks: bool,
}

/// What a unit was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inputs {
    /// It is not known: something was not noted, or has changed since.
    Unknown,
    /// Cargo's notes are of a kind that is not known: only cargo can judge it.
    Foreign,
    /// These.
    Known(Box<KnownInputs>),
}

/// What a unit is known to have been made of, besides downloads and other units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownInputs {
    /// The packages that it can be of, by their indices; none for that of a download.
    pub own: Vec<u32>,
    /// What cargo compares with the time of its list of the unit's sources.
    pub listed: Vec<SourceId>,
    /// What cargo compares with the time of a script's run: directories stand for all that is in them.
    pub watched: Vec<SourceId>,
    /// Packages of whose files cargo has noted the time of the newest, by their indices.
    pub watched_packages: Vec<u32>,
    /// What cargo does not look at: what is linked, what a script wrote into the sources.
    pub read: Vec<SourceId>,
    /// Packages of which every file counts, by their indices.
    pub packages: Vec<u32>,
    /// Directories of which all counts although nobody names it: those of files that a script names.
    pub beside: Vec<SourceId>,
    /// Names that were looked for in a directory, and not found.
    pub absent: Vec<(SourceId, String)>,
    /// What lies outside, by its indices.
    pub outside: Vec<u32>,
    /// Whether a procedural macro may have read what nobody tells: all that is no other package's code counts.
    pub is_open: bool,
}

impl Made {
    /// Whether it does in another target directory what it does where it was made, without anything else of the job.
    pub fn is_self_contained(&self) -> bool {
        let is_alone = matches!(&self.inputs, Inputs::Known(known) if !known.has_sources());
        is_alone && self.extras.is_empty() && self.bound.is_empty() && !self.is_of_commit
    }
}

impl KnownInputs {
    /// Whether anything of the sources is among it.
    pub fn has_sources(&self) -> bool {
        !self.own.is_empty()
            || self.is_open
            || [&self.listed, &self.watched, &self.read, &self.beside].iter().any(|ids| !ids.is_empty())
    }
}

impl Provenance {
    /// Checks that no index leads out of the entry that it is of.
    pub(super) fn is_of(&self, roots: &[Root], sources: &[Sources]) -> bool {
        let is_source = |id: &SourceId| {
            let sources = sources.get(id.sources as usize);
            sources.is_some_and(|sources| id.node < sources.snapshot.tree().len())
        };
        let is_known = |known: &KnownInputs| {
            let mut ids = known.listed.iter().chain(&known.watched).chain(&known.read).chain(&known.beside);
            ids.all(is_source)
                && known.absent.iter().all(|(directory, _)| is_source(directory))
                && known
                    .own
                    .iter()
                    .chain(&known.packages)
                    .chain(&known.watched_packages)
                    .all(|&index| (index as usize) < self.packages.len())
                && known.outside.iter().all(|&index| (index as usize) < self.outside.len())
        };
        let is_node = |&(root, node): &(u32, NodeId)| {
            roots.get(root as usize).is_some_and(|root| node < root.tree.len())
        };
        let is_unit = |made: &Made, root: &Root, units: usize| {
            made.directory < root.tree.len()
                && made.extras.iter().all(is_node)
                && made.needs.iter().all(|&need| (need as usize) < units)
                && made.bound.iter().all(|&place| (place as usize) < self.places.len())
                && root.tree.node(made.directory).kind.is_directory()
                && match &made.inputs {
                    Inputs::Unknown | Inputs::Foreign => true,
                    Inputs::Known(known) => is_known(known),
                }
        };
        self.packages.iter().all(|package| is_source(&package.directory))
            && self.roots.len() <= roots.len()
            && self
                .roots
                .iter()
                .zip(roots)
                .all(|(units, root)| units.iter().all(|made| is_unit(made, root, units.len())))
    }
}
