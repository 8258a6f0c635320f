//! Runs a script, of a step or a hook. *Runner.Worker/Handlers/ScriptHandler.cs, Runner.Worker/JobHookProvider.cs*.

use std::path::{Path, PathBuf};

use super::commands::Commands;
use super::container;
use super::context::{Context, path};
use super::file_commands::FileCommands;
use super::invoke::{Invocation, Trouble, invoke};
use super::job::Variables;
use super::record::Outcome;

/// A script of a step.
pub(crate) struct Script<'s> {
    pub(crate) text: &'s str,
    /// The shell's words, `{0}` for the file; bash, or else sh, where there are none.
    pub(crate) shell: Option<&'s str>,
    pub(crate) directory: Option<&'s str>,
    /// The workflow's, the job's and the step's variables, and what steps wrote to `GITHUB_ENV`.
    pub(crate) env: Variables,
}

/// Arguments of a shell without any. *Runner.Worker/Handlers/ScriptHandlerHelpers.cs*.
const OF_BASH: &str = "--noprofile --norc -e -o pipefail {0}";
const OF_SH: &str = "-e {0}";

/// A random name.
pub(crate) fn unique() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// What went wrong with a file of the runner's own.
fn failed(error: impl std::fmt::Display) -> Trouble {
    Trouble::Failed(Some(error.to_string()))
}

/// Runs a step's script. *ScriptHandler.cs: `RunAsync`*, the order of *ActionRunner.cs: `RunAsync`*.
pub(crate) fn script(context: &Context, step_id: &str, script: &Script) -> Result<Outcome, Trouble> {
    context.write_event().map_err(failed)?;
    let files = FileCommands::new(context, &unique()).map_err(failed)?;
    context.say(&format!("##[group]Run {}", script.text.lines().next().unwrap_or_default()));
    context.say(&format!("shell: {}", script.shell.unwrap_or("sh")));
    context.say("##[endgroup]");
    let done = run_script(context, script);
    // `finally`: whether it failed or not.
    files.process(context, step_id);
    done
}

fn run_script(context: &Context, script: &Script) -> Result<Outcome, Trouble> {
    let in_container = context.world.job.has_container;
    let (program, format) = match script.shell {
        None => (None, OF_SH),
        // A shell is a word and its arguments. *ScriptHandlerHelpers.cs: `ParseShellOptionString`*.
        Some(words) => match words.split_once(' ') {
            Some((program, format)) => (Some(program), format.trim_start()),
            None => (Some(words), if words == "bash" { OF_BASH } else { OF_SH }),
        },
    };
    if !format.contains("{0}") {
        return Err(failed(
            "Invalid shell option. Shell must be a valid built-in or a format string containing '{0}'",
        ));
    }
    let ending = if matches!(program, None | Some("bash" | "sh")) { ".sh" } else { "" };
    let file = context.world.places.temp.join(format!("{}{ending}", unique()));
    std::fs::write(&file, script.text).map_err(failed)?;
    let shell = match program {
        // In a container the shell is looked for there.
        Some(program) if in_container => PathBuf::from(program),
        None if in_container => PathBuf::from("sh"),
        Some(program) => {
            which(context, program).ok_or_else(|| failed(format!("{program}: command not found")))?
        }
        None => default_shell(context)?,
    };
    let workspace = &context.world.places.workspace;
    let directory = script.directory.map_or_else(|| workspace.clone(), |below| workspace.join(below));
    let invocation = Invocation {
        file: shell,
        arguments: arguments(format, path(&file)),
        directory,
        env: Variables::new(),
    };
    let env = script.env.clone();
    let invocation = if in_container {
        container::enter(context, &invocation, &additions(context, env))
    } else {
        Invocation { env: on_host(context, env), ..invocation }
    };
    finish(context, &invocation)
}

/// Runs a hook: on the host, in the workspace, with nothing of the workflow's environment.
/// *JobHookProvider.cs: `RunHook`*.
pub(crate) fn hook(context: &Context, kind: &str, file: &Path) -> Result<Outcome, Trouble> {
    context.say(&format!("A {kind} has been configured by the self-hosted runner administrator"));
    if !file.is_file() {
        return Err(failed("File doesn't exist"));
    }
    context.write_event().map_err(failed)?;
    // By its ending alone. *Runner.Common/HostContext.cs: `GetDefaultShellForScript`*.
    let ending = file.extension().and_then(|ending| ending.to_str());
    let (shell, format) = match ending {
        Some("sh") => (default_shell(context)?, OF_SH),
        // None of these tests has a runner's node or a PowerShell.
        Some("ps1" | "js") => return Err(failed("the stand-in runs hooks of shells alone")),
        _ => {
            let file = file.display();
            return Err(failed(format!(
                "{file} is not a valid path to a script. Make sure it ends in '.sh', '.ps1' or '.js'."
            )));
        }
    };
    let files = FileCommands::new(context, &unique()).map_err(failed)?;
    context.say(&format!("##[group]Run '{}'", file.display()));
    context.say("##[endgroup]");
    let invocation = Invocation {
        file: shell,
        arguments: arguments(format, path(file)),
        directory: context.world.places.workspace.clone(),
        env: on_host(context, Variables::new()),
    };
    let done = finish(context, &invocation);
    files.process(context, "hook");
    done
}

fn finish(context: &Context, invocation: &Invocation) -> Result<Outcome, Trouble> {
    let mut commands = Commands::new(context);
    let code = invoke(context, invocation, |line| commands.read(line))?;
    if code == 0 {
        return Ok(Outcome::Succeeded);
    }
    Err(failed(format!("Process completed with exit code {code}.")))
}

/// bash, or else sh, as the job finds them. *ScriptHandler.cs: `RunAsync`*.
fn default_shell(context: &Context) -> Result<PathBuf, Trouble> {
    which(context, "bash").or_else(|| which(context, "sh")).ok_or_else(|| failed("sh: command not found"))
}

/// A program in the directories of `GITHUB_PATH` and then of the worker's `PATH`: a file, executable or not.
/// *Runner.Sdk/Util/WhichUtil.cs: `Which`*.
fn which(context: &Context, program: &str) -> Option<PathBuf> {
    if Path::new(program).is_absolute() && Path::new(program).is_file() {
        return Some(PathBuf::from(program));
    }
    let own = context.world.env.get("PATH").cloned().unwrap_or_default();
    let all = format!("{}:{own}", context.world.prepended());
    let directories = all.split(':').filter(|directory| !directory.is_empty());
    directories.map(|directory| Path::new(directory).join(program)).find(|file| file.is_file())
}

/// The arguments of a command line: words, or what is in double quotes. The file's path is put in as it is.
/// *ScriptHandler.cs: `RunAsync`*, .NET's `ProcessStartInfo.Arguments`.
fn arguments(format: &str, file: &str) -> Vec<String> {
    let line = format.replace("{0}", &file.replace('"', "\\\""));
    let (mut arguments, mut word, mut is_quoted, mut is_word) = (Vec::new(), String::new(), false, false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'"') => word.extend(characters.next()),
            '"' => (is_quoted, is_word) = (!is_quoted, true),
            ' ' | '\t' if !is_quoted => {
                if is_word || !word.is_empty() {
                    arguments.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            other => word.push(other),
        }
    }
    if is_word || !word.is_empty() {
        arguments.push(word);
    }
    arguments
}

/// What the runner adds to its own environment for a process: `env`, and then what the contexts say.
/// *ScriptHandler.cs: `RunAsync`; Handler.cs: `AddPrependPathToEnvironment`; GitHubContext.cs, RunnerContext.cs*.
fn additions(context: &Context, mut env: Variables) -> Variables {
    let world = &context.world;
    let prepended = world.prepended();
    if !prepended.is_empty() && !world.job.has_container {
        let before = env.get("PATH").or_else(|| world.env.get("PATH")).cloned().unwrap_or_default();
        env.insert("PATH".to_owned(), format!("{prepended}:{before}"));
    }
    for (name, value) in context.github() {
        if ALLOWED.contains(&name.as_str()) {
            env.insert(format!("GITHUB_{}", name.to_uppercase()), value);
        }
    }
    let places = &world.places;
    let workspace = places.workspace.parent().expect("the workspace is below the job's directory");
    for (name, value) in [
        ("ARCH", if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }),
        ("ENVIRONMENT", "self-hosted"),
        ("NAME", &world.runner_name),
        ("OS", "Linux"),
        ("TEMP", path(&places.temp)),
        ("TOOL_CACHE", path(&places.tools)),
        ("WORKSPACE", path(workspace)),
    ] {
        env.insert(format!("RUNNER_{name}"), value.to_owned());
    }
    if world.job.has_id_token {
        env.insert("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), "https://token.example.invalid/".to_owned());
        env.insert("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), "token-of-the-job".to_owned());
    }
    env
}

/// All of the environment of a process on the host: the worker's, and what the runner adds.
/// *Runner.Sdk/ProcessInvoker.cs: `ExecuteAsync`*.
fn on_host(context: &Context, env: Variables) -> Variables {
    let mut all = context.world.env.clone();
    all.extend(additions(context, env));
    all
}

/// What of the `github` context becomes a variable. *Runner.Worker/GitHubContext.cs: `_contextEnvAllowlist`*.
const ALLOWED: [&str; 39] = [
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "actor",
    "actor_id",
    "api_url",
    "artifacts",
    "artifacts_list",
    "base_ref",
    "env",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "output",
    "path",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "state",
    "step_summary",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
];
