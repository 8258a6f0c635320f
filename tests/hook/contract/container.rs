//! A job in a container.

use std::os::unix::fs::MetadataExt as _;

use test_support::files;

use super::runner;
use crate::stand_in::{Job, Outcome, run};

#[test]
fn a_container_has_the_mounts_of_the_contract_and_the_hook_is_on_the_host() {
    let (_place, runner) = runner();
    let runner = runner.completed("echo \"$HOME $GITHUB_WORKSPACE\"");
    let script = "echo \"$HOME $GITHUB_WORKSPACE $RUNNER_TEMP $RUNNER_TOOL_CACHE <$RUNNER_TRACKING_ID><$OF_DOT_ENV>\"; id -u; touch made \"$HOME/of-home\"";
    let runner = runner.env("OF_DOT_ENV", "1");
    let done = runner.run(Job::new("o/r").in_container().step(run(script).named("inside").env("A", "1")));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    let step = done.step("inside");
    // The tool cache is in `_work`, and is found there: `/__t` is for one that is elsewhere.
    let line = "/github/home /__w/r/r /__w/_temp /__w/_tool <><>".to_owned();
    assert!(step.log.ends_with(&[line, "0".to_owned()]), "{done:?}");
    let workspace = runner.workspace("o/r");
    let hook = format!("{} {}", runner.home().display(), workspace.display());
    assert!(done.step("Complete runner").log.contains(&hook), "{done:?}");
    assert_eq!(std::fs::metadata(workspace.join("made")).unwrap().uid(), rustix::process::geteuid().as_raw());
    let steps = [
        "Set up job",
        "Initialize containers",
        "inside",
        "Stop containers",
        "Complete runner",
        "Complete job",
    ];
    assert_eq!(done.ran(), steps);
}

#[test]
fn a_tool_cache_outside_of_work_is_at_its_own_place() {
    let (place, runner) = runner();
    let tools = place.path().join("tools");
    files::write(&tools.join("tool"), "");
    let runner = runner.env("RUNNER_TOOL_CACHE", tools.to_str().unwrap());
    let done = runner.run(
        Job::new("o/r").in_container().step(run("echo \"$RUNNER_TOOL_CACHE\"; ls /__t/tool").named("inside")),
    );
    assert!(done.step("inside").log.ends_with(&["/__t".to_owned(), "/__t/tool".to_owned()]), "{done:?}");
}

#[test]
fn a_container_sees_neither_the_hosts_home_nor_its_temporary_files() {
    let (place, runner) = runner();
    let script = format!(
        "test ! -e {}; test ! -e /root; test -z \"$(ls -A /tmp)\"; touch /tmp/own",
        place.path().display()
    );
    let job = Job::new("o/r").in_container().step(run(script)).step(run("test -e /tmp/own"));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(!runner.root.join("container").exists());
}

#[test]
fn the_mounts_are_file_systems_of_their_own() {
    let (_place, runner) = runner();
    let script = "touch \"$RUNNER_TEMP/a\"; ! ln \"$RUNNER_TEMP/a\" made 2>/dev/null; ! ln \"$RUNNER_TEMP/a\" \"$HOME/a\" 2>/dev/null";
    let done = runner.run(Job::new("o/r").in_container().step(run(script)));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
}

#[test]
fn the_path_of_a_job_comes_first_in_a_container() {
    let (_place, runner) = runner();
    let job = Job::new("o/r")
        .in_container()
        .step(run("echo /added >>\"$GITHUB_PATH\""))
        .step(run("echo \"${PATH%%:*}\"").named("shows"));
    assert!(runner.run(job).step("shows").log.contains(&"/added".to_owned()));
}
