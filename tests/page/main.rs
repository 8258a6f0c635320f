//! The page of `report` in a real browser: `scripts/page.sh`, which installs one. Rust makes hosts, by the program itself and
//! by events of earlier days in its ledger; `scripts/browse.py` looks at their pages as people do.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod host;

use std::path::{Path, PathBuf};
use std::process::Command;

use pulldown_cmark::{Options, Parser};
use runner_cache::store::{Access, Store};
use serde_json::{Value, json};
use test_support::Job;

const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache");

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Has a browser look at the page of `job`'s host: `look` is one of the functions of the script, which gets `facts`.
fn browse(look: &str, job: &Job, args: &[&str], facts: &Value) {
    let python = project(".tools/venv/bin/python");
    assert!(python.is_file(), "the browser's driver is missing: run ./scripts/setup-tools.sh");
    let page = job.path(&format!("{look}.html"));
    job.ok(&[&["report", "--html", page.to_str().unwrap()], args].concat());
    let mut browse = Command::new(python);
    browse.arg("-B").arg(project("scripts/browse.py")).arg(look).arg(page).arg(facts.to_string());
    let output = browse.output().unwrap();
    assert!(output.status.success(), "{look}: {}", String::from_utf8_lossy(&output.stderr));
}

fn stats(job: &Job, args: &[&str]) -> Value {
    let said = job.ok(&[&["stats", "--json"], args].concat());
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    let stats = &outcome["result"];
    let evicted = stats["evictions"].as_array().unwrap().iter();
    let evicted: u64 = evicted.map(|evicted| evicted["entries"].as_u64().unwrap()).sum();
    json!({ "all": stats["all"], "evicted": evicted })
}

#[test]
fn figures_are_those_of_statistics_whatever_is_picked() {
    let job = host::busy();
    let of = |picked: Value, args: &[&str]| json!({ "picked": picked, "stats": stats(&job, args) });
    let cases = [
        of(json!({}), &["--since", "30d"]),
        of(json!({ "from": "23" }), &["--since", "7d"]),
        of(json!({ "repository": "acme/webshop" }), &["--since", "30d", "--repository", "acme/webshop"]),
        of(
            json!({ "repository": "acme/parser", "layer": "target", "from": "20" }),
            &["--since", "10d", "--repository", "acme/parser", "--layer", "target"],
        ),
    ];
    for case in &cases {
        assert!(case["stats"]["all"]["exact"].as_u64().unwrap() > 5, "it tells of something: {case:#}");
    }
    browse("figures", &job, &["--since", "30d"], &json!(cases));
}

#[test]
fn charts_have_marks_and_words_for_all_that_there_is() {
    let job = host::busy();
    let listed: Value = serde_json::from_str(&job.ok(&["list", "--json"]).stdout).unwrap();
    let entries = listed["result"].as_array().unwrap().len();
    assert!(entries > 5);
    browse("charts", &job, &["--max-size", "100MB"], &json!({ "entries": entries }));
}

#[test]
fn all_controls_are_reached_and_used_by_keyboard() {
    browse("keyboard", &host::busy(), &[], &json!({}));
}

#[test]
fn it_fits_a_phone_in_light_and_in_dark() {
    browse("looks", &host::busy(), &[], &json!({}));
}

#[test]
fn nothing_is_loaded_and_nothing_can_leave() {
    browse("closed", &host::busy(), &[], &json!({}));
}

#[test]
fn hostile_names_are_text() {
    let job = host::hostile();
    browse("hostile", &job, &[], &json!({ "names": host::HOSTILE }));
}

#[test]
fn a_host_without_events_or_entries_says_so() {
    let job = Job::new(PROGRAM);
    Store::open(&job.path("root"), Access::Private).unwrap();
    browse("empty", &job, &[], &json!({ "lookups": 0 }));
    let mut job = Job::new(PROGRAM);
    host::run(&mut job, &host::JOBS[0], 1);
    browse("empty", &job, &["--since", "1h"], &json!({ "lookups": 1 }));
}

/// Pictures for `docs/`, by `scripts/page.sh --pictures`.
#[test]
#[ignore = "writes into docs/"]
fn pictures() {
    browse(
        "pictures",
        &host::busy(),
        &["--max-size", "100MB"],
        &json!({
            "directory": project("docs/pictures"),
            "summary": markdown(&host::last_summary()),
            "terminal": host::busy().ok(&["stats"]).stdout,
        }),
    );
}

/// Markdown as a step summary is shown: as HTML.
fn markdown(text: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, Parser::new_ext(text, Options::ENABLE_TABLES));
    html
}
