//! Inputs: wrong ones fail with a message that helps, the right ones do what they say.

use crate::host::Host;
use crate::workflow::{Workflow, cache, checkout, run, save};

/// A job that checks out and uses the action with these inputs.
fn with(inputs: &[(&str, &str)]) -> Workflow {
    let cache = inputs.iter().fold(cache(), |cache, (input, value)| cache.with(input, value));
    Workflow::of([checkout(), cache, run("cargo build --locked").id("after"), save().only_if("always()")])
}

/// The one error of a run with these inputs, which must not go on.
fn error_of(inputs: &[(&str, &str)]) -> String {
    let host = Host::new();
    let run = host.act(&host.project("small"), &with(inputs)).run().assert_failure();
    assert!(!run.step("build", "after").ran(), "{}", run.text());
    let [error] = &run.errors()[..] else { panic!("{}", run.text()) };
    error.clone()
}

#[test]
fn misspelt_value_fails_with_its_input_allowed_values_and_a_suggestion() {
    let error = error_of(&[("preset", "crago")]);
    for part in ["preset", "crago", "auto", "none", "cargo"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn preset_none_requires_a_path() {
    let error = error_of(&[("preset", "none"), ("key", "of-mine")]);
    assert!(error.contains("path"), "{error}");
}

#[test]
fn preset_none_requires_a_key() {
    let error = error_of(&[("preset", "none"), ("path", "node_modules")]);
    assert!(error.contains("key"), "{error}");
}

#[test]
fn fail_on_cache_miss_fails_on_a_miss() {
    let error = error_of(&[("fail-on-cache-miss", "true")]);
    assert!(error.contains("fail-on-cache-miss"), "{error}");
}

#[test]
fn fail_on_cache_miss_lets_a_hit_pass() {
    let host = Host::new();
    let small = host.project("small");
    host.act(&small, &with(&[("save", "always")])).run().assert_success();
    let run = host.act(&small, &with(&[("fail-on-cache-miss", "true")])).run().assert_success();
    assert_eq!(run.step("build", "cache").output("cache-hit"), "true");
}

#[test]
fn empty_directory_in_the_cache_is_a_miss() {
    let host = Host::new();
    let small = host.project("small");
    let run = host.act(&small, &with(&[("lookup-only", "true"), ("save", "never")])).run().assert_success();
    for name in ["CARGO_CACHE_DIR", "TARGET_CACHE_DIR"] {
        std::fs::create_dir_all(run.env("build", name).unwrap()).unwrap();
    }
    let run = host.act(&small, &with(&[("save", "never")])).run().assert_success();
    let cache = run.step("build", "cache");
    assert_eq!((cache.output("cache-hit"), cache.output("target-hit")), ("false", "miss"));
    assert_ne!(run.env("build", "TARGET_RESTORED"), Some("true"));
    assert_eq!(run.warnings(), Vec::<String>::new());
}

#[test]
fn lookup_only_reports_a_hit_and_restores_nothing() {
    let host = Host::new();
    let small = host.project("small");
    host.act(&small, &with(&[("save", "always")])).run().assert_success();
    let run = host.act(&small, &with(&[("lookup-only", "true"), ("save", "never")])).run().assert_success();
    let cache = run.step("build", "cache");
    assert_eq!((cache.output("target-hit"), cache.output("target-restored")), ("exact", "false"));
}

#[test]
fn save_never_saves_nothing() {
    let host = Host::new();
    let small = host.project("small");
    host.act(&small, &with(&[("save", "never")])).run().assert_success();
    let run = host.act(&small, &with(&[("save", "never")])).run().assert_success();
    assert_eq!(run.step("build", "cache").output("target-hit"), "miss");
}
