//! Jobs: how they end, what they share, and workspaces beside their own.

use crate::host::Host;
use crate::workflow::{Workflow, cache, checkout, run, save};

#[test]
fn save_on_success_skips_a_failed_job() {
    let workflow = |when: &str, work: &str| {
        let cache =
            cache().with("preset", "none").with("path", "data").with("key", "status").with("save", when);
        let work = run(&format!("mkdir -p data && echo made >data/file && {work}"));
        Workflow::of([cache, work, save().only_if("always()")])
    };
    let host = Host::new();
    let small = host.project("small");
    let hit = |workflow: &Workflow| {
        let run = host.act(&small, workflow).run();
        let cache = run.step("build", "cache");
        (cache.output("cache-hit").to_owned(), cache.output("cache-matched-key").to_owned())
    };
    let miss = ("false".to_owned(), String::new());
    assert_eq!(hit(&workflow("success", "false")), miss);
    assert_eq!(hit(&workflow("always", "false")), miss, "the failed job before saved nothing");
    let partial = ("false".to_owned(), "status".to_owned());
    assert_eq!(hit(&workflow("always", "true")), partial, "what the failed job before saved is not final");
    let exact = ("true".to_owned(), "status".to_owned());
    assert_eq!(hit(&workflow("always", "true")), exact, "the job that succeeded made it final");
}

#[test]
fn later_steps_can_run_the_program() {
    let ask = "runner-cache explain >explained\necho \"layers=$(grep -c '^  *key ' explained)\" >>\"$GITHUB_OUTPUT\"";
    let workflow = Workflow::of([checkout(), cache(), run(ask).id("ask"), save().only_if("always()")]);
    let host = Host::new();
    let small = host.project("small");
    let run = host.act(&small, &workflow).run().assert_success();
    assert_eq!(run.step("build", "ask").output("layers"), "2");
}

#[test]
fn sibling_workspace_is_cached() {
    let workflow = Workflow::of([
        checkout(),
        run("git clone --quiet \"$FIXTURE_REPOSITORIES/btcdecoded/small\" ../sibling"),
        cache().with("workspaces", ".\n../sibling -> out"),
        run("cargo build --locked").id("own"),
        run("cargo build --locked --manifest-path ../sibling/Cargo.toml --target-dir ../sibling/out")
            .id("sibling"),
        save().only_if("always()"),
    ]);
    let host = Host::new();
    let small = host.project("small");
    let cold = host.act(&small, &workflow).run().assert_success();
    let warm = host.act(&small, &workflow).run().assert_success();
    assert_eq!(warm.step("build", "cache").output("cache-hit"), "true");
    for workspace in ["own", "sibling"] {
        let dependency = |package: &String| package.starts_with("itoa");
        assert!(cold.step("build", workspace).compiled().iter().any(dependency), "{workspace}");
        assert!(!warm.step("build", workspace).compiled().iter().any(dependency), "{workspace}");
    }
}

#[test]
fn matrix_jobs_share_a_key_and_keep_their_own_target() {
    let with_profile = |script: &str| run(script).env("PROFILE", "${{ matrix.profile }}");
    let workflow = Workflow::of([
        checkout(),
        cache(),
        with_profile("echo \"$PROFILE has $(cd target 2>/dev/null && echo */)\""),
        with_profile("cargo build --locked --profile \"$PROFILE\""),
        save().only_if("always()"),
    ])
    .matrix("profile", &["dev", "release"]);
    let host = Host::new();
    let small = host.project("small");
    host.act(&small, &workflow).run().assert_success();
    let warm = host.act(&small, &workflow).run().assert_success().text();
    assert!(warm.contains("dev has debug/\n") && warm.contains("release has release/\n"), "{warm}");
}
