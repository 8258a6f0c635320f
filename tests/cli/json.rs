//! What `--json` prints.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use serde_json::{Value, json};
use test_support::{Job, Said};

use crate::PROGRAM;

fn outcome(said: &Said) -> Value {
    let outcome: Value =
        serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    assert_eq!((&outcome["version"], &outcome["exit_code"]), (&json!(1), &json!(said.code)), "{outcome:#}");
    assert!(outcome["seconds"].as_f64().unwrap() > 0.0, "{outcome:#}");
    outcome
}

/// The result of `command`, which it is of.
fn result(said: &Said, command: &str) -> Value {
    let mut outcome = outcome(said);
    assert_eq!(outcome["command"], command, "{outcome:#}");
    outcome["result"].take()
}

fn codes(outcome: &Value) -> Vec<&str> {
    outcome["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

const PATHS: [&str; 6] = ["--preset", "none", "--path", "data", "--key", "k-1"];

fn job() -> Job {
    let job = Job::new(PROGRAM);
    job.write("work/project/data/file", "12345");
    job
}

#[test]
fn restore_tells_what_served_or_why_nothing_did() {
    let job = job();
    let restored = |args: &[&str]| {
        let said =
            job.ok(&[&["restore", "--json", "--no-session", "--preset", "none", "--path", "data"], args]
                .concat());
        result(&said, "restore")["layers"][0].take()
    };
    let missed = restored(&["--key", "k-1"]);
    assert_eq!(
        (&missed["hit"], &missed["reason"]["code"]),
        (&json!("miss"), &json!("no-entry")),
        "{missed:#}"
    );
    job.ok(&[&["save"], &PATHS[..]].concat());
    job.remove("work/project/data");
    let exact = restored(&["--key", "k-1"]);
    assert_eq!((&exact["hit"], &exact["matched"]["ref"]), (&json!("exact"), &json!("refs/heads/main")));
    assert_eq!(
        (&exact["transfer"]["stats"]["files"], &exact["transfer"]["stats"]["bytes"]),
        (&json!(1), &json!(5))
    );
    assert!(exact["times"]["files"].as_f64().unwrap() > 0.0, "{exact:#}");
    let partial = restored(&["--key", "k-2", "--restore-keys", "k-"]);
    assert_eq!((&partial["hit"], &partial["matched"]["key"]), (&json!("partial"), &json!("k-1")));
}

#[test]
fn save_tells_what_became_of_each_layer() {
    let job = job();
    let saved =
        || result(&job.ok(&[&["save", "--json"], &PATHS[..]].concat()), "save")[0]["layers"][0].take();
    let new = saved();
    assert_eq!(
        (&new["key"], &new["outcome"], &new["stats"]["files"]),
        (&json!("k-1"), &json!("entry"), &json!(1))
    );
    let again = saved();
    assert_eq!(
        (&again["outcome"], &again["reason"]["code"]),
        (&json!("not"), &json!("settled")),
        "{again:#}"
    );
}

#[test]
fn run_sends_its_commands_output_to_the_log() {
    let job = job();
    let said = job
        .run(&[&["run", "--json"], &PATHS[..], &["--", "sh", "-c", "echo of the command; exit 3"]].concat());
    let result = result(&said, "run");
    assert_eq!((said.code, &result["restored"]["layers"][0]["hit"]), (3, &json!("miss")));
    assert_eq!(result["saved"]["layers"][0]["key"], "k-1");
    assert!(said.log.contains("of the command"), "{}", said.log);
}

#[test]
fn upkeep_commands_tell_what_they_found_and_did() {
    let job = job();
    job.ok(&[&["save"], &PATHS[..]].concat());
    let told = |args: &[&str], command| result(&job.ok(args), command);
    assert_eq!(told(&["list", "--json"], "list")[0]["key"], "k-1");
    assert_eq!(told(&["--json", "inspect", "k-1"], "inspect")[0]["holds"][0]["files"], 1);
    assert_eq!(told(&["du", "--json"], "du")["groups"][0]["entries"], 1);
    assert_eq!(told(&["verify", "--json"], "verify"), json!({ "sound": 1, "damaged": [], "unread": 0 }));
    assert_eq!(told(&["flush", "--json"], "flush"), Value::Null);
    let explained = told(&[&["explain", "--json"], &PATHS[..]].concat(), "explain");
    let layer = &explained["layers"][0];
    assert_eq!((&layer["key"], &layer["pool"]), (&json!("k-1"), &Value::Null), "{explained:#}");
    let entry = &layer["entries"][0];
    assert_eq!((&entry["key"], &entry["verdict"]["code"]), (&json!("k-1"), &json!("taken")), "{explained:#}");
    // What a layer is planned and recorded by is the program's own.
    assert_eq!((layer.get("plan"), entry.get("header")), (None, None), "{explained:#}");
    assert_eq!(told(&["explain", "--last-build", "--json"], "last-build")["outcome"], "no-restore");
    let doomed = told(&["gc", "--json", "--dry-run", "--max-size", "1B"], "would-go");
    let going = &doomed["going"][0];
    assert_eq!((&going["key"], &going["reason"]["code"]), (&json!("k-1"), &json!("size")));
    let would = told(&["remove", "--json", "--dry-run", "k-1"], "remove");
    assert_eq!(would["would_remove"].as_array().unwrap().len(), 1, "{would:#}");
    assert_eq!(told(&["gc", "--json", "--max-size", "1B"], "gc")["evicted"], 1);
    let unknown = job.run(&["remove", "--json", "k-1"]);
    assert_eq!(result(&unknown, "remove")["unknown"], json!(["k-1"]));
    assert_eq!(unknown.code, 1);
}

#[test]
fn warnings_have_codes() {
    let job = job();
    job.ok(&[&["save"], &PATHS[..]].concat());
    job.sh("for manifest in $RUNNER_CACHE_ROOT/paths/*/*/*/*/manifest; do echo no manifest >$manifest; done");
    job.remove("work/project/data");
    let damaged = outcome(&job.run(&[&["restore", "--json", "--no-session"], &PATHS[..]].concat()));
    assert_eq!(codes(&damaged), ["damaged"], "{damaged:#}");
    job.write("root-is-a-file", "");
    let mut job = job;
    job.set("RUNNER_CACHE_ROOT", job.path("root-is-a-file").display());
    let said = job.run(&[&["restore", "--json", "--no-session"], &PATHS[..]].concat());
    assert_eq!(codes(&outcome(&said)), ["no-cache"], "{said:?}");
}

#[test]
fn a_path_that_is_not_text_is_shown_as_far_as_it_is() {
    let job = job();
    let mut root = job.path("root-").into_os_string().into_vec();
    root.push(0xff);
    let mut command = job.command(&[&["run", "--json"], &PATHS[..], &["--cache-root"]].concat());
    let done = command.arg(OsString::from_vec(root)).args(["--", "sh", "-c", "exit 3"]).output().unwrap();
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    let outcome: Value = serde_json::from_slice(&done.stdout).unwrap();
    let shown = outcome["result"]["restored"]["cache_root"].as_str().unwrap();
    assert!(shown.ends_with("/root-\u{fffd}"), "{outcome:#}");
}

#[test]
fn a_command_that_cannot_begin_has_no_result() {
    let mut job = job();
    job.set("RUNNER_CACHE_ROOT", job.path("absent").display());
    let outcome = outcome(&job.ok(&["du", "--json"]));
    assert_eq!(outcome.get("command"), None, "{outcome:#}");
}
