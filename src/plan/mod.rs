//! What is to be done: a pure function from the user's settings and the facts of a job to layers with keys, scopes and
//! directories. Nothing here reads a file or the clock.

mod cache_mode;
mod check;
mod compose;
mod explain;
mod facts;
mod host_policy;
mod job_layer;
mod key;
mod layer_plan;
mod layers;
mod parse;
pub mod path_lines;
mod paths;
mod pool;
mod preset;
mod roots;
mod scope;
mod session;
mod settings;
mod workspace_spec;

pub use cache_mode::CacheMode;
pub use check::Contradiction;
pub use compose::{Offer, fitting};
pub use explain::{Change, Difference, differences, nearest};
pub use facts::{Facts, FileDigest};
pub use host_policy::{HOST_POLICY, HostLimits, HostPolicy};
pub use job_layer::JobLayer;
pub use layer_plan::{Checkout, LayerPlan, LayerSpec, OutputPlan, Promise, SourcesPlan, TargetPlan};
pub use layers::{Plan, build, needs_parts};
pub use parse::{
    Unreadable, parse_age, parse_bytes, parse_keep, parse_layers, parse_lines, parse_min_free, parse_names,
    parse_parts, parse_paths, parse_tools, parse_words,
};
pub use pool::{PoolPlan, Share, UnitDirectory, UnitKey};
pub use preset::{
    OWN_PRESETS, Place, Preset, PresetPath, Presets, Tells, built_in_presets, choose, parse_own_presets,
};
pub use roots::{RootPlan, Shape};
pub use scope::{Access, EVENTS, Modes, NoWrite, Scopes, access};
pub use session::{LeftOut, Outset, Session, SessionLayer, Start, There};
pub use settings::{DiskGuard, Incremental, JobStatus, Maintenance, Post, SaveMoment, Settings};
pub use workspace_spec::WorkspaceSpec;
