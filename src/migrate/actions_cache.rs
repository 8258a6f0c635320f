//! `actions/cache`, `actions/cache/restore` and `actions/cache/save`, in this action's words.
//! <https://github.com/actions/cache>

use super::cargo_paths::Line;
use super::plan::{Cargo, Given, Left, Plan, Surroundings, fates, inputs};
use super::step_edit::{Fate, Part, Rewrite, Written};
use super::workflow::Step;

const INPUTS: [&str; 8] = [
    "path",
    "key",
    "restore-keys",
    "lookup-only",
    "fail-on-cache-miss",
    "enablecrossosarchive",
    "upload-chunk-size",
    "save-always",
];

/// Outputs that there are here as well.
const OUTPUTS: [&str; 3] = ["cache-hit", "cache-primary-key", "cache-matched-key"];

/// The part that `action` is, in lower case.
pub(super) fn part(action: &str) -> Option<Part> {
    match action {
        "actions/cache" => Some(Part::Both),
        "actions/cache/restore" => Some(Part::Restore),
        "actions/cache/save" => Some(Part::Save),
        _ => None,
    }
}

/// The lines of `path`, by what they are about.
#[derive(Default)]
struct Sorted {
    cargo: Cargo,
    has_tools: bool,
    /// What stays in `path`, with the comments.
    others: Vec<String>,
}

/// What becomes of a step of the action.
pub(super) fn plan(step: Step<'_>, part: Part, around: &Surroundings<'_>) -> Result<Plan, Left> {
    let given = inputs(step, "actions/cache", &INPUTS)?;
    let input = |name: &str| given.iter().find(|given| given.name == name);
    let lacking = |name: &str| Left {
        at: step.span().start,
        why: format!("`{name}` is missing; hint: set it, or remove the step"),
    };
    let path = input("path").ok_or_else(|| lacking("path"))?;
    let key = input("key").ok_or_else(|| lacking("key"))?;
    let sorted = sort(path, key, step, around)?;
    let mut notes = dropped(&given);
    let is_of_cargo = sorted.cargo != Cargo::default();
    let has_others = sorted.others.iter().any(|line| !line.starts_with('#'));
    let mentions = around.mentions(step);
    for mention in mentions.iter().filter(|mention| !OUTPUTS.contains(&mention.output.as_str())) {
        notes.push((mention.at, format!("runner-cache has no output `{}`", mention.output)));
    }
    if !is_of_cargo {
        for mention in mentions.iter().filter(|mention| mention.output == "cache-hit" && !mention.is_compared)
        {
            let what =
                "`cache-hit` is `false` after a miss, where it was empty; hint: compare it with `'true'`";
            notes.push((mention.at, what.to_owned()));
        }
        return Ok(with_notes(of_paths(part, &given, &Fate::Keep), notes));
    }
    around.guarded(step)?;
    // What goes for one of two steps would have to go for both.
    let is_alone = input("lookup-only").is_none() && input("fail-on-cache-miss").is_none();
    if has_others && (part != Part::Both || !is_alone) {
        let why = "`path` mixes cargo's directories with others; hint: use separate steps".to_owned();
        return Err(Left { at: path.at(), why });
    }
    if sorted.has_tools {
        let what = "`~/.cargo/bin` is left out, since no script of the job installs tools by cargo; hint: list in \
                    `cargo-bins` what others install";
        notes.push((path.at(), what.to_owned()));
    }
    notes.extend(around.elsewhere(&sorted.cargo.targets));
    if has_others {
        for mention in &mentions {
            let what = format!("`{}` covers only paths besides cargo's", mention.output);
            notes.push((mention.at, what));
        }
        let fate = Fate::Become("path", Written::of_lines(sorted.others));
        let mut plan = with_notes(of_paths(part, &given, &fate), notes);
        plan.before = Some(sorted.cargo);
        return Ok(plan);
    }
    let keeps_key = part != Part::Both || !mentions.is_empty();
    if keeps_key {
        let who =
            if part == Part::Both { "outputs of the step are used" } else { "both parts must have one" };
        let what = format!("`key` kept: {who}; hint: remove it to use the unit pool");
        notes.push((key.at(), what));
    } else {
        let what = "`key` is left out, runner-cache makes its own; hint: put text that begins a new cache into \
                    `key-extra`, more files into `key-files`";
        notes.push((key.at(), what.to_owned()));
    }
    let fates = fates(&given, |given| match given.name.as_str() {
        "lookup-only" | "fail-on-cache-miss" => Fate::Keep,
        "key" | "restore-keys" if keeps_key => Fate::Keep,
        _ => Fate::Drop,
    });
    let is_plain = fates.iter().all(|fate| *fate == Fate::Drop);
    let added = sorted.cargo.inputs();
    let mut plan = with_notes(Plan::new(Rewrite { part, fates, added, id: None }), notes);
    plan.cargo = is_plain.then_some(sorted.cargo);
    Ok(plan)
}

fn with_notes(mut plan: Plan, notes: Vec<(usize, String)>) -> Plan {
    plan.notes = notes;
    plan
}

/// A step that caches paths by a key of its own.
fn of_paths(part: Part, given: &[Given<'_>], path: &Fate) -> Plan {
    let fates = fates(given, |given| match given.name.as_str() {
        "path" => path.clone(),
        "key" | "restore-keys" | "lookup-only" | "fail-on-cache-miss" => Fate::Keep,
        _ => Fate::Drop,
    });
    let added = vec![("preset", Written::Word("none".to_owned()))];
    Plan::new(Rewrite { part, fates, added, id: None })
}

fn sort(
    path: &Given<'_>,
    key: &Given<'_>,
    step: Step<'_>,
    around: &Surroundings<'_>,
) -> Result<Sorted, Left> {
    let lines: Vec<_> = path.lines().into_iter().map(|line| (read(&line), line)).collect();
    let has = |wanted: &Line| lines.iter().any(|(line, _)| line == wanted);
    let has_home = has(&Line::Downloads) || has(&Line::Home);
    // Maven has a `target` as well.
    let is_rust = has_home || key.text().to_lowercase().contains("cargo") || around.runs_cargo;
    let needs_tools = around.installs.is_some() || !around.mentions(step).is_empty();
    let mut sorted = Sorted::default();
    for (line, text) in lines.iter().filter(|(line, _)| *line != Line::Excluded) {
        match line {
            Line::Downloads => sorted.cargo.has_downloads = true,
            Line::Target(directory) if is_rust => sorted.cargo.targets.push(directory.clone()),
            Line::Home if needs_tools => {
                let why = "`~/.cargo` has tools besides what cargo downloads; hint: name `~/.cargo/registry` and \
                           `~/.cargo/git`, and list the tools in `cargo-bins`";
                return Err(Left { at: path.at(), why: why.to_owned() });
            }
            Line::Home => (sorted.cargo.has_downloads, sorted.has_tools) = (true, true),
            Line::Targets if is_rust => {
                let why =
                    format!("`{text}` names no workspace; hint: list the target directories one by one");
                return Err(Left { at: path.at(), why });
            }
            Line::Tools if has_home && !needs_tools => sorted.has_tools = true,
            _ => sorted.others.push(text.clone()),
        }
    }
    if sorted.cargo == Cargo::default() {
        sorted.others = lines.iter().map(|(_, text)| text.clone()).collect();
    }
    Ok(sorted)
}

fn read(line: &str) -> Line {
    if line.starts_with('#') { Line::Other } else { Line::read(line) }
}

/// What is said of inputs that have no counterpart.
fn dropped(given: &[Given<'_>]) -> Vec<(usize, String)> {
    let why = |given: &Given<'_>| match given.name.as_str() {
        "save-always" => Some("`save-always` is left out: a save after failure is the default"),
        "upload-chunk-size" => Some("`upload-chunk-size` is left out: nothing is uploaded"),
        "enablecrossosarchive" => {
            Some("`enableCrossOsArchive` is left out: only runners on Linux have the cache")
        }
        _ => None,
    };
    given.iter().filter_map(|given| Some((given.at(), why(given)?.to_owned()))).collect()
}
