//! The unit pool: compiled dependencies, for all jobs that need the same.

pub(crate) mod pool;
pub(crate) mod publish;
pub(crate) mod restore;
