//! The program: reads the command line, carries it out, tells what went wrong.

use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;
use runner_cache::cli;
use runner_cache::commands::{Form, execute, print};
use runner_cache::facts::host_policy;
use runner_cache::github::Environment;
use runner_cache::job::{Exit, Job};
use runner_cache::outcome::Code;
use runner_cache::plan::HostPolicy;
use runner_cache::report::{Console, Diagnosed, start_diagnostics};
use runner_cache::sys::{Interrupt, with_threads};

fn main() -> ExitCode {
    let started = Instant::now();
    let mut env = Environment::of_process();
    let policy = host_policy();
    let no_policy = HostPolicy::default();
    let cli = match cli::parse(
        &std::env::args_os().collect::<Vec<_>>(),
        &env,
        policy.as_ref().unwrap_or(&no_policy),
    ) {
        Ok(cli) => cli,
        Err(refused) => return usage(&refused, &env),
    };
    let interrupt = match Interrupt::on_signals() {
        Ok(interrupt) => interrupt,
        Err(error) => return fail(&env, &format!("cannot listen for signals: {error}")),
    };
    for (name, value) in &cli.variables {
        env.set(name, value);
    }
    let job = Job::new(env, policy, interrupt, started);
    let wanted = job.env.get("RUNNER_CACHE_LOG");
    let is_debugged = job.env.get("RUNNER_DEBUG") == Some("1");
    // Who may run one command as root by `sudo` is not to write files with it.
    let is_by_sudo = job.env.get("SUDO_UID").is_some();
    if is_by_sudo && cli.trace.is_some() {
        job.console.say("ignoring `--trace`: sudo runs this");
    }
    let trace = cli.trace.as_deref().filter(|_| !is_by_sudo);
    let diagnosed = Diagnosed { wanted, is_debugged, is_actions: job.context.is_actions, trace };
    // What is traced is on the disk when this goes.
    let _trace = start_diagnostics(&diagnosed).unwrap_or_else(|why| {
        job.warn(Code::Environment, why);
        None
    });
    for name in job.env.unreadable() {
        let hint = "hint: flags such as `--cache-root` take any path";
        job.warn(Code::Environment, format!("ignoring `{name}`: not valid UTF-8; {hint}"));
    }
    for note in &cli.narrowed {
        job.console.say(note);
    }
    let form = Form::of(&cli);
    with_threads(|| {
        let ended = execute(cli, &job);
        print(&ended, &job, form);
        ended.exit.into()
    })
}

/// Help and version are no errors; everything else is told in one line, with a hint in another.
fn usage(refused: &cli::Refused, env: &Environment) -> ExitCode {
    let error = &refused.error;
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help || !error.use_stderr() {
        // A closed pipe (`--help | head`) is nobody's problem.
        let _ = error.print();
        return if is_help { Exit::Usage.into() } else { Exit::Success.into() };
    }
    let console = Console::new(env.get("GITHUB_ACTIONS") == Some("true"));
    console.error(refused.explain());
    console.say(refused.hint());
    Exit::Usage.into()
}

fn fail(env: &Environment, message: &str) -> ExitCode {
    Console::new(env.get("GITHUB_ACTIONS") == Some("true")).error(message);
    Exit::Failure.into()
}
