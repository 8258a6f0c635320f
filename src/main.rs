//! The program: reads the command line, carries it out, tells what went wrong.

use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;
use runner_cache::cli;
use runner_cache::commands::execute;
use runner_cache::facts::host_policy;
use runner_cache::github::Environment;
use runner_cache::job::{Exit, Job};
use runner_cache::plan::HostPolicy;
use runner_cache::report::Console;
use runner_cache::sys::{Interrupt, with_threads};

fn main() -> ExitCode {
    let started = Instant::now();
    let env = Environment::of_process();
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
        Err(error) => return fail(&env, &format!("cannot listen to signals: {error}")),
    };
    let job = Job::new(env, policy, interrupt, started);
    for name in job.env.unreadable() {
        let hint = "hint: flags such as `--cache-root` take any path";
        job.console.warn(format!("`{name}` is not UTF-8, and counts as not set; {hint}"));
    }
    for note in &cli.narrowed {
        job.console.say(note);
    }
    match with_threads(|| execute(cli, &job)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            job.console.error(format!("{error:#}"));
            Exit::Failure.into()
        }
    }
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
