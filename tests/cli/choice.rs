//! Which of several entries a job gets: the one that serves most of what it needs.

use crate::repository::{HERE, Repository, THERE};

#[test]
fn runners_at_two_paths_each_get_their_own_entry() {
    let main = "fn main() { println!(\"{}\", concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/x\")) }\n";
    let mut repository = Repository::new(&[("src/main.rs", main)], "cargo build -q --offline");
    repository.run(HERE);
    let log = repository.run(THERE).1;
    assert!(log.contains("they contain another path"), "{log}");
    for place in [HERE, THERE, HERE] {
        let log = repository.run(place).1;
        assert!(log.contains("target  exact") && !log.contains("left out"), "{place}: {log}");
    }
}

#[test]
fn own_lane_partial_match_precedes_another_lanes_exact_match() {
    const WORKSPACE: &str = "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\"]\n";
    let manifest = |name: &str, version: &str| -> &'static str {
        let text = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
        Box::leak(text.into_boxed_str())
    };
    let files = [
        ("Cargo.toml", WORKSPACE),
        ("a/Cargo.toml", manifest("a", "0.1.0")),
        ("a/src/lib.rs", "pub fn a() {}\n"),
        ("b/Cargo.toml", manifest("b", "0.1.0")),
        ("b/src/lib.rs", "pub fn b() {}\n"),
        (
            "Cargo.lock",
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n",
        ),
    ];
    let mut repository = Repository::new(&files, "");
    let job = |lane: &str, repository: &mut Repository| {
        repository.job.set("GITHUB_JOB", lane);
        repository.probe =
            if lane == "check" { "cargo check -q --offline" } else { "cargo build -q --offline" };
        repository.run(HERE).1
    };
    job("check", &mut repository);
    job("build", &mut repository);
    repository.edit("b/Cargo.toml", Some(manifest("b", "0.2.0")));
    repository.edit("Cargo.lock", Some("version = 4\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n[[package]]\nname = \"b\"\nversion = \"0.2.0\"\n"));
    job("check", &mut repository);
    let log = job("build", &mut repository);
    assert!(log.contains("target  partial") && log.contains("units: 1 of 2 left out"), "{log}");
}

/// A program of two members, of which one is needed by the other, and the jobs of one lane.
fn with_two_members() -> Repository {
    let files = [
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"top\", \"low\"]\n"),
        (
            "top/Cargo.toml",
            "[package]\nname = \"top\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nlow = { path = \"../low\" }\n",
        ),
        ("top/src/main.rs", "fn main() { println!(\"{} 1\", low::low()) }\n"),
        ("low/Cargo.toml", "[package]\nname = \"low\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("low/src/lib.rs", "pub fn low() -> u32 { 1 }\n"),
    ];
    Repository::new(&files, "cargo build -q --offline && target/debug/top")
}

#[test]
fn an_earlier_commit_gets_back_what_was_built_of_it() {
    let mut repository = with_two_members();
    let before = repository.run(HERE).0;
    repository.edit("low/src/lib.rs", Some("pub fn low() -> u32 { 2 }\n"));
    assert_ne!(repository.run(HERE).0, before);
    repository.edit("low/src/lib.rs", Some("pub fn low() -> u32 { 1 }\n"));
    let (said, log) = repository.run(HERE);
    assert_eq!(said, before);
    assert!(log.contains("target: chose entry"), "{log}");
    assert!(!log.contains("left out"), "nothing is compiled: {log}");
}

#[test]
fn the_entry_with_the_nearest_sources_is_taken_and_of_equals_the_newest() {
    let mut repository = with_two_members();
    repository.run(HERE);
    repository.edit("low/src/lib.rs", Some("pub fn low() -> u32 { 2 }\n"));
    repository.run(HERE);
    // `low` is as it was at first, `top` as it never was.
    repository.edit("low/src/lib.rs", Some("pub fn low() -> u32 { 1 }\n"));
    repository.edit("top/src/main.rs", Some("fn main() { println!(\"{} 3\", low::low()) }\n"));
    let log = repository.run(HERE).1;
    assert!(log.contains("target: chose entry") && log.contains("units: 1 of 2 left out"), "{log}");
    // Both of the entries that have this `low` serve as much: nothing speaks for the older one.
    repository.edit("top/src/main.rs", Some("fn main() { println!(\"{} 4\", low::low()) }\n"));
    let log = repository.run(HERE).1;
    assert!(!log.contains("chose entry") && log.contains("units: 1 of 2 left out"), "{log}");
}
