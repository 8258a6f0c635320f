//! Things that are not cargo's: any path under any key, as with actions/cache.

use crate::host::Host;

#[test]
fn node_modules_come_back_with_links_and_modes_and_the_install_step_is_skipped() {
    const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: actions/checkout@v7
      - uses: btcdecoded/runner-cache@v1
        id: cache
        with:
          preset: none
          path: node_modules
          key: npm-${{ hashFiles('package-lock.json') }}
      - id: install
        if: steps.cache.outputs.cache-hit != 'true'
        run: |
          mkdir -p node_modules/.bin node_modules/tool
          printf '#!/bin/sh\\necho the tool runs\\n' >node_modules/tool/cli.sh
          chmod 755 node_modules/tool/cli.sh
          ln -s ../tool/cli.sh node_modules/.bin/tool
      - id: use
        run: readlink node_modules/.bin/tool && node_modules/.bin/tool
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
";
    let host = Host::new();
    let small = host.project("small");
    small.write("package-lock.json", "{}");

    let run = host.act(&small, WORKFLOW).run().assert_success();
    assert!(run.step("build", "install").ran());
    assert_eq!(run.step("build", "cache").output("cache-hit"), "false");

    let run = host.act(&small, WORKFLOW).run().assert_success();
    assert!(!run.step("build", "install").ran());
    assert_eq!(run.step("build", "cache").output("cache-hit"), "true");
    assert_eq!(run.step("build", "use").printed(), "../tool/cli.sh\nthe tool runs\n");

    small.write("package-lock.json", "{\"changed\": true}");
    let run = host.act(&small, WORKFLOW).run().assert_success();
    assert!(run.step("build", "install").ran(), "another key");
}

#[test]
fn restore_keys_give_the_newest_entry_with_their_prefix() {
    const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: btcdecoded/runner-cache@v1
        id: cache
        with:
          preset: none
          path: data
          key: data-${{ env.NUMBER }}
          restore-keys: |
            other-
            data-
      - id: data
        run: |
          if [[ -f data/number ]]; then cat data/number; fi
          mkdir -p data && echo \"$NUMBER\" >data/number
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
";
    let host = Host::new();
    let small = host.project("small");
    let run =
        |number| host.act(&small, &WORKFLOW.replace("${{ env.NUMBER }}", number)).env("NUMBER", number).run();

    assert_eq!(run("1").assert_success().step("build", "data").printed(), "");
    for (number, before) in [("2", "1"), ("3", "2")] {
        let run = run(number).assert_success();
        let cache = run.step("build", "cache");
        assert_eq!(cache.output("cache-hit"), "false");
        assert_eq!(cache.output("cache-primary-key"), format!("data-{number}"));
        assert_eq!(cache.output("cache-matched-key"), format!("data-{before}"));
        assert_eq!(run.step("build", "data").printed(), format!("{before}\n"));
    }
}

#[test]
fn the_restore_and_save_actions_work_apart() {
    const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: btcdecoded/runner-cache/restore@v1
        id: cache
        with: { preset: none, path: data, key: apart }
      - id: make
        if: steps.cache.outputs.cache-hit != 'true'
        run: mkdir data && echo made >data/file
      - id: use
        run: cat data/file
      - uses: btcdecoded/runner-cache/save@v1
        if: steps.cache.outputs.cache-hit != 'true'
        with: { preset: none, path: data, key: apart }
";
    let host = Host::new();
    let small = host.project("small");
    assert!(host.act(&small, WORKFLOW).run().assert_success().step("build", "make").ran());
    let run = host.act(&small, WORKFLOW).run().assert_success();
    assert!(!run.step("build", "make").ran());
    assert_eq!(run.step("build", "use").printed(), "made\n");
}

#[test]
fn the_restore_action_leaves_nothing_to_save() {
    const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: btcdecoded/runner-cache/restore@v1
        id: cache
        with: { preset: none, path: data, key: only-read }
      - run: mkdir data && echo made >data/file
      - uses: btcdecoded/runner-cache@v1
        with: { preset: none, path: other, key: other }
      - run: mkdir -p other && echo made >other/file
      - uses: btcdecoded/runner-cache/save@v1
";
    let host = Host::new();
    let small = host.project("small");
    for _ in 0..2 {
        let run = host.act(&small, WORKFLOW).run().assert_success();
        assert_eq!(run.step("build", "cache").output("cache-hit"), "false");
    }
}
