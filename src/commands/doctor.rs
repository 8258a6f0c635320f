//! `doctor`: how this host does, and what to change.

use std::path::Path;

use super::bundle;
use super::ended::Ended;
use crate::doctor::{self, Asked};
use crate::job::{Exit, Job};
use crate::outcome::{Done, Severity};

/// The command.
pub(super) fn run(job: &Job, asked: &Asked, fix: bool, bundle: Option<&Path>) -> anyhow::Result<Ended> {
    let diagnosis = doctor::diagnose(job, asked, fix);
    if let Some(path) = bundle {
        bundle::write(job, asked, &diagnosis, path)?;
    }
    let is_problem = diagnosis.checks.iter().any(|check| check.severity == Severity::Problem);
    let exit = if is_problem { Exit::Failure } else { Exit::Success };
    Ok(Ended::with(exit, Done::Doctor(diagnosis)))
}
