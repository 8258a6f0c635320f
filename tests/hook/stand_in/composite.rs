//! A composite action, as its `action.yml` has it. *Runner.Worker/Handlers/CompositeActionHandler.cs*.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use test_support::files;

use super::context::{Context, Places, path};
use super::handler::{Script, script};
use super::invoke::Trouble;
use super::job::{Step, Variables, When, Work};
use super::record::Outcome;
use super::steps::{conclude, under_cancel};
use super::token::Token;

/// An action's file.
#[derive(Debug, Deserialize)]
struct Manifest {
    #[serde(default)]
    inputs: std::collections::BTreeMap<String, Input>,
    runs: Runs,
}

#[derive(Debug, Deserialize)]
struct Input {
    #[serde(default)]
    default: String,
}

#[derive(Debug, Deserialize)]
struct Runs {
    steps: Vec<Embedded>,
}

/// A step of an action.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Embedded {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    r#if: String,
    shell: String,
    #[serde(default)]
    env: Variables,
    run: String,
    #[serde(default)]
    continue_on_error: bool,
}

/// Brings a job's actions to `_actions`, which is emptied before; an action that cannot be had fails the job before it has
/// begun. *Runner.Worker/ActionManager.cs: `PrepareActionsAsync`*.
pub(crate) fn prepare(places: &Places, steps: &[Step]) -> Result<(), String> {
    files::empty(&places.actions);
    for step in steps {
        if let Work::Uses { action, .. } = &step.work {
            if !action.join("action.yml").is_file() {
                return Err(format!("Can't find 'action.yml' under '{}'.", action.display()));
            }
            let to = brought(places, action);
            if !to.exists() {
                std::fs::create_dir_all(to.parent().expect("it is below `_actions`"))
                    .expect("it can be made");
                files::copy(action, &to);
            }
        }
    }
    Ok(())
}

/// Where an action is brought to.
fn brought(places: &Places, action: &Path) -> PathBuf {
    places.actions.join("owner").join(action.file_name().expect("an action has a name")).join("v1")
}

/// Runs an action's steps. A failed one does not end it: later conditions are asked of what it has come to.
/// `RunAsync`, `RunStepsAsync`.
pub(crate) fn run(
    context: &Context,
    step: &Step,
    action: &Path,
    with: &Variables,
) -> Result<Outcome, Trouble> {
    let failed = |why: String| Trouble::Failed(Some(why));
    let action = &brought(&context.world.places, action);
    let text = files::read(&action.join("action.yml"));
    let manifest: Manifest = serde_yaml::from_str(&text).map_err(|error| failed(error.to_string()))?;
    context.set_github("action_repository", "owner/action");
    context.set_github("action_ref", "v1");
    let mut inputs = Variables::new();
    for (name, input) in &manifest.inputs {
        let default = evaluate(context, &Variables::new(), &input.default).map_err(failed)?;
        inputs.insert(name.clone(), with.get(name).cloned().unwrap_or(default));
    }
    let mut result = None::<Outcome>;
    for embedded in &manifest.runs.steps {
        let mut own = context.clone().with_own_github();
        own.token = Token::default();
        own.has_failed = Arc::default();
        own.action_status = Some(Arc::new(Mutex::new(result.unwrap_or(Outcome::Succeeded))));
        own.set_github("action_path", path(action));
        let when = condition(&embedded.r#if).map_err(failed)?;
        let outcome = under_cancel(&own, when, || {
            let done = run_embedded(&own, step, embedded, &inputs);
            conclude(&own, done, embedded.continue_on_error)
        });
        if matches!(outcome, Outcome::Failed | Outcome::Cancelled) {
            result = Some(Outcome::merge(result, outcome));
        }
    }
    Ok(result.unwrap_or(Outcome::Succeeded))
}

/// A step of an action has the job's variables, those of the step that uses the action, and its own; no `INPUT_*`.
fn run_embedded(
    context: &Context,
    step: &Step,
    embedded: &Embedded,
    inputs: &Variables,
) -> Result<Outcome, Trouble> {
    let mut env = context.world.state().env.clone();
    env.extend(step.env.clone());
    for (name, value) in &embedded.env {
        let value = evaluate(context, inputs, value).map_err(|why| Trouble::Failed(Some(why)))?;
        env.insert(name.clone(), value);
    }
    context.say(&format!("{} {}", embedded.name, embedded.id));
    let text = Script { text: &embedded.run, shell: Some(&embedded.shell), directory: None, env };
    script(context, &format!("{}.{}", step.id, embedded.id), &text)
}

fn condition(text: &str) -> Result<When, String> {
    match text.trim().trim_start_matches("${{").trim_end_matches("}}").trim() {
        "" | "success()" => Ok(When::Success),
        "always()" => Ok(When::Always),
        "failure()" => Ok(When::Failure),
        "cancelled()" => Ok(When::Cancelled),
        other => Err(format!("the stand-in does not know the condition {other}")),
    }
}

/// Puts the values of expressions into a text: those that the action's own files have.
fn evaluate(context: &Context, inputs: &Variables, text: &str) -> Result<String, String> {
    let mut parts = text.split("${{");
    let mut value = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, after) =
            part.split_once("}}").ok_or_else(|| format!("no end of an expression in {text}"))?;
        let expression = expression.trim();
        let is = match expression.split_once('.') {
            _ if expression == "toJSON(inputs)" => {
                serde_json::to_string_pretty(inputs).expect("they are text")
            }
            _ if expression == "toJSON(matrix)" => {
                serde_json::to_string_pretty(&context.world.job.matrix).expect("it is JSON")
            }
            Some(("inputs", name)) => inputs.get(name).cloned().unwrap_or_default(),
            Some(("github", name)) => context.github().get(name).cloned().unwrap_or_default(),
            Some(("job", "status")) => context.world.status().word().to_owned(),
            Some(("runner", "temp")) => path(&context.world.places.temp).to_owned(),
            _ => return Err(format!("the stand-in does not know the expression {expression}")),
        };
        value.push_str(&is);
        value.push_str(after);
    }
    Ok(value)
}
