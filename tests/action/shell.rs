//! The action's steps under the runner: what earlier steps wrote into `GITHUB_ENV` does not run in them, and what they
//! download is what they run.

use std::collections::BTreeSet;

use crate::host::Host;
use crate::install::Action;
use crate::log::Run;
use test_support::web::{Answer, Web};

/// A job whose first step poisons what the shell of a later one reads, and which then has `step`.
fn poisoned(host: &Host, step: &str) -> Run {
    // Each way leaves a file of its name, or prints what runs.
    let workflow = format!(
        r#"
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - run: |
          mkdir "$HOME/ran"
          echo ': >"$HOME/ran/bash-env"' >"$HOME/bash-env"
          cat >>"$GITHUB_ENV" <<'END'
          BASH_ENV={home}/bash-env
          ENV={home}/bash-env
          CDPATH={home}
          SHELLOPTS=xtrace
          BASHOPTS=extdebug
          BASH_FUNC_uname%%=() {{ : >"$HOME/ran/function"; command uname "$@"; }}
          BASH_FUNC_dirname%%=() {{ : >"$HOME/ran/function"; command dirname "$@"; }}
          END
      - id: after
        {step}
"#,
        home = host.path("home").display()
    );
    host.act(&host.project("small"), &workflow).run()
}

fn ran(host: &Host) -> BTreeSet<String> {
    let entries = std::fs::read_dir(host.path("home/ran")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_poisoned_environment_runs_in_a_usual_step() {
    let host = Host::new();
    let run = poisoned(&host, "run: uname").assert_success();
    assert_eq!(ran(&host), ["bash-env", "function"].map(str::to_owned).into());
    assert!(is_traced(&run), "SHELLOPTS: {}", run.text());
}

#[test]
fn a_poisoned_environment_does_not_run_in_the_steps_of_the_action() {
    for action in ["runner-cache@v1", "runner-cache/restore@v1", "runner-cache/save@v1"] {
        let host = Host::new();
        let inputs = "with: { preset: none, path: README.md, key: any }";
        let run = poisoned(&host, &format!("uses: btcdecoded/{action}\n        {inputs}")).assert_success();
        assert_eq!(run.warnings(), Vec::<String>::new(), "{}", run.text());
        assert_eq!(ran(&host), BTreeSet::new(), "{action}");
        assert!(!is_traced(&run), "{}", run.text());
    }
}

/// Whether a shell printed its commands.
fn is_traced(run: &Run) -> bool {
    run.step("build", "after").printed().lines().any(|line| line.starts_with("+ "))
}

/// A job with a cache that is downloaded from where the workflow says, with these further inputs.
fn downloading(action: &Action, url: &str, inputs: &str) -> Run {
    let workflow = format!(
        "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: btcdecoded/runner-cache@v1
        id: cache
        with: {{ preset: none, path: data, key: any, download-url: \"{url}\"{inputs} }}
      - id: after
        run: echo the job goes on
"
    );
    let host = &action.host;
    let of_host = |name| host.path(name).into_os_string();
    let small = host.project("small");
    let act = host.act(&small, &workflow).env("RUNNER_CACHE_BIN", "");
    act.env("RUNNER_TOOL_CACHE", of_host("tools"))
        .env("PATH", action.path_with(&["curl", "sha256sum", "git"]))
        .run()
}

/// A released action that the runner uses.
fn released() -> (Action, Vec<u8>) {
    let action = Action::new();
    let packed = action.release("https://localhost:9/{file}").packed;
    std::fs::rename(action.host.path("stand-in/dist"), action.host.path("action/dist")).unwrap();
    (action, packed)
}

#[test]
fn the_action_runs_what_it_downloaded_from_the_url_and_with_the_token_of_its_inputs() {
    let (action, packed) = released();
    let web = Web::new(move |_, _| Answer::Whole(packed.clone()));
    let run = downloading(&action, &web.url("/{file}"), ", download-token: of-the-job").assert_success();
    assert!(run.step("build", "cache").printed().contains("runner-cache 1.2.3"), "{}", run.text());
    assert_eq!(web.requests()[0].header("authorization"), Some("Bearer of-the-job"));
}

#[test]
fn the_hosts_token_goes_to_the_hosts_url_only() {
    let (action, packed) = released();
    let web = Web::new(move |_, _| Answer::Whole(packed.clone()));
    let scripts = action.host.path("action/scripts/action.sh");
    let mut command = std::process::Command::new("bash");
    command.arg(scripts).arg("save").env("PATH", action.path_with(&["curl", "sha256sum"]));
    command.env("RUNNER_TOOL_CACHE", action.host.path("tools")).env("RUNNER_TEMP", action.host.path("home"));
    command.env("RUNNER_CACHE_DOWNLOAD_URL", "https://localhost:9/{file}").env_remove("RUNNER_CACHE_BIN");
    command.env("RUNNER_CACHE_DOWNLOAD_TOKEN", "of-the-host").env("INSTALL_URL", web.url("/{file}"));
    assert!(command.output().unwrap().status.success());
    assert_eq!(web.requests()[0].header("authorization"), None);
}

#[test]
fn a_download_that_is_not_the_release_is_one_warning_and_a_miss() {
    let (action, packed) = released();
    let web = Web::new(move |_, _| Answer::Whole(packed[1..].to_vec()));
    let run = downloading(&action, &web.url("/{file}"), "").assert_success();
    let [warning] = &run.warnings()[..] else { panic!("{}", run.text()) };
    assert!(warning.contains("refusing to run the download"), "{warning}");
    assert_eq!(run.step("build", "cache").output("cache-hit"), "false");
    assert!(run.step("build", "after").succeeded());
}

#[test]
fn fail_on_error_fails_the_step_instead() {
    let (action, packed) = released();
    let web = Web::new(move |_, _| Answer::Whole(packed[1..].to_vec()));
    let run = downloading(&action, &web.url("/{file}"), ", fail-on-error: true").assert_failure();
    let errors = run.errors();
    assert!(errors.iter().any(|error| error.contains("refusing to run the download")), "{errors:?}");
    assert!(!run.step("build", "after").ran());
}
