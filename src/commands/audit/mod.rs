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

use self::builds::{Builds, Ended};
use self::left::Finals;
use self::reason::Reasons;
use crate::cargo::compare;
use crate::cli::Inputs;
use crate::commands::run::Output;
use crate::job::{Exit, Job};
use crate::pipeline::planning;
use crate::pipeline::restore::{self, Restored};
use crate::plan::{Plan, Settings};
use crate::report::{Audited, ComparedBuilds, Hit, audit_json, audit_text, shown_key};
use crate::store::Layer;

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, json: bool, command: &[OsString]) -> anyhow::Result<Exit> {
    let settings = inputs.settings(&job.env);
    if settings.lookup_only {
        let why = "input `lookup-only`: an audit builds on what was restored";
        job.console.error(format!("{why}; hint: remove it"));
        return Ok(Exit::Usage);
    }
    match audit(job, &settings, json, command) {
        Ok(audited) => {
            if json {
                job.console.print_data(audit_json(&audited));
            } else {
                job.console.print(audit_text(&audited).trim_end());
            }
            let is_difference = matches!(audited, Audited::Compared(compared) if compared.is_difference);
            Ok(if is_difference { Exit::Failure } else { Exit::Success })
        }
        Err(Ended::Early(exit)) => Ok(exit),
        Err(Ended::Trouble(_)) if job.interrupt.is_raised() => Ok(Exit::Interrupted),
        Err(Ended::Trouble(error) | Ended::NotPutBack(error)) => Err(error),
    }
}

fn audit(job: &Job, settings: &Settings, json: bool, command: &[OsString]) -> Result<Audited, Ended> {
    let plan = match planning::make_plan(job, settings) {
        Ok(plan) => plan,
        Err(no_plan) => {
            return match planning::tell(job, &no_plan) {
                Exit::Success => Ok(Audited::Nothing("there is no cache in this job".to_owned())),
                exit => Err(Ended::Early(exit)),
            };
        }
    };
    if !restore::make_room(job, settings, plan.scopes.reach.as_ref()) {
        return Err(Ended::Early(Exit::Failure));
    }
    let restored = restore::restore(job, settings, &plan);
    restore::report(job, &restored.report);
    if job.interrupt.is_raised() {
        return Err(Ended::Early(Exit::Interrupted));
    }
    if restored.is_broken || restore::is_failing_miss(job, settings, &restored.report) {
        return Err(Ended::Early(Exit::Failure));
    }
    let Some(number) = plan.layers.iter().position(|layer| layer.layer() == Layer::Target) else {
        return Ok(Audited::Nothing("no target directory is among what this job restores".to_owned()));
    };
    if restored.report.layers[number].hit == Hit::Miss {
        let key = shown_key(Layer::Target, &plan.layers[number].key);
        return Ok(Audited::Nothing(format!("no target directory was restored (key {key})")));
    }
    let output = if json { Output::ToLog } else { Output::AsOurs };
    let builds = Builds { job, roots: &plan.layers[number].roots, command, output, report: &restored.report };
    Ok(Audited::Compared(Box::new(compared(job, settings, &plan, &restored, number, &builds)?)))
}

/// Builds and compares. The layer of the plan with this `number` is that of the target directories.
fn compared(
    job: &Job,
    settings: &Settings,
    plan: &Plan,
    restored: &Restored,
    number: usize,
    builds: &Builds<'_>,
) -> Result<ComparedBuilds, Ended> {
    let on_restored = builds.on_restored()?;
    let clean = builds.clean()?;
    if clean.build.units.is_empty() {
        let directories: Vec<_> = builds.roots.iter().map(|root| root.path.display().to_string()).collect();
        job.console.warn(format!(
            "audit: only exit codes are compared, since the command built nothing in {}; hint: check CARGO_TARGET_DIR or \
             `workspaces`",
            directories.join(", ")
        ));
    }
    let warm = on_restored.left(Finals::As(&clean.build), &clean.build, &job.interrupt)?;
    let mut found = compare(&warm.build, &clean.build, &clean.build);
    let mut again = None;
    if found.is_difference() {
        job.console.say("audit: the builds differ; once more from nothing, to see what is reproducible");
        let second = builds.clean()?;
        found = compare(&warm.build, &clean.build, &second.build);
        again = Some(second.build.code);
    }
    let reasons = Reasons {
        job,
        layer: &plan.layers[number],
        lease: reason::lease(job, settings, restored.starts[number].as_ref()),
        pooled: &restored.pooled[number],
        on_restored: &on_restored,
        warm: &warm,
        clean: &clean,
    };
    Ok(reasons.told(found, again)?)
}
