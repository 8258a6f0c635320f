//! Jobs: how they end, what they share, and workspaces beside their own.

use crate::host::Host;

#[test]
fn a_save_only_on_success_knows_that_an_earlier_step_failed() {
    let workflow = |save: &str, work: &str| {
        format!(
            "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: btcdecoded/runner-cache@v1
        id: cache
        with: {{ preset: none, path: data, key: status, save: {save} }}
      - run: mkdir -p data && echo made >data/file && {work}
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
"
        )
    };
    let host = Host::new();
    let small = host.project("small");
    let hit = |workflow: &str| {
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
fn later_steps_can_ask_the_program() {
    const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: actions/checkout@v7
      - uses: btcdecoded/runner-cache@v1
      - id: ask
        run: |
          runner-cache explain >explained
          echo \"layers=$(grep -c '^  *key ' explained)\" >>\"$GITHUB_OUTPUT\"
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
";
    let host = Host::new();
    let small = host.project("small");
    let run = host.act(&small, WORKFLOW).run().assert_success();
    assert_eq!(run.step("build", "ask").output("layers"), "2");
}

#[test]
fn a_workspace_beside_the_job_s_own_is_cached_with_it() {
    const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: actions/checkout@v7
      - run: git clone --quiet \"$FIXTURE_REPOSITORIES/btcdecoded/small\" ../sibling
      - uses: btcdecoded/runner-cache@v1
        id: cache
        with:
          workspaces: |
            .
            ../sibling -> out
      - id: own
        run: cargo build --locked
      - id: sibling
        run: cargo build --locked --manifest-path ../sibling/Cargo.toml --target-dir ../sibling/out
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
";
    let host = Host::new();
    let small = host.project("small");
    let cold = host.act(&small, WORKFLOW).run().assert_success();
    let warm = host.act(&small, WORKFLOW).run().assert_success();
    assert_eq!(warm.step("build", "cache").output("cache-hit"), "true");
    for workspace in ["own", "sibling"] {
        let dependency = |package: &String| package.starts_with("itoa");
        assert!(cold.step("build", workspace).compiled().iter().any(dependency), "{workspace}");
        assert!(!warm.step("build", workspace).compiled().iter().any(dependency), "{workspace}");
    }
}

#[test]
fn jobs_of_a_matrix_share_a_key_and_keep_their_own_target() {
    const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    strategy:
      matrix:
        profile: [dev, release]
    steps:
      - uses: actions/checkout@v7
      - uses: btcdecoded/runner-cache@v1
        id: cache
      - run: echo \"$PROFILE has $(cd target 2>/dev/null && echo */)\"
        env: { PROFILE: \"${{ matrix.profile }}\" }
      - run: cargo build --locked --profile \"$PROFILE\"
        env: { PROFILE: \"${{ matrix.profile }}\" }
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
";
    let host = Host::new();
    let small = host.project("small");
    host.act(&small, WORKFLOW).run().assert_success();
    let warm = host.act(&small, WORKFLOW).run().assert_success().text();
    assert!(warm.contains("dev has debug/\n") && warm.contains("release has release/\n"), "{warm}");
}
