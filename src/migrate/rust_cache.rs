//! `Swatinem/rust-cache`, in this action's words.
//! <https://github.com/Swatinem/rust-cache>

use super::cargo_paths::Line;
use super::expression::Truth;
use super::plan::{Cargo, Given, Left, Plan, Surroundings, inputs};
use super::step_edit::{Fate, Part, Rewrite, Written};
use super::workflow::Step;

/// The action's name in lower case.
pub(super) const NAME: &str = "swatinem/rust-cache";

const INPUTS: [&str; 17] = [
    "prefix-key",
    "shared-key",
    "key",
    "add-job-id-key",
    "add-rust-environment-hash-key",
    "env-vars",
    "workspaces",
    "cache-directories",
    "cache-targets",
    "cache-on-failure",
    "cache-all-crates",
    "cache-workspace-crates",
    "save-if",
    "cache-provider",
    "cache-bin",
    "lookup-only",
    "cmd-format",
];

/// What becomes of a step of the action.
pub(super) fn plan(step: Step<'_>, around: &Surroundings<'_>) -> Result<Plan, Left> {
    let given = inputs(step, "Swatinem/rust-cache", &INPUTS)?;
    around.guarded(step)?;
    let all = Inputs { given: &given };
    let mut notes = Vec::new();
    let (mut fates, mut added) = (Vec::new(), Vec::new());
    for input in &given {
        let (fate, note) = all.fate(input)?;
        notes.extend(note.map(|what| (input.at(), what)));
        fates.push(fate);
    }
    if all.truth("cache-targets")? == Some(Truth::Is(false)) {
        let has_paths = given
            .iter()
            .zip(&fates)
            .any(|(given, fate)| given.name == "cache-directories" && *fate != Fate::Drop);
        let layers = if has_paths { "cargo,paths" } else { "cargo" };
        added.push(("layers", Written::Word(layers.to_owned())));
    }
    let save = all.save()?;
    let part = if save.as_deref() == Some("never") { Part::Restore } else { Part::Both };
    added.extend(save.filter(|_| part == Part::Both).map(|save| ("save", Written::Word(save))));
    if let Some(at) =
        around.installs.filter(|_| all.truth("cache-bin").ok().flatten() != Some(Truth::Is(false)))
    {
        let what = "installed tools are not cached; hint: list them in `cargo-bins`";
        notes.push((at, what.to_owned()));
    }
    for mention in around.mentions(step) {
        let what = match mention.output.as_str() {
            "cache-hit" => {
                "`cache-hit` tells of runner-cache's own key, which has no sources in it".to_owned()
            }
            other => format!("runner-cache has no output `{other}`"),
        };
        notes.push((mention.at, what));
    }
    if all.get("workspaces").is_none() {
        notes.extend(around.elsewhere(&[]));
    }
    let is_plain = part == Part::Both && added.is_empty() && fates.iter().all(|fate| *fate == Fate::Drop);
    let cargo = Cargo { has_downloads: true, targets: vec![".".to_owned()] };
    let mut plan = Plan::new(Rewrite { part, fates, added, id: None });
    plan.cargo = is_plain.then_some(cargo);
    plan.notes = notes;
    Ok(plan)
}

struct Inputs<'a, 'n> {
    given: &'a [Given<'n>],
}

impl Inputs<'_, '_> {
    fn get(&self, name: &str) -> Option<&Given<'_>> {
        self.given.iter().find(|given| given.name == name && !given.text().trim().is_empty())
    }

    /// A truth value that is given.
    fn truth(&self, name: &str) -> Result<Option<Truth>, Left> {
        let Some(given) = self.get(name) else { return Ok(None) };
        let truth = Truth::read(given.text()).ok_or_else(|| Left {
            at: given.at(),
            why: format!("`{name}` is neither `true` nor `false`; hint: write one of them"),
        });
        truth.map(Some)
    }

    /// The same of an input that an expression cannot decide here.
    fn decided(&self, name: &str) -> Result<Option<bool>, Left> {
        match (self.truth(name)?, self.get(name)) {
            (Some(Truth::If(_)), Some(given)) => {
                let why = format!("`{name}` is an expression; hint: write `true` or `false`");
                Err(Left { at: given.at(), why })
            }
            (Some(Truth::Is(is)), _) => Ok(Some(is)),
            _ => Ok(None),
        }
    }

    /// When to save, if the inputs tell.
    fn save(&self) -> Result<Option<String>, Left> {
        let otherwise = match self.decided("cache-on-failure")? {
            Some(false) => "success",
            _ => "auto",
        };
        Ok(match self.truth("save-if")? {
            Some(Truth::Is(false)) => Some("never".to_owned()),
            Some(Truth::If(condition)) => Some(format!("${{{{ {condition} && '{otherwise}' || 'never' }}}}")),
            _ => (otherwise != "auto").then(|| otherwise.to_owned()),
        })
    }

    /// The words that begin a new cache, as this action takes them all at once. The first of the inputs that are given has them.
    fn extra(&self) -> Option<(&str, String)> {
        let names = ["prefix-key", "key"].into_iter();
        // A shared key is used instead of the other.
        let names = names.filter(|name| *name != "key" || self.get("shared-key").is_none());
        let given: Vec<_> = names.filter_map(|name| Some((name, self.get(name)?.text().trim()))).collect();
        let words: Vec<_> = given.iter().map(|(_, text)| *text).collect();
        Some((given.first()?.0, words.join("-")))
    }

    fn fate(&self, input: &Given<'_>) -> Result<(Fate, Option<String>), Left> {
        let drop = |what: &str| Ok((Fate::Drop, Some(what.to_owned())));
        let silently = Ok((Fate::Drop, None));
        if input.text().trim().is_empty() {
            return silently;
        }
        match input.name.as_str() {
            "prefix-key" | "key" => match self.extra() {
                Some((first, words)) if first == input.name => {
                    let is_alone = words == input.text();
                    let fate = if is_alone {
                        Fate::Rename("key-extra")
                    } else {
                        Fate::Become("key-extra", Written::Word(words))
                    };
                    Ok((fate, None))
                }
                _ if self.get("shared-key").is_some() && input.name == "key" => {
                    drop("`key` is left out: beside `shared-key` it has no effect")
                }
                _ => silently,
            },
            "shared-key" => drop(
                "`shared-key` is left out: jobs share entries, and prefer those of their own; hint: `lane` names the group",
            ),
            "add-job-id-key" => match self.decided(&input.name)? {
                Some(false) => drop(
                    "`add-job-id-key` is left out: jobs share entries, and prefer those of their own; hint: `lane` names \
                     the group",
                ),
                _ => silently,
            },
            "add-rust-environment-hash-key" => match self.decided(&input.name)? {
                Some(false) => drop(
                    "`add-rust-environment-hash-key` is left out: the compiler and the environment are in each key",
                ),
                _ => silently,
            },
            "env-vars" => Ok((
                Fate::Rename("key-env"),
                Some(
                    "`key-env` takes whole names, `env-vars` took prefixes; hint: write the names out"
                        .to_owned(),
                ),
            )),
            "workspaces" | "lookup-only" => Ok((Fate::Keep, None)),
            "cache-directories" => {
                let lines = input.lines();
                let others: Vec<_> =
                    lines.iter().filter(|line| Line::read(line) == Line::Other).cloned().collect();
                match others.len() {
                    0 => drop("`cache-directories` is left out: these are cargo's own directories"),
                    count if count < lines.len() => Ok((
                        Fate::Become("path", Written::of_lines(others)),
                        Some("cargo's own directories need no `path`".to_owned()),
                    )),
                    _ => Ok((Fate::Rename("path"), None)),
                }
            }
            "cache-targets" => {
                self.decided(&input.name)?;
                silently
            }
            "cache-all-crates" => match self.truth(&input.name)? {
                Some(Truth::Is(false)) => silently,
                _ => drop("`cache-all-crates` is left out: all crates in lock files are kept"),
            },
            "cache-bin" => {
                self.truth(&input.name)?;
                silently
            }
            "cache-provider" if input.text().trim() != "github" => {
                drop("`cache-provider` is left out: the cache is on the runner's disk")
            }
            "cmd-format" if input.text().trim() != "{0}" => drop(
                "`cmd-format` is left out: the compiler on the `PATH` is asked; hint: put the toolchain there before \
                 this step, or its version into `key-extra`",
            ),
            _ => silently,
        }
    }
}
