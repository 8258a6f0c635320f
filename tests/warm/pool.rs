//! What a job compiled of dependencies that compile C, assemble and generate code serves another repository on the host
//! as if it had compiled them itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use test_support::{Job, files};

use crate::built::Built;
use crate::online::online_job;

/// What the job does.
const COMMANDS: [&str; 2] = ["cargo build", "cargo test --no-run"];

#[test]
fn native_dependencies_of_another_repository_give_an_identical_program() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/warm/native");
    let mut job = online_job();
    job.policy("share: owner\n");
    let mut all = BTreeSet::new();
    for repository in ["first", "second"] {
        let checkout = format!("work/{repository}/{repository}");
        files::copy(&sources, &job.path(&checkout));
        job.move_to(&checkout);
        job.set("GITHUB_REPOSITORY", format!("o/{repository}"));
        job.remove("temp");
        fs::create_dir(job.path("temp")).unwrap();
        let said = job.ok(&["restore", "--share", "owner"]);
        assert_eq!(said.outputs["target-hit"], if repository == "first" { "miss" } else { "composed" });
        let built: Vec<_> = COMMANDS.iter().map(|command| Built::by(&job, command)).collect();
        let compiled: BTreeSet<_> =
            built.iter().flat_map(|built| built.compiled_names()).map(str::to_owned).collect();
        if repository == "first" {
            all = compiled;
        } else {
            // The script of aws-lc-rs hands on the path of the directory in which aws-lc-sys was built.
            let bound = ["aws-lc-rs", "native"];
            assert_eq!(compiled.iter().map(String::as_str).collect::<Vec<_>>(), bound, "{}", said.log);
        }
        let saved = job.ok(&["save"]);
        println!("{repository}: {}{}", said.log, saved.log);
    }
    assert!(all.len() > 20, "{all:?}");
    job.sh("cargo test -q; cargo run -q | grep -q '^3[.].* true$'");

    let program = |job: &Job| fs::read(job.path("work/second/second/target/debug/native")).unwrap();
    let composed = program(&job);
    job.remove("work/second/second/target");
    job.sh("cargo build -q --locked");
    assert!(composed == program(&job), "a clean build makes another program");
}
