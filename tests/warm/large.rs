//! A workspace of 22 packages with 376 dependencies (the benchmark's), built, tested and linted: after a restore into a
//! fresh checkout nothing is compiled, and after an edit the edited package and those that use it.

use std::collections::BTreeSet;
use std::path::Path;

use test_support::{Job, files};

use crate::built::Built;
use crate::online::online_job;

/// What the job does.
const COMMANDS: [&str; 3] = ["cargo build", "cargo test --no-run", "cargo clippy --all-targets"];

fn built(job: &Job, command: &str) -> Built {
    let built = Built::by(job, command);
    assert!(built.units.len() > 300, "{command} was about {} units only", built.units.len());
    built
}

#[test]
fn large_workspace_compiles_once() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/bench/workspace");
    let mut job = online_job();
    let checkout = "work/checkout";
    files::copy(&workspace, &job.path(checkout));
    job.move_to(checkout);
    let said = job.ok(&["restore"]);
    assert_eq!(said.outputs["target-hit"], "miss");
    for command in COMMANDS {
        assert!(built(&job, command).compiled.len() > 20, "{command}");
    }
    let said = job.ok(&["save"]);
    assert!(said.log.contains("target  saved") && said.log.contains("cargo   saved"), "{}", said.log);

    // The next job, with a cargo home as empty as a new host's.
    job.remove(checkout);
    job.remove("home/.cargo");
    files::copy(&workspace, &job.path(checkout));
    let said = job.ok(&["restore"]);
    assert_eq!((&*said.outputs["target-hit"], &*said.outputs["cargo-hit"]), ("exact", "exact"));
    for command in COMMANDS {
        assert_eq!(built(&job, command).compiled_names(), BTreeSet::new(), "{command}: {}", said.log);
    }

    let source = format!("{checkout}/parts/market/src/lib.rs");
    job.write(&source, &job.read(&source).replace("weight = 14", "weight = 15"));
    let users = ["market", "order", "payment", "quota", "receipt", "server"];
    for command in COMMANDS {
        assert_eq!(built(&job, command).compiled_names(), BTreeSet::from(users), "{command}");
    }
    let said = job.ok(&["save"]);
    assert!(said.log.contains("target  saved"), "{}", said.log);

    // A third one, on another runner of the host. There clippy checks the workspace again: it depends on `Cargo.toml`
    // by the absolute path.
    let edited = job.read(&source);
    job.remove(checkout);
    files::copy(&workspace, &job.path("another/place"));
    job.write("another/place/parts/market/src/lib.rs", &edited);
    job.move_to("another/place");
    let said = job.ok(&["restore"]);
    for command in &COMMANDS[..2] {
        assert_eq!(built(&job, command).compiled_names(), BTreeSet::new(), "{command}: {}", said.log);
    }
}
