//! Target directories: which units of an entry are fresh in a job, and which of a job's are saved.

pub(crate) mod fingerprints;
pub(crate) mod freshness;
pub(crate) mod left_out;
pub(crate) mod live_sources;
pub(crate) mod provenance;
pub(crate) mod rules;
pub(crate) mod strays;
pub(crate) mod sweep;
