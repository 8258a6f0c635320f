//! What is to become of a step, before any text is changed.

use std::ops::Range;

use super::expression::{Mention, mentions};
use super::step_edit::{Fate, Part, Rewrite, Written};
use super::workflow::{Job, Step};
use super::yaml::Node;

/// A step that stays as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// What it is about, in the text.
    pub(super) at: usize,
    /// Why, and what to do.
    pub(super) why: String,
}

/// A step that changes.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) becomes: Becomes,
    /// A step for cargo's directories that comes before it.
    pub(super) before: Option<Cargo>,
    /// Of cargo's directories alone, and by no inputs but these.
    pub(super) cargo: Option<Cargo>,
    pub(super) notes: Vec<(usize, String)>,
}

/// What a step becomes.
#[derive(Debug)]
pub(super) enum Becomes {
    /// A step of this action.
    Action(Rewrite),
    /// A step of this action in place of a script; `if` and `id` stay.
    Instead(Part),
    /// Nothing: another step does its work.
    Nothing,
}

/// Cargo's directories, and what of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cargo {
    pub(super) has_downloads: bool,
    /// The directories of workspaces whose target directories are meant.
    pub(super) targets: Vec<String>,
}

impl Cargo {
    /// As inputs of this action.
    pub(super) fn inputs(&self) -> Vec<(&'static str, Written)> {
        let layers = match (self.has_downloads, self.targets.is_empty()) {
            (true, true) => Some(("layers", Written::Word("cargo".to_owned()))),
            (false, false) => Some(("layers", Written::Word("target".to_owned()))),
            _ => None,
        };
        let is_usual = self.targets.is_empty() || self.targets == ["."];
        let workspaces = (!is_usual).then(|| ("workspaces", Written::of_lines(self.targets.clone())));
        layers.into_iter().chain(workspaces).collect()
    }

    /// Takes in what `other` is about.
    pub(super) fn join(&mut self, other: &Self) {
        self.has_downloads |= other.has_downloads;
        for target in &other.targets {
            if !self.targets.contains(target) {
                self.targets.push(target.clone());
            }
        }
    }
}

impl Plan {
    pub(super) fn new(rewrite: Rewrite) -> Self {
        Self { becomes: Becomes::Action(rewrite), before: None, cargo: None, notes: Vec::new() }
    }

    /// Whether the job's end is to save what this restores.
    pub(super) fn needs_save(&self) -> bool {
        match &self.becomes {
            Becomes::Action(rewrite) => rewrite.part == Part::Both,
            Becomes::Instead(part) => *part == Part::Both,
            Becomes::Nothing => false,
        }
    }
}

/// An input of a step: its name in lower case, which is how the runner takes it, and its value.
pub(super) struct Given<'n> {
    pub(super) name: String,
    pub(super) key: &'n Node,
    pub(super) value: &'n Node,
}

impl Given<'_> {
    pub(super) fn text(&self) -> &str {
        self.value.text().unwrap_or_default()
    }

    /// The lines of its value that are not blank.
    pub(super) fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn at(&self) -> usize {
        self.key.span.start
    }
}

/// The inputs of a step, if each is one of `known`, once, and a text.
pub(super) fn inputs<'n>(step: Step<'n>, action: &str, known: &[&str]) -> Result<Vec<Given<'n>>, Left> {
    let Some((with_key, with)) = step.node.entry("with") else { return Ok(Vec::new()) };
    let left = |node: &Node, why: String| Left { at: node.span.start, why };
    if with.is_nothing() {
        return Ok(Vec::new());
    }
    if with.text().is_some() || !with.items().is_empty() {
        return Err(left(with_key, "`with` is not a mapping".to_owned()));
    }
    let mut given: Vec<Given<'n>> = Vec::new();
    for (key, value) in with.entries() {
        let name = key.text().unwrap_or_default().to_lowercase();
        if !known.contains(&name.as_str()) {
            let name = key.text().unwrap_or_default();
            return Err(left(key, format!("`{action}` has no input `{name}`; hint: remove it")));
        }
        if value.text().is_none() {
            return Err(left(
                key,
                format!("`{name}` is not text; hint: list its values in lines behind a `|`"),
            ));
        }
        if given.iter().any(|other| other.name == name) {
            return Err(left(key, format!("`{name}` is given twice; hint: remove one")));
        }
        given.push(Given { name, key, value });
    }
    Ok(given)
}

/// What surrounds a step.
pub(super) struct Surroundings<'a> {
    text: &'a str,
    span: Range<usize>,
    /// Where conditions of steps stand.
    conditions: Vec<Range<usize>>,
    /// Where a script of the job installs tools by cargo.
    pub(super) installs: Option<usize>,
    /// Whether a script of the job runs cargo.
    pub(super) runs_cargo: bool,
}

impl<'a> Surroundings<'a> {
    /// Those of the steps of `job` in `text`.
    pub(super) fn new(text: &'a str, job: &Job<'_>) -> Self {
        let scripts = || job.steps.iter().filter_map(|step| step.get("run"));
        let is_install = |run: &&Node| {
            let script = run.text().unwrap_or_default();
            ["cargo install", "cargo binstall", "cargo-binstall"].iter().any(|words| script.contains(words))
        };
        let runs = |run: &Node| run.text().unwrap_or_default().contains("cargo");
        // To save nothing after an exact hit skips no work.
        let is_save = |step: &&Step<'_>| step.action().is_some_and(|(name, _)| name.ends_with("cache/save"));
        let steps = job.steps.iter().filter(|step| !is_save(step));
        let conditions = steps.filter_map(|step| step.get("if")).map(|node| node.span.clone());
        Self {
            text,
            span: job.node.span.clone(),
            conditions: conditions.collect(),
            installs: scripts().find(is_install).map(|run| run.span.start),
            runs_cargo: scripts().any(runs),
        }
    }

    /// Where the job names outputs of `step`.
    pub(super) fn mentions(&self, step: Step<'_>) -> Vec<Mention> {
        let Some(id) = step.id() else { return Vec::new() };
        let found = mentions(&self.text[self.span.clone()], id).into_iter();
        found.map(|mention| Mention { at: mention.at + self.span.start, ..mention }).collect()
    }

    /// A note where steps run in other directories than the checkout's, and only that may be `named` as a workspace.
    pub(super) fn elsewhere(&self, named: &[String]) -> Option<(usize, String)> {
        let at = self.text[self.span.clone()].find("working-directory:")? + self.span.start;
        let is_named = named.iter().any(|directory| directory != ".");
        let what = "steps run in other directories; hint: list the other Cargo workspaces in `workspaces`";
        (!is_named).then(|| (at, what.to_owned()))
    }

    /// Whether the byte `at` is in the condition of a step.
    pub(super) fn is_condition(&self, at: usize) -> bool {
        self.conditions.iter().any(|condition| condition.contains(&at))
    }

    /// A step that runs or not by what was restored for `step`, which is cargo's.
    pub(super) fn guarded(&self, step: Step<'_>) -> Result<(), Left> {
        match self.mentions(step).into_iter().find(|mention| self.is_condition(mention.at)) {
            Some(mention) => Err(Left {
                at: mention.at,
                why: format!(
                    "a step is skipped by `{}` of cargo's directories, which no key of theirs allows; hint: remove the \
                     condition, cargo itself skips what is up to date, or keep what is built in `builds`",
                    mention.output
                ),
            }),
            None => Ok(()),
        }
    }
}

/// Fates of `given`, by `fate`.
pub(super) fn fates(given: &[Given<'_>], fate: impl Fn(&Given<'_>) -> Fate) -> Vec<Fate> {
    given.iter().map(fate).collect()
}
