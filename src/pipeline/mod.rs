//! The steps of a restore and of a save, from inputs to a report.

pub(crate) mod candidates;
pub(crate) mod flush;
pub(crate) mod housekeeping;
pub(crate) mod links;
pub(crate) mod lookup;
pub(crate) mod planning;
pub(crate) mod restore;
pub(crate) mod restore_layer;
pub(crate) mod reuse_plan;
pub(crate) mod save;
pub(crate) mod save_layer;
pub(crate) mod session;
