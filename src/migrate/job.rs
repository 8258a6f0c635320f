//! The steps of one job: each becomes what it can, and a save comes last.

use super::advice::{self, is_part};
use super::note::Notes;
use super::plan::{Becomes, Cargo, Left, Plan, Surroundings};
use super::scripts::{self, Files};
use super::source::{Edits, Source};
use super::step_edit::{ACTION, Part, Rewrite, edit, with_lines};
use super::workflow::{Job, Step};
use super::yaml::Node;
use super::{actions_cache, rust_cache};

/// What is to be done with a job.
struct Work<'w, 's, 't, 'n> {
    source: &'s Source<'t>,
    job: &'w Job<'n>,
    notes: &'w mut Notes<'s, 't>,
}

/// A step that changes, by its number.
type Planned = (usize, Plan);

/// Rewrites the steps of `job`. What stays as it is, and what has no counterpart, is noted.
pub(super) fn migrate<'s, 't>(
    source: &'s Source<'t>,
    job: &Job<'_>,
    files: Files<'_>,
    is_hosted_meant: bool,
    notes: &mut Notes<'s, 't>,
) -> Edits {
    let mut work = Work { source, job, notes };
    advice::actions(job, files, is_hosted_meant, work.notes);
    let around = Surroundings::new(source.text, job);
    let (planned, left) = plan(source, job, &around, files);
    let has_work = !planned.is_empty() || !left.is_empty();
    if has_work && advice::is_elsewhere(job, is_hosted_meant, work.notes) {
        return Edits::default();
    }
    let others = job.steps.iter().filter(|step| is_other_cache(**step));
    for (at, (name, _)) in others.filter_map(|step| Some((step.span().start, step.action()?))) {
        work.notes.add(at, format!("left as it is: `migrate` does not rewrite `{name}`"));
    }
    if let Some(named) = [job.node, job.list].iter().find(|node| node.is_anchored).filter(|_| has_work) {
        work.notes
            .add(named.span.start, "left as it is: other jobs are aliases of this; hint: write them out");
        return Edits::default();
    }
    for Left { at, why } in left {
        work.notes.add(at, format!("left as it is: {why}"));
    }
    if planned.is_empty() {
        return Edits::default();
    }
    work.carry_out(planned)
}

/// What becomes of each step that is about a cache.
fn plan(
    source: &Source<'_>,
    job: &Job<'_>,
    around: &Surroundings<'_>,
    files: Files<'_>,
) -> (Vec<Planned>, Vec<Left>) {
    let (mut planned, mut left) = (Vec::new(), Vec::new());
    match scripts::plan(source, job, around, files) {
        Ok(scripts) => planned = scripts,
        Err(why) => left.push(why),
    }
    for (index, step) in job.steps.iter().enumerate() {
        let Some((name, _)) = step.action() else { continue };
        let plan = match actions_cache::part(&name) {
            Some(part) => actions_cache::plan(*step, part, around),
            None if name == rust_cache::NAME => rust_cache::plan(*step, around),
            None => continue,
        };
        match plan {
            Ok(plan) => planned.push((index, plan)),
            Err(why) => left.push(why),
        }
    }
    planned.sort_by_key(|(index, _)| *index);
    part_from_sessions(job, &mut planned, &mut left);
    merge(job, around, &mut planned);
    (planned, left)
}

/// `actions/cache/restore` and `/save` of a job change together or not at all. A save in the midst of a job saves what all
/// restores before it have noted: beside these they stay as they are.
fn part_from_sessions(job: &Job<'_>, planned: &mut Vec<Planned>, left: &mut Vec<Left>) {
    let is_own = |step: &Step<'_>| step.action().is_some_and(|(name, _)| name == ACTION);
    let is_pair = |step: &Step<'_>| {
        let part = step.action().and_then(|(name, _)| actions_cache::part(&name));
        part.is_some_and(|part| part != Part::Both)
    };
    let has_notes = planned.iter().any(|(_, plan)| plan.needs_save()) || job.steps.iter().any(is_own);
    let mut pairs = job.steps.iter().enumerate().filter(|(_, step)| is_pair(step));
    let has_left = pairs.any(|(index, _)| planned.iter().all(|(other, _)| *other != index));
    let why = if has_notes {
        format!(
            "`{}` would also save the restores of other steps; hint: join both parts in one `{}`",
            Part::Save.uses(),
            Part::Both.uses()
        )
    } else if has_left {
        "another cache step of the job stays as it is".to_owned()
    } else {
        return;
    };
    let stays = |(index, _): &mut Planned| is_pair(&job.steps[*index]);
    let staying = planned.extract_if(.., stays);
    left.extend(staying.map(|(index, _)| Left { at: job.steps[index].span().start, why: why.clone() }));
}

/// Steps for one of cargo's directories each become one, where nothing stands between them.
fn merge(job: &Job<'_>, around: &Surroundings<'_>, planned: &mut [Planned]) {
    for at in (1..planned.len()).rev() {
        let (before, after) = planned.split_at_mut(at);
        let ((one, first), (other, second)) = (&mut before[at - 1], &mut after[0]);
        let (one, other) = (job.steps[*one], (*other, job.steps[*other]));
        let is_next = before_is(job, one, other.0);
        let is_free = around.mentions(other.1).is_empty() && one.text("if") == other.1.text("if");
        if let (Some(cargo), Some(more), true) = (&mut first.cargo, &second.cargo, is_next && is_free)
            && let Becomes::Action(rewrite) = &mut first.becomes
            && matches!(second.becomes, Becomes::Action(_))
        {
            cargo.join(more);
            rewrite.added = cargo.inputs();
            (second.becomes, second.cargo) = (Becomes::Nothing, None);
        }
    }
}

/// Whether `step` is the one before that with the number `index`.
fn before_is(job: &Job<'_>, step: Step<'_>, index: usize) -> bool {
    index.checked_sub(1).is_some_and(|before| job.steps[before].span() == step.span())
}

/// Whether a step is of another action for caches.
fn is_other_cache(step: Step<'_>) -> bool {
    let is_known = |name: &str| {
        actions_cache::part(name).is_some() || name == rust_cache::NAME || name.starts_with(ACTION)
    };
    step.action()
        .is_some_and(|(name, _)| name.contains("cache") && !name.starts_with("./") && !is_known(&name))
}

impl Work<'_, '_, '_, '_> {
    /// Makes the changes; a step that cannot be edited stays.
    fn carry_out(&mut self, planned: Vec<Planned>) -> Edits {
        let mut edits = Edits::default();
        let mut conditions = Vec::new();
        let mut ids = Vec::new();
        let is_joined = |(_, plan): &Planned| !matches!(plan.becomes, Becomes::Action(_));
        let is_whole = planned.iter().any(is_joined);
        let is_saved = self.job.steps.iter().any(|step| is_part(*step, Part::Save));
        let adds_save = !self.job.is_composite() && !is_saved;
        let may_not_run =
            |(index, plan): &Planned| !plan.needs_save() || self.job.steps[*index].get("if").is_some();
        let needs_ids = adds_save && planned.iter().all(may_not_run);
        for (index, mut plan) in planned {
            let step = self.job.steps[index];
            let needs_save = plan.needs_save();
            let id = (needs_save && needs_ids).then(|| self.id(step, &mut plan, &mut ids));
            match self.step(step, &plan) {
                Ok(made) => {
                    edits.add(made);
                    if needs_save {
                        conditions.push(id);
                    }
                    self.tell(index, step, plan);
                }
                Err((at, why)) => {
                    self.notes.add(at, format!("left as it is: {why}; hint: change it by hand"));
                    // One does the work of another: both or none.
                    if is_whole {
                        return Edits::default();
                    }
                }
            }
        }
        if !edits.is_empty() {
            advice::place(self.job, self.notes);
        }
        if !conditions.is_empty() && (adds_save || self.job.is_composite()) {
            self.save(&conditions, &mut edits);
        }
        edits
    }

    /// The id of a step, which gets one if it has none.
    fn id(&self, step: Step<'_>, plan: &mut Plan, taken: &mut Vec<String>) -> String {
        if let Some(id) = step.id() {
            return id.to_owned();
        }
        let id = self.job.free_id("cache", taken);
        taken.push(id.clone());
        if let Becomes::Action(rewrite) = &mut plan.becomes {
            rewrite.id = Some(id.clone());
        }
        id
    }

    fn step(&self, step: Step<'_>, plan: &Plan) -> Result<Edits, (usize, String)> {
        let source = self.source;
        let dash = dash(source, step.node).ok_or_else(|| {
            (step.span().start, "the step has an anchor or a tag, or is in brackets".to_owned())
        })?;
        let mut edits = Edits::default();
        if let Some(cargo) = &plan.before {
            let condition = step.get("if").map(|node| &source.text[node.span.clone()]);
            if condition.is_some_and(|condition| condition.contains('\n')) {
                return Err((step.span().start, "its condition has several lines".to_owned()));
            }
            let lines = new_step(source, dash, cargo, condition);
            edits.insert_lines(source, source.line_start(dash), &lines);
        }
        edits.add(match &plan.becomes {
            Becomes::Action(rewrite) => edit(source, step, rewrite)?,
            Becomes::Instead(part) => instead(source, step, *part, plan.cargo.as_ref())?,
            Becomes::Nothing => {
                if step.node.has_anchors() {
                    return Err((step.span().start, "the step has an anchor or an alias".to_owned()));
                }
                let mut edits = Edits::default();
                edits.remove(source.paragraph(&(dash..step.span().end)));
                edits
            }
        });
        Ok(edits)
    }

    fn tell(&mut self, index: usize, step: Step<'_>, plan: Plan) {
        for (at, what) in plan.notes {
            self.notes.add(at, what);
        }
        let restores = !matches!(&plan.becomes, Becomes::Nothing)
            && !matches!(
                &plan.becomes,
                Becomes::Action(Rewrite { part: Part::Save, .. }) | Becomes::Instead(Part::Save)
            );
        if !restores {
            return;
        }
        if let Some((_, version)) = step.action().filter(|(_, version)| is_commit(version)) {
            let what = format!(
                "`{}` is a tag in place of a commit ({}…); hint: pin it to a commit as well",
                Part::Both.uses(),
                &version[..7]
            );
            self.notes.add(step.span().start, what);
        }
        let is_none = |(name, _): &(&str, _)| *name == "preset";
        let is_of_paths = plan.before.is_none()
            && matches!(&plan.becomes, Becomes::Action(rewrite) if rewrite.added.iter().any(is_none));
        advice::order(self.job, index, is_of_paths, self.notes);
    }

    /// Adds the step that saves, after all others. `conditions` has the ids of those restores that may not run.
    fn save(&mut self, conditions: &[Option<String>], edits: &mut Edits) {
        let Some(last) = self.job.steps.last() else { return };
        if self.job.is_composite() {
            let what = format!(
                "this only restores; hint: end each job that uses it with `- uses: {}` and `if: always()`",
                Part::Save.uses()
            );
            self.notes.add(self.job.list.span.start, what);
            return;
        }
        let Some(dash) = dash(self.source, last.node) else { return };
        let indent = self.source.indent(dash);
        let ids: Option<Vec<&String>> = conditions.iter().map(Option::as_ref).collect();
        let condition = match ids {
            // One that runs in any case notes what to save in any case.
            None => "always()".to_owned(),
            Some(ids) => {
                let ran: Vec<_> = ids.iter().map(|id| format!("steps.{id}.outcome != 'skipped'")).collect();
                let ran = ran.join(" || ");
                if ids.len() == 1 { format!("always() && {ran}") } else { format!("always() && ({ran})") }
            }
        };
        let mut lines =
            vec![format!("{indent}- uses: {}", Part::Save.uses()), format!("{indent}  if: {condition}")];
        if self.job.steps.len() > 1 && self.source.has_blank_before(dash) {
            lines.insert(0, String::new());
        }
        edits.insert_lines(self.source, self.source.line_end(last.span().end), &lines);
    }
}

/// A new step for cargo's directories, where `dash` is that of the step behind it.
fn new_step(source: &Source<'_>, dash: usize, cargo: &Cargo, condition: Option<&str>) -> Vec<String> {
    let indent = source.indent(dash);
    let mut lines = vec![format!("{indent}- uses: {}", Part::Both.uses())];
    lines.extend(condition.map(|condition| format!("{indent}  if: {condition}")));
    lines.extend(with_lines(&format!("{indent}  "), &cargo.inputs()));
    if source.has_blank_before(dash) {
        lines.push(String::new());
    }
    lines
}

/// What makes a step with a script into one of this action.
fn instead(
    source: &Source<'_>,
    step: Step<'_>,
    part: Part,
    cargo: Option<&Cargo>,
) -> Result<Edits, (usize, String)> {
    let mut edits = Edits::default();
    let refused = |what: &str| (step.span().start, what.to_owned());
    let (key, run) = step.node.entry("run").ok_or_else(|| refused("`run` is missing"))?;
    if step.node.has_anchors() || source.text[step.span().start..].starts_with('{') {
        return Err(refused("the step is in braces, or has an anchor or an alias"));
    }
    if let Some((shell, value)) = step.node.entry("shell") {
        if !source.is_first(shell.span.start) {
            return Err((shell.span.start, "`shell` begins the step".to_owned()));
        }
        edits.remove(source.line_start(shell.span.start)..source.line_end(value.span.end));
    }
    let indent = source.indent(key.span.start);
    let inputs = cargo.map(Cargo::inputs).unwrap_or_default();
    let lines = std::iter::once(format!("uses: {}", part.uses())).chain(with_lines(&indent, &inputs));
    let lines: Vec<_> = lines.collect();
    edits.replace(key.span.start..run.span.end, lines.join(source.newline()));
    Ok(edits)
}

/// Where the `-` before a step is, if nothing but blanks stands between them.
fn dash(source: &Source<'_>, step: &Node) -> Option<usize> {
    let before = source.text[..step.span.start].trim_end();
    let dash = before.len().checked_sub(1).filter(|_| before.ends_with('-'))?;
    source.is_first(dash).then_some(dash)
}

fn is_commit(version: &str) -> bool {
    version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}
