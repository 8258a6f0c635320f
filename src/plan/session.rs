//! What a restore leaves for the save of the same job: the plan, and from which entries the job started.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::layer_plan::{LayerPlan, Promise};
use super::layers::Plan;
use super::pool::Share;
use super::scope::{NoWrite, Scopes};
use super::settings::{JobStatus, Maintenance, Post, SaveMoment};
use crate::cargo::{FingerprintTimes, StepVariables, WhyLeftOut};
use crate::store::retention::Reach;
use crate::store::{Finality, Origin, Revision, Scope};
use crate::sys::Time;
use crate::tree::LinkMode;

/// What is to be saved when the job is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The layers.
    pub layers: Vec<SessionLayer>,
    /// The job's directory, which tells one local project from another.
    #[serde(with = "super::paths::one")]
    pub directory: PathBuf,
    /// `owner/name`.
    pub repository: String,
    /// The ref of the run, where the runner tells it.
    pub reference: Option<String>,
    /// Where to save, or why nowhere.
    pub scope: Result<Scope, NoWrite>,
    /// Whose entries go by the limits of this job.
    pub reach: Option<Reach>,
    /// The jobs whose entries these will be.
    pub lane: String,
    /// Who saves.
    pub origin: Origin,
    /// The event that the job is of.
    pub event: Option<String>,
    /// The variables of the restore's step, by which a save after the job knows what was built with them.
    pub variables: StepVariables,
    /// Whether to save.
    pub save: SaveMoment,
    /// The log of the worker that runs the job, if it was found: one that began later is of another job.
    #[serde(with = "super::paths::optional")]
    pub worker_log: Option<PathBuf>,
    /// By what the runner knows the job's processes.
    pub tracking: Option<String>,
    /// Who saves after the job if no step does; never [`Post::Auto`].
    pub post: Post,
    /// The file with the token by which GitHub can be asked how the job ended.
    #[serde(with = "super::paths::optional")]
    pub token_file: Option<PathBuf>,
    /// Whether the scope is the default branch, or there are no branches.
    pub is_of_default_branch: bool,
    /// How the store is kept in order.
    pub maintenance: Maintenance,
    /// When the job's restore was over.
    pub since: Timestamp,
    /// How files get into the cache.
    pub link_mode: LinkMode,
    /// Whether entries were only looked up, and the job has nothing of them.
    pub is_lookup: bool,
}

/// A layer, and what the job started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLayer {
    /// What to save.
    pub plan: LayerPlan,
    /// The entry that was restored.
    pub start: Option<Start>,
    /// The units that it got of the pool besides, by the names of its roots.
    pub pooled: BTreeMap<String, FingerprintTimes>,
    /// The units of that entry that it did not get, by the names of its roots and their own directories.
    pub left_out: BTreeMap<String, BTreeMap<String, LeftOut>>,
    /// What was known of its outputs when the restore was over, where it is about such.
    pub outset: Option<Outset>,
}

/// Why a job did not get a unit of its entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// These sources are not as they were, or gone.
    Sources(Vec<String>),
    /// It was built with another one that was left out.
    Dependency,
    /// This.
    Other {
        /// The reason.
        why: WhyLeftOut,
        /// What it is about.
        what: String,
    },
}

/// What was there when the restore was over: what tells build outputs that a job wrote, and with which commit it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outset {
    /// Outputs that were there when the restore was over.
    pub there: Vec<There>,
    /// What was checked out then.
    #[serde(default)]
    pub revisions: Vec<Revision>,
}

/// A file that was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct There {
    /// Where.
    #[serde(with = "super::paths::one")]
    pub path: PathBuf,
    /// Its time.
    pub mtime: Time,
}

/// The entry that a job started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Its directory.
    #[serde(with = "super::paths::one")]
    pub entry: PathBuf,
    /// Whether it was an exact hit: its key is the one to save under, and it holds all that this promises.
    pub is_exact: bool,
}

impl SessionLayer {
    /// What an entry is that a job with this `status` makes: what a job that did not succeed leaves may be half-made.
    pub fn finality(&self, status: JobStatus) -> Finality {
        let is_final = match self.plan.promise() {
            Promise::Nothing => true,
            // What there was of it is there still, and what was added is no less than that: unless whoever adds was stopped in
            // between, as by a cancellation.
            Promise::Growing => {
                status == JobStatus::Failure && self.start.as_ref().is_some_and(|start| start.is_exact)
            }
            Promise::Parts | Promise::Settled => false,
        };
        if is_final || status == JobStatus::Success { Finality::Final } else { Finality::Partial }
    }
}

impl Session {
    /// What in it is not as a restore of the job has noted it that may write to `scopes` and saves as `origin`, on a host that
    /// lets jobs have at most `most` in common.
    pub fn check(&self, scopes: &Scopes, origin: &Origin, most: Share) -> Result<(), String> {
        if let Ok(scope) = &self.scope
            && scopes.write.as_ref() != Ok(scope)
        {
            return Err(format!("another scope ({} of {})", scope.reference, scope.repository));
        }
        if self.reach.is_some() && self.reach != scopes.reach {
            return Err("other limits of entries".to_owned());
        }
        if self.is_of_default_branch != scopes.is_of_default_branch {
            return Err("another default branch".to_owned());
        }
        if self.origin.run != origin.run || self.origin.job != origin.job {
            return Err("another run or job".to_owned());
        }
        let mut pools = self.layers.iter().filter_map(|layer| layer.plan.pool());
        if !pools.all(|pool| most.allows(pool.write.as_ref(), scopes)) {
            return Err("another unit pool".to_owned());
        }
        Ok(())
    }

    /// The session of `plan`, with the entries that the layers started from, in the plan's order. `since` is now.
    pub fn new(
        plan: Plan,
        starts: Vec<Option<Start>>,
        origin: Origin,
        maintenance: Maintenance,
        since: Timestamp,
    ) -> Self {
        let layers = plan.layers.into_iter().zip(starts);
        let layers = layers.map(|(plan, start)| SessionLayer {
            plan,
            start,
            pooled: BTreeMap::new(),
            left_out: BTreeMap::new(),
            outset: None,
        });
        Self {
            layers: layers.collect(),
            directory: plan.directory,
            repository: plan.scopes.repository,
            reference: None,
            scope: plan.scopes.write,
            reach: plan.scopes.reach,
            lane: plan.lane,
            origin,
            event: None,
            variables: StepVariables::default(),
            worker_log: None,
            save: plan.save,
            post: Post::None,
            token_file: None,
            tracking: None,
            is_of_default_branch: plan.scopes.is_of_default_branch,
            maintenance,
            since,
            link_mode: plan.link_mode,
            is_lookup: false,
        }
    }
}
