//! `audit`: runs a command on what the restore gave and then from nothing, and compares what it made.
//!
//! From nothing means that the restored target directories are set aside and put back, so that both builds have the same
//! path, which is in what they make. A second build from nothing is run only where the first differs: it tells what is
//! reproducible. Nothing is saved.

mod builds;
mod left;
mod reason;
mod used;

use std::ffi::OsString;

use self::builds::{Builds, Stopped};
use self::left::Finals;
use self::reason::Reasons;
use crate::cargo::compare;
use crate::cli::Inputs;
use crate::commands::ended::Ended;
use crate::commands::run::Output;
use crate::job::{Exit, Job};
use crate::outcome::{Audited, Code, Done, Hit};
use crate::pipeline::planning::{self, Beginning};
use crate::pipeline::restore::{self, RestoreRun};
use crate::plan::{Plan, Settings};
use crate::store::{Layer, shown_key};

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, output: Output, command: &[OsString]) -> anyhow::Result<Ended> {
    if inputs.settings(&job.env).lookup_only {
        let why = "input `lookup-only`: an audit must restore";
        job.error(format!("{why}; hint: remove it"));
        return Ok(Ended::early(Exit::Usage));
    }
    match audit(job, inputs, output, command) {
        Ok(audited) => {
            let exit = if matches!(audited, Audited::Different(_)) { Exit::Failure } else { Exit::Success };
            Ok(Ended::with(exit, Done::Audit(audited)))
        }
        Err(Stopped::Early(exit)) => Ok(Ended::early(exit)),
        Err(Stopped::Trouble(_)) if job.interrupt.is_raised() => Ok(Ended::early(Exit::Interrupted)),
        Err(Stopped::Trouble(error) | Stopped::NotPutBack(error)) => Err(error),
    }
}

fn audit(job: &Job, inputs: &Inputs, output: Output, command: &[OsString]) -> Result<Audited, Stopped> {
    let (settings, plan) = match planning::begin(job, inputs) {
        Beginning::Planned { settings, plan } => (settings, plan),
        Beginning::NoCache(_) => return Ok(nothing("no cache in this job")),
        Beginning::Refused(exit) => return Err(Stopped::Early(exit)),
    };
    if !restore::make_room(job, &settings, &plan) {
        return Err(Stopped::Early(Exit::Failure));
    }
    let restored = restore::restore(job, &settings, &plan);
    restore::report(job, &restored.outcome);
    if job.interrupt.is_raised() {
        return Err(Stopped::Early(Exit::Interrupted));
    }
    if restored.is_broken || restore::exit(job, &settings, &restored.outcome) != Exit::Success {
        return Err(Stopped::Early(Exit::Failure));
    }
    let Some(number) = plan.layers.iter().position(|layer| layer.layer() == Layer::Target) else {
        return Ok(nothing("this job restores no target directory"));
    };
    if restored.outcome.layers[number].hit == Hit::Miss {
        let key = shown_key(Layer::Target, &plan.layers[number].key);
        return Ok(nothing(format!("no target directory was restored (key {key})")));
    }
    let builds =
        Builds { job, roots: &plan.layers[number].roots, command, output, outcome: &restored.outcome };
    compared(job, &settings, &plan, &restored, number, &builds)
}

fn nothing(note: impl Into<String>) -> Audited {
    Audited::Nothing { note: note.into() }
}

/// Builds and compares. The layer of the plan with this `number` is that of the target directories.
fn compared(
    job: &Job,
    settings: &Settings,
    plan: &Plan,
    restored: &RestoreRun,
    number: usize,
    builds: &Builds<'_>,
) -> Result<Audited, Stopped> {
    let on_restored = builds.on_restored()?;
    let clean = builds.clean()?;
    if clean.build.units.is_empty() {
        let directories: Vec<_> = builds.roots.iter().map(|root| root.path.display().to_string()).collect();
        job.warn(
            Code::Incomplete,
            format!(
                "audit: comparing exit codes only: the command built nothing in {}; hint: check \
                 CARGO_TARGET_DIR or `workspaces`",
                directories.join(", ")
            ),
        );
    }
    let warm = on_restored.left(Finals::As(&clean.build), &clean.build, &job.interrupt)?;
    let mut found = compare(&warm.build, &clean.build, &clean.build);
    let mut again = None;
    if found.is_difference() {
        job.console.say("audit: the builds differ; building again from scratch to see what is reproducible");
        let second = builds.clean()?;
        found = compare(&warm.build, &clean.build, &second.build);
        again = Some(second.build.code);
    }
    let reasons = Reasons {
        job,
        layer: &plan.layers[number],
        lease: reason::lease(job, settings, restored.outsets[number].start.as_ref()),
        pooled: &restored.outsets[number].pooled,
        on_restored: &on_restored,
        warm: &warm,
        clean: &clean,
    };
    Ok(reasons.told(found, again)?)
}
