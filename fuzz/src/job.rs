//! A job to plan: settings, and facts of a machine that is not there.

use std::ffi::OsString;
use std::sync::LazyLock;

use runner_cache::cargo::{CargoHome, Workspace};
use runner_cache::cli::{self, Cli, Command};
use runner_cache::github::Environment;
use runner_cache::plan::{Facts, HostPolicy, Settings};

static DEFAULTS: LazyLock<Settings> = LazyLock::new(|| {
    let cli = cli::parse(&arguments("restore", &[]), &Environment::default(), &HostPolicy::default())
        .expect("no input is required");
    settings_of(&cli).expect("a restore has settings")
});

/// The settings of a job that gives no input.
pub fn defaults() -> Settings {
    DEFAULTS.clone()
}

/// The command line of `command` with `flags`.
pub fn arguments(command: &str, flags: &[OsString]) -> Vec<OsString> {
    let program = ["runner-cache".into(), command.into()];
    program.into_iter().chain(flags.iter().cloned()).collect()
}

/// The settings of a command that has some.
pub fn settings_of(cli: &Cli) -> Option<Settings> {
    match &cli.command {
        Command::Restore { inputs, .. } | Command::Save { inputs } | Command::Run { inputs, .. } => {
            Some(inputs.settings(&Environment::default()))
        }
        _ => None,
    }
}

/// A job in `/w/p`, where there is a Rust workspace.
pub fn facts() -> Facts {
    let workspace = Workspace {
        root: "/w/p".into(),
        target: "/w/p/target".into(),
        build: None,
        manifests: Vec::new(),
        lock: None,
    };
    Facts {
        os: "linux".into(),
        arch: "x86_64".into(),
        directory: "/w/p".into(),
        home: Some("/h".into()),
        cargo_home: Some(CargoHome::at("/h/.cargo")),
        workspaces: vec![(".".into(), workspace)],
        commits: vec![(".".into(), "abc".into())],
        ..Facts::default()
    }
}
