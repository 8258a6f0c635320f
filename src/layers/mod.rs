//! What is particular to each layer: what of it is saved, which entry serves it, and what is done before and after its files come.

pub(crate) mod base_diff;
pub(crate) mod bins;
pub(crate) mod builds;
pub(crate) mod cargo_home;
pub(crate) mod source;
pub(crate) mod target_dir;
pub(crate) mod units;
pub(crate) mod working_tree;
