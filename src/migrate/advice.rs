//! What of a job a person has to look at beside its cache steps.

use super::note::Notes;
use super::runner::{Runner, runner};
use super::scripts::Files;
use super::step_edit::{ACTION, Part};
use super::workflow::{Job, Step, jobs};
use super::yaml::parse;
use super::{actions_cache, rust_cache};

/// Actions that choose a compiler, which is in the keys.
const TOOLCHAINS: [&str; 3] =
    ["dtolnay/rust-toolchain", "actions-rs/toolchain", "actions-rust-lang/setup-rust-toolchain"];

/// Commands that do.
const RUSTUP: [&str; 4] = ["rustup toolchain", "rustup default", "rustup override", "rustup update"];

/// Why these have to come before.
const COMPILER: &str = "chooses the compiler, which is in the key";

/// Notes where the job does not run on a runner of the user's own on Linux, and says whether all stays for that.
pub(super) fn is_elsewhere(job: &Job<'_>, is_hosted_meant: bool, notes: &mut Notes<'_, '_>) -> bool {
    if job.is_composite() {
        return false;
    }
    let (what, hint) = match runner(job.node) {
        Runner::Own | Runner::Unknown => return false,
        Runner::Hosted(_) | Runner::Either(_) if is_hosted_meant => return false,
        Runner::Hosted(label) => (
            format!("runs on `{label}`, not a self-hosted runner; the cache would be empty there"),
            "set `runs-on` to your runner first, or use `--hosted`",
        ),
        Runner::Either(label) => (
            format!("may run on `{label}`, not a self-hosted runner; the cache would be empty there"),
            "give it a job of its own, or use `--hosted`",
        ),
        Runner::Foreign(label) => (
            format!("runs on `{label}`; the cache supports Linux only"),
            "give other systems a job of their own",
        ),
    };
    let id = job.id.unwrap_or_default();
    let at = job.node.entry("runs-on").map_or(job.node.span.start, |(key, _)| key.span.start);
    notes.add(at, format!("left as it is: job `{id}` {what}; hint: {hint}"));
    true
}

/// Notes local actions that restore: the job is to save what they do.
pub(super) fn actions(job: &Job<'_>, files: Files<'_>, is_hosted_meant: bool, notes: &mut Notes<'_, '_>) {
    let has_save = job.steps.iter().any(|step| is_part(*step, Part::Save));
    let is_own = matches!(runner(job.node), Runner::Own | Runner::Unknown);
    if has_save || job.is_composite() || !(is_own || is_hosted_meant) {
        return;
    }
    for step in &job.steps {
        let Some(path) = step.text("uses").filter(|uses| uses.starts_with("./")) else { continue };
        let documents = files(path).and_then(|text| parse(&text).ok()).unwrap_or_default();
        let actions = jobs(&documents);
        let mut inner = actions.iter().flat_map(|action| &action.steps).filter_map(|step| step.action());
        if inner.any(|(name, _)| ["actions/cache", rust_cache::NAME, ACTION].contains(&name.as_str())) {
            let what = format!(
                "`{path}` has cache steps; hint: migrate its `action.yml`, and end this job with `- uses: {}` and \
                     `if: always()`",
                Part::Save.uses()
            );
            notes.add(step.span().start, what);
        }
    }
}

/// Notes what the place where the job runs needs, and who saves for it.
pub(super) fn place(job: &Job<'_>, notes: &mut Notes<'_, '_>) {
    let id = job.id.unwrap_or_default();
    if job.is_composite() {
        return;
    }
    let part = |step: &Step<'_>| step.action().and_then(|(name, _)| actions_cache::part(&name));
    let parts: Vec<_> = job.steps.iter().filter_map(|step| Some((part(step)?, step.span().start))).collect();
    if let Some((_, at)) = parts.iter().find(|(part, _)| *part == Part::Restore)
        && parts.iter().all(|(part, _)| *part == Part::Restore)
    {
        notes.add(*at, "the job only restores; hint: migrate what saves for it as well");
    }
    if let Some((key, container)) = job.node.entry("container") {
        let has_volumes = container.get("volumes").is_some_and(|volumes| !volumes.items().is_empty());
        let hint = if has_volumes {
            "set `cache-root` to a volume of the host's"
        } else {
            "mount a volume for the cache and set `cache-root` to it"
        };
        let what = format!("job `{id}` runs in a container and loses its disk at the end; hint: {hint}");
        notes.add(key.span.start, what);
    }
    if runner(job.node) == Runner::Unknown
        && let Some((key, _)) = job.node.entry("runs-on")
    {
        let what = format!(
            "job `{id}` has an expression in `runs-on`; hint: the cache needs a self-hosted Linux runner"
        );
        notes.add(key.span.start, what);
    }
}

/// Notes what follows the restore in the step with the number `index`, and has to come before.
/// `is_of_paths`: its key is the user's own, and it is about nothing of cargo's.
pub(super) fn order(job: &Job<'_>, index: usize, is_of_paths: bool, notes: &mut Notes<'_, '_>) {
    let late = job.steps[index + 1..].iter().filter_map(|later| Some((later, comes_late(*later)?)));
    for (later, why) in late.filter(|(_, why)| !is_of_paths || *why != COMPILER) {
        let line = notes.line(later.span().start);
        let what = format!("line {line} follows the restore and {why}; hint: move it before the restore");
        notes.add(job.steps[index].span().start, what);
    }
}

/// What a step does that has to come before the restore.
fn comes_late(step: Step<'_>) -> Option<&'static str> {
    let has_path = || step.get("with").is_some_and(|with| with.get("path").is_some());
    match step.action() {
        Some((name, _)) if name == "actions/checkout" && !has_path() => {
            Some("deletes what was restored into the checkout")
        }
        Some((name, _)) if TOOLCHAINS.contains(&name.as_str()) => Some(COMPILER),
        _ => {
            let script = step.text("run").unwrap_or_default();
            RUSTUP.iter().any(|command| script.contains(command)).then_some(COMPILER)
        }
    }
}

/// Whether a step is of this part of this action.
pub(super) fn is_part(step: Step<'_>, part: Part) -> bool {
    let name = part.uses();
    let name = name.split('@').next().unwrap_or_default();
    step.action().is_some_and(|(other, _)| other == name)
}
