//! Things that are not cargo's: any path under any key, as with actions/cache.

use crate::host::Host;
use crate::workflow::{Step, Workflow, cache, checkout, restore, run, save};

const MISSED: &str = "steps.cache.outputs.cache-hit != 'true'";

/// Lets a step be about `path` under `key`, and nothing of cargo.
fn only(step: Step, path: &str, key: &str) -> Step {
    step.with("preset", "none").with("path", path).with("key", key)
}

#[test]
fn node_modules_restore_with_links_and_modes_and_skip_the_install_step() {
    let install = "mkdir -p node_modules/.bin node_modules/tool
printf '#!/bin/sh\\necho the tool runs\\n' >node_modules/tool/cli.sh
chmod 755 node_modules/tool/cli.sh
ln -s ../tool/cli.sh node_modules/.bin/tool";
    let workflow = Workflow::of([
        checkout(),
        only(cache(), "node_modules", "npm-${{ hashFiles('package-lock.json') }}"),
        run(install).id("install").only_if(MISSED),
        run("readlink node_modules/.bin/tool && node_modules/.bin/tool").id("use"),
        save().only_if("always()"),
    ]);
    let host = Host::new();
    let small = host.project("small");
    small.write("package-lock.json", "{}");

    let run = host.act(&small, &workflow).run().assert_success();
    assert!(run.step("build", "install").ran());
    assert_eq!(run.step("build", "cache").output("cache-hit"), "false");

    let run = host.act(&small, &workflow).run().assert_success();
    assert!(!run.step("build", "install").ran());
    assert_eq!(run.step("build", "cache").output("cache-hit"), "true");
    assert_eq!(run.step("build", "use").printed(), "../tool/cli.sh\nthe tool runs\n");

    small.write("package-lock.json", "{\"changed\": true}");
    let run = host.act(&small, &workflow).run().assert_success();
    assert!(run.step("build", "install").ran(), "another key");
}

#[test]
fn restore_keys_match_the_newest_entry_with_their_prefix() {
    let workflow = |number: &str| {
        let data = "if [[ -f data/number ]]; then cat data/number; fi\nmkdir -p data && echo \"$NUMBER\" >data/number";
        Workflow::of([
            only(cache(), "data", &format!("data-{number}")).with("restore-keys", "other-\ndata-"),
            run(data).id("data").env("NUMBER", number),
            save().only_if("always()"),
        ])
    };
    let host = Host::new();
    let small = host.project("small");
    let run = |number| host.act(&small, &workflow(number)).run();

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
fn restore_and_save_actions_work_separately() {
    let workflow = Workflow::of([
        only(restore().id("cache"), "data", "apart"),
        run("mkdir data && echo made >data/file").id("make").only_if(MISSED),
        run("cat data/file").id("use"),
        only(save(), "data", "apart").only_if(MISSED),
    ]);
    let host = Host::new();
    let small = host.project("small");
    assert!(host.act(&small, &workflow).run().assert_success().step("build", "make").ran());
    let run = host.act(&small, &workflow).run().assert_success();
    assert!(!run.step("build", "make").ran());
    assert_eq!(run.step("build", "use").printed(), "made\n");
}

#[test]
fn restore_action_leaves_no_session() {
    let workflow = Workflow::of([
        only(restore().id("cache"), "data", "only-read"),
        run("mkdir data && echo made >data/file"),
        only(cache().id("other"), "other", "other"),
        run("mkdir -p other && echo made >other/file"),
        save(),
    ]);
    let host = Host::new();
    let small = host.project("small");
    for _ in 0..2 {
        let run = host.act(&small, &workflow).run().assert_success();
        assert_eq!(run.step("build", "cache").output("cache-hit"), "false");
    }
}
