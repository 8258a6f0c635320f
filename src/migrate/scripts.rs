//! The steps of a job that keep cargo's directories by rsync, in scripts or in local composite actions: all of them
//! become one restore and one save, or none does.

use super::expression::variable;
use super::plan::{Becomes, Cargo, Left, Plan, Surroundings};
use super::script::{Said, Script, Unclear};
use super::source::Source;
use super::step_edit::{Part, Rewrite};
use super::workflow::{Job, Step, jobs};
use super::yaml::{Node, parse};

/// Outputs that these scripts have, and this action as well.
const OUTPUTS: [&str; 4] = ["cache-key", "deps-key", "cargo-cache-key", "target-cache-key"];

/// Variables that these scripts set, and this action as well.
const VARIABLES: [&str; 8] = [
    "CARGO_CACHE_DIR",
    "CARGO_CACHE_RESTORED",
    "CARGO_REGISTRY_RESTORED",
    "CARGO_GIT_RESTORED",
    "TARGET_CACHE_DIR",
    "TARGET_CACHE_RESTORED",
    "TARGET_RESTORED",
    "BUILD_CACHE_DIR",
];

/// The entries of a step that may stay when its script goes.
const STAYING: [&str; 7] = ["name", "id", "if", "run", "shell", "continue-on-error", "timeout-minutes"];

/// The files of local actions, by the paths that steps use them by.
pub(super) type Files<'f> = &'f dyn Fn(&str) -> Option<String>;

/// A step of the kind.
struct Found<'n> {
    index: usize,
    step: Step<'n>,
    script: Script,
}

/// What becomes of the steps of `job`, by their numbers.
pub(super) fn plan(
    source: &Source<'_>,
    job: &Job<'_>,
    around: &Surroundings<'_>,
    files: Files<'_>,
) -> Result<Vec<(usize, Plan)>, Left> {
    let mut said = Said::default();
    let mut found = Vec::new();
    for (index, step) in job.steps.iter().enumerate() {
        if let Some(script) = read(source, *step, &mut said, files)? {
            found.push(Found { index, step: *step, script });
        }
    }
    let Some(first) = found.first() else { return Ok(Vec::new()) };
    let left = |at: usize, why: &str| Left { at, why: why.to_owned() };
    let mut cargo = Cargo::default();
    for found in &found {
        if let Script::Restore(more) | Script::Save(more) = &found.script {
            cargo.join(more);
        }
    }
    let is_restore = |found: &&Found<'_>| matches!(found.script, Script::Restore(_));
    let is_save = |found: &&Found<'_>| matches!(found.script, Script::Save(_));
    let (restores, saves) = (found.iter().rfind(is_restore), found.iter().rfind(is_save));
    // All up to the last restore become one step.
    let (stays, part, gone) = match (restores, saves) {
        (Some(last), _) => (first, Part::Both, last.index),
        (None, Some(last)) => (last, Part::Save, last.index),
        (None, None) => {
            let why = "the script maintains another job's cache; hint: remove it once that job is migrated";
            return Err(left(first.step.span().start, why));
        }
    };
    let is_joined = |found: &&Found<'_>| part == Part::Both && found.index <= gone;
    let joined: Vec<_> = found.iter().filter(is_joined).collect();
    if let Some(other) = joined.iter().zip(first.index..).find(|(found, index)| found.index != *index) {
        let why = "another step runs between preparing and restoring the cache; hint: move it";
        return Err(left(other.0.step.span().start, why));
    }
    if let Some(other) = joined.iter().find(|found| found.step.text("if") != stays.step.text("if")) {
        let why = "preparing and restoring the cache have different conditions; hint: use one condition";
        return Err(left(other.step.span().start, why));
    }
    let mut notes = uses(source, job, around, &found, stays, &said)?;
    notes.push((
        stays.step.span().start,
        "runner-cache refuses a directory with other files; hint: delete the scripts' `/tmp/runner-cache` on the \
         hosts, or set `cache-root`"
            .to_owned(),
    ));
    let in_place = |found: &Found<'_>| {
        let is_last_save = job.is_composite() && saves.is_some_and(|last| last.index == found.index);
        match found.index {
            index if index == stays.index => Some(part),
            _ if is_last_save => Some(Part::Save),
            _ => None,
        }
    };
    let plans = found.iter().map(|found| {
        let plan = match in_place(found) {
            Some(part) => step(found, part, &cargo)?,
            None => Plan { becomes: Becomes::Nothing, before: None, cargo: None, notes: Vec::new() },
        };
        Ok((found.index, plan))
    });
    let mut plans: Vec<_> = plans.collect::<Result<_, Left>>()?;
    plans[0].1.notes = notes;
    Ok(plans)
}

/// The step of this action in place of another.
fn step(found: &Found<'_>, part: Part, cargo: &Cargo) -> Result<Plan, Left> {
    // What a restore noted needs no words of its save.
    let cargo = cargo.clone();
    if found.step.get("uses").is_some() {
        let rewrite = Rewrite { part, fates: Vec::new(), added: cargo.inputs(), id: None };
        return Ok(Plan::new(rewrite));
    }
    let other =
        found.step.node.entries().iter().find(|(key, _)| !STAYING.contains(&key.text().unwrap_or("")));
    if let Some((key, _)) = other {
        let why = format!("the script has `{}`; hint: remove it", key.text().unwrap_or_default());
        return Err(Left { at: key.span.start, why });
    }
    Ok(Plan { becomes: Becomes::Instead(part), before: None, cargo: Some(cargo), notes: Vec::new() })
}

/// What a step does with the cache, if it is a script or a local action of such.
fn read(
    source: &Source<'_>,
    step: Step<'_>,
    said: &mut Said,
    files: Files<'_>,
) -> Result<Option<Script>, Left> {
    if let Some(run) = step.get("run") {
        let script = said.read(run.text().unwrap_or_default());
        return script.map_err(|unclear| unclear_at(source, run, unclear));
    }
    let Some(path) = step.text("uses").filter(|uses| uses.starts_with("./")) else { return Ok(None) };
    let Some(text) = files(path) else { return Ok(None) };
    let left = |what: &str| Left { at: step.span().start, why: format!("`{path}` {what}") };
    let Ok(documents) = parse(&text) else { return Err(left("is not YAML; hint: correct it first")) };
    let mut whole: Option<Script> = None;
    let actions = jobs(&documents);
    let steps: Vec<_> = actions.iter().filter(|job| job.is_composite()).flat_map(|job| &job.steps).collect();
    let mut others = 0;
    for inner in &steps {
        let script = inner.text("run").map_or(Ok(None), |run| said.read(run));
        let script = script.map_err(|Unclear { line, why }| {
            left(&format!(
                "restores or saves by rsync, and line {} of a script of it is unclear: {why}",
                line + 1
            ))
        })?;
        match (script, &mut whole) {
            (None, _) => others += 1,
            (Some(Script::Restore(cargo)), Some(Script::Restore(all)))
            | (Some(Script::Save(cargo)), Some(Script::Save(all))) => all.join(&cargo),
            (Some(Script::Restore(_)), Some(Script::Save(_)))
            | (Some(Script::Save(_)), Some(Script::Restore(_))) => {
                return Err(left("restores and saves by rsync; hint: split it into two actions"));
            }
            (Some(Script::Prepare | Script::Clean), Some(_)) => {}
            (Some(script), _) => whole = Some(script),
        }
    }
    match whole {
        Some(_) if others > 0 => {
            Err(left("does more than caching by rsync; hint: migrate its `action.yml` first"))
        }
        Some(_) if step.get("with").is_some_and(|with| !with.is_nothing()) => {
            Err(left("is given inputs; hint: remove `with` if the cache can do without"))
        }
        whole => Ok(whole),
    }
}

/// Where an unclear line stands in the file.
fn unclear_at(source: &Source<'_>, run: &Node, Unclear { line, why }: Unclear) -> Left {
    let mut at = run.span.start;
    for _ in 0..line {
        at = source.line_end(at);
    }
    Left { at: at.min(run.span.end), why }
}

/// What the rest of the job takes from these steps, and will lack.
fn uses(
    source: &Source<'_>,
    job: &Job<'_>,
    around: &Surroundings<'_>,
    found: &[Found<'_>],
    stays: &Found<'_>,
    said: &Said,
) -> Result<Vec<(usize, String)>, Left> {
    let mut notes = Vec::new();
    let is_gone = |at: usize| found.iter().any(|found| found.step.span().contains(&at));
    for found in found {
        for mention in around.mentions(found.step).into_iter().filter(|mention| !is_gone(mention.at)) {
            if found.index != stays.index {
                let id = found.step.id().unwrap_or_default();
                notes
                    .push((mention.at, format!("step `{id}` is gone; hint: use the id of the restore step")));
            } else if !OUTPUTS.contains(&mention.output.as_str()) {
                notes.push((mention.at, format!("runner-cache has no output `{}`", mention.output)));
            }
        }
    }
    for name in &said.exported {
        if name == "CARGO_TARGET_DIR" {
            let what = "`CARGO_TARGET_DIR` is no longer set; hint: set it if you need it";
            notes.push((stays.step.span().start, what.to_owned()));
            continue;
        }
        let rest = job.steps.iter().filter(|step| !is_gone(step.span().start));
        for step in rest {
            let span = step.span();
            let Some(at) = variable(&source.text[span.clone()], name).map(|at| at + span.start) else {
                continue;
            };
            if around.is_condition(at) {
                let why = format!(
                    "a step is skipped by `{name}`, which no key of cargo's directories allows; hint: remove the \
                     condition, cargo itself skips what is up to date, or keep what is built in `builds`"
                );
                return Err(Left { at, why });
            }
            if !VARIABLES.contains(&name.as_str()) {
                notes.push((at, format!("runner-cache sets no variable `{name}`")));
            }
        }
    }
    notes.sort();
    notes.dedup();
    Ok(notes)
}
