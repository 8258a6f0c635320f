//! The steps of a restore and of a save, from inputs to an outcome.

pub(crate) mod afterwards;
pub(crate) mod around_job;
pub(crate) mod candidates;
pub(crate) mod clean_up;
pub(crate) mod closed;
mod disk_guard;
mod filling;
pub(crate) mod flush;
mod handing_back;
mod job_end;
pub(crate) mod links;
pub(crate) mod lookup;
mod outliving;
pub(crate) mod planning;
pub(crate) mod record;
pub(crate) mod restore;
pub(crate) mod restore_layer;
pub(crate) mod reuse_plan;
pub(crate) mod save;
pub(crate) mod save_layer;
pub(crate) mod session;
mod survivors;
pub(crate) mod watch;
