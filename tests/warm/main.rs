//! A workspace of 22 packages with 376 dependencies (the benchmark's), built, tested and linted: after a restore into a fresh
//! checkout nothing is compiled, and after an edit the edited package and those that use it.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

#[path = "../cli/job.rs"]
#[expect(dead_code, reason = "these tests need only a part of it")]
mod job;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use job::Job;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/bench/workspace");

/// What the job does.
const COMMANDS: [&str; 3] = ["cargo build", "cargo test --no-run", "cargo clippy --all-targets"];

/// Lays the workspace out anew, as a checkout does: nothing keeps its time.
fn check_out(to: &Path) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true if entry.file_name() == "target" => {}
                true => copy(&entry.path(), &to),
                false => fs::write(to, fs::read(entry.path()).unwrap()).unwrap(),
            }
        }
    }
    copy(Path::new(WORKSPACE), to);
}

/// Runs a command and returns the packages of which something was compiled or checked.
fn compiled(job: &Job, command: &str) -> BTreeSet<String> {
    job.sh(&format!("{command} --locked --workspace --message-format=json -q > $HOME/../messages"));
    let messages = job.read("messages");
    let messages = messages.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut found = BTreeSet::new();
    let mut artifacts = 0;
    for message in messages.filter(|message| message["reason"] == "compiler-artifact") {
        artifacts += 1;
        if message["fresh"] == false {
            found.insert(message["target"]["name"].as_str().unwrap().to_owned());
        }
    }
    assert!(artifacts > 300, "{command} was about {artifacts} units only");
    found
}

#[test]
fn a_large_workspace_is_compiled_once() {
    let mut job = Job::new();
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy"] {
        if let Ok(value) = std::env::var(name) {
            job.set(name, value);
        }
    }
    for (name, value) in std::env::vars() {
        if ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_"]
            .iter()
            .any(|part| name.starts_with(part))
        {
            job.set(&name, value);
        }
    }
    let checkout = "work/checkout";
    check_out(&job.path(checkout));
    job.move_to(checkout);
    let said = job.ok(&["restore"]);
    assert_eq!(said.outputs["target-hit"], "miss");
    for command in COMMANDS {
        assert!(compiled(&job, command).len() > 20, "{command}");
    }
    let said = job.ok(&["save"]);
    assert!(said.log.contains("target  saved") && said.log.contains("cargo   saved"), "{}", said.log);

    // The next job, with a cargo home as empty as a new host's.
    job.remove(checkout);
    job.remove("home/.cargo");
    check_out(&job.path(checkout));
    let said = job.ok(&["restore"]);
    assert_eq!((&*said.outputs["target-hit"], &*said.outputs["cargo-hit"]), ("exact", "exact"));
    for command in COMMANDS {
        assert_eq!(compiled(&job, command), BTreeSet::new(), "{command}: {}", said.log);
    }

    let source = format!("{checkout}/parts/market/src/lib.rs");
    job.write(&source, &job.read(&source).replace("weight = 14", "weight = 15"));
    let users = ["market", "order", "payment", "quota", "receipt", "server"].map(str::to_owned);
    for command in COMMANDS {
        assert_eq!(compiled(&job, command), BTreeSet::from(users.clone()), "{command}");
    }
    let said = job.ok(&["save"]);
    assert!(said.log.contains("target  saved"), "{}", said.log);

    // A third one, on another runner of the host. There clippy checks the workspace again: it depends on `Cargo.toml` by the
    // absolute path.
    let edited = job.read(&source);
    job.remove(checkout);
    check_out(&job.path("another/place"));
    job.write("another/place/parts/market/src/lib.rs", &edited);
    job.move_to("another/place");
    job.ok(&["restore"]);
    for command in &COMMANDS[..2] {
        assert_eq!(compiled(&job, command), BTreeSet::new(), "{command}");
    }
}
