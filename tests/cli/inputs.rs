//! Inputs, right and wrong, and the commands for people.

use std::fs;

use test_support::Job;

use crate::PROGRAM;

#[test]
fn invalid_inputs_fail_with_a_message_and_lose_nothing() {
    let wrong: [(&[&str], &str); 13] = [
        (
            &["--save", "nver"],
            "input `save`: `nver` is not allowed; allowed: auto, always, success, never; did you mean `never`?",
        ),
        (
            &["--keep", "target=0"],
            "input `keep`: `target=0`: the number must be at least 1; hint: `save: never` saves nothing",
        ),
        (
            &["--layers", "cargo,tagret"],
            "input `layers`: `tagret` is not a layer; allowed: cargo, target, builds, paths, bins; did you \
             mean `target`?",
        ),
        (
            &["--link-mode", "symlink"],
            "input `link-mode`: `symlink` is not allowed; allowed: auto, reflink, hardlink, copy",
        ),
        (
            &["--preset", "none"],
            "input `preset`: `none` with no `path` caches nothing; hint: list what to cache in `path`, `builds` or `cargo-bins`",
        ),
        (
            &["--path", "out/[x"],
            "input `path`: `out/[x`: bad pattern: error parsing glob '[x': unclosed character class; \
             missing ']'; hint: use `*`, ",
        ),
        (&["--workspaces", "../absent"], "input `workspaces`: `../absent`: no Cargo.toml in "),
        (&["--workspaces", ". -> ."], "input `workspaces`: the target directory "),
        (&["--key-files", "absent.lock"], "input `key-files`: `absent.lock`: no such file in "),
        (
            &["--cargo-bins", "cargo nextest"],
            "input `cargo-bins`: `cargo nextest` is not a package name; allowed: package names separated \
             by commas, such as cargo-nextest or cargo-audit@0.21.0; did you mean `cargo-nextest`?",
        ),
        (
            &["--key-env", "OTHER SECRET=abc"],
            "input `key-env`: `SECRET=` is not a variable name; allowed: names separated by blanks or \
             commas; values come from the environment",
        ),
        (&["--cargo-bins", "../x"], "input `cargo-bins`: `../x` is not a package name; allowed: "),
        (&["--kee", "target=1"], "unknown input `kee`; did you mean `keep`?"),
    ];
    let job = Job::new(PROGRAM);
    job.write("work/project/target/mine", "mine");
    for (args, message) in wrong {
        for command in ["restore", "save"] {
            let said = job.run(&[&[command], args].concat());
            assert_eq!(said.code, 2, "{said:?}");
            assert!(
                said.log.contains(&format!("::error title=runner-cache::{message}")),
                "{args:?}: {}",
                said.log
            );
        }
    }
    assert_eq!(job.read("work/project/target/mine"), "mine");
}

#[test]
fn unknown_input_from_the_runner_is_reported() {
    let mut job = Job::new(PROGRAM);
    job.set("RUNNER_CACHE_INPUTS", r#"{"Fail-On-Cache-Mis": "true"}"#);
    let said = job.run(&["restore"]);
    assert_eq!(said.code, 2);
    assert!(
        said.log.contains("unknown input `fail-on-cache-mis`; did you mean `fail-on-cache-miss`?"),
        "{}",
        said.log
    );
}

#[test]
fn usage_error_names_the_help_command() {
    let all_inputs = |command: &str| {
        format!("`runner-cache {command} --help` and docs/inputs-and-outputs.md list all inputs")
    };
    let takes = |command: &str| format!("`runner-cache {command} --help` shows its arguments");
    let before = |command: &str| format!("put `--` before the command: `runner-cache run -- {command}`");
    let wrong: [(&[&str], &str, String); 16] = [
        (&["run"], "`run` requires <COMMAND>...", before("cargo build")),
        (&["run", "make", "-j"], "missing `--` before the command `make`", before("make …")),
        (&["run", "--kee", "x"], "unknown input `kee`; did you mean `keep`?", all_inputs("run")),
        (&["remove"], "`remove` requires <KEY>...", takes("remove")),
        (&["inspect"], "`inspect` requires <KEY>", takes("inspect")),
        (
            &["lst"],
            "unknown command `lst`; did you mean `list`?",
            "`runner-cache --help` lists all commands".into(),
        ),
        (&["list", "x"], "`list` does not take `x`", takes("list")),
        (&["list", "--jso"], "`list` does not take `--jso`; did you mean `--json`?", takes("list")),
        (&["list", "--json=1"], "`--json` takes no value, got `1`", takes("list")),
        (&["list", "--sort", "x"], "`--sort`: `x` is not allowed; allowed: last-use, ", takes("list")),
        (
            &["list", "--cache-root"],
            "input `cache-root` requires a value; allowed: <DIRECTORY>",
            takes("list"),
        ),
        (
            &["--cache-root", "/tmp", "list"],
            "`--cache-root` must follow the command",
            "`runner-cache list --help` shows its arguments".into(),
        ),
        (&["save", "--save"], "input `save` requires a value; allowed: auto, always, ", all_inputs("save")),
        (&["gc", "--max-size", "-5GB"], "input `max-size`: `-5GB` is not a size; allowed: ", takes("gc")),
        (&["gc", "--max-age", "-1d"], "input `max-age`: `-1d` is not a duration; allowed: ", takes("gc")),
        (&["gc", "--keep", "-1"], "input `keep`: `-1` is ", takes("gc")),
    ];
    let job = Job::new(PROGRAM);
    for (args, message, hint) in wrong {
        let said = job.run(args);
        assert_eq!(said.code, 2, "{said:?}");
        let [error, told] = said.log.lines().collect::<Vec<_>>()[..] else {
            panic!("{args:?}: {}", said.log)
        };
        assert!(error.starts_with(&format!("::error title=runner-cache::{message}")), "{args:?}: {error}");
        assert_eq!(told, format!("hint: {hint}"), "{args:?}");
    }
}

#[test]
fn invalid_variable_is_named_and_only_inputs_have_variables() {
    let mut job = Job::new(PROGRAM);
    for name in ["JSON", "UNITS", "DRY_RUN", "NO_SESSION", "DEEP", "SORT"] {
        job.set(&format!("RUNNER_CACHE_{name}"), "1");
    }
    job.build(&[]);
    for args in [&["list"][..], &["gc"], &["verify"]] {
        job.ok(args);
    }
    job.set("RUNNER_CACHE_MAX_SIZE", "abc");
    let told = "variable RUNNER_CACHE_MAX_SIZE (input `max-size`): `abc` is not a size; allowed: ";
    for args in [&["gc"][..], &["restore"], &["restore", "--max-size", "1GB"]] {
        let said = job.run(args);
        assert!(said.code == 2 && said.log.contains(told), "{said:?}");
    }
    job.set("RUNNER_CACHE_MAX_SIZE", "1GB");
    let log = job.run(&["restore", "--max-size", "abc"]).log;
    assert!(log.contains("::input `max-size`: `abc` is not a size"), "{log}");
}

#[test]
fn fail_on_cache_miss_fails_only_on_a_miss() {
    let job = Job::new(PROGRAM);
    assert_eq!(job.run(&["restore", "--fail-on-cache-miss"]).code, 1);
    assert_eq!(job.ok(&["restore", "--fail-on-cache-miss=false"]).outputs["cache-hit"], "false");
    job.build(&["--key", "other-1"]);
    let partial = ["restore", "--fail-on-cache-miss", "--key", "other-2", "--restore-keys", "other-"];
    assert_eq!(job.ok(&partial).outputs["target-hit"], "partial", "a partial hit is no miss");
}

#[test]
fn lookup_only_restores_nothing() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    job.wipe();
    let said = job.ok(&["restore", "--lookup-only"]);
    assert_eq!((&*said.outputs["cache-hit"], &*said.outputs["target-restored"]), ("true", "false"));
    assert_eq!(said.env["TARGET_CACHE_RESTORED"], "false");
    assert!(!job.path("work/project/target").exists());
}

#[test]
fn paths_behave_as_in_actions_cache() {
    let job = Job::new(PROGRAM);
    for file in ["node_modules/a/index.js", "out/x.bin", "out/y.log", "out/deep/z.bin", "single.txt"] {
        job.write(&format!("work/project/{file}"), "1");
    }
    job.write("home/.npm/x", "1");
    let path = "node_modules\n~/.npm\nout/**/*.bin\n!out/deep\nsingle.txt";
    let args = ["--preset", "none", "--path", path, "--key", "npm-1", "--restore-keys", "npm-"];
    assert_eq!(job.ok(&[&["restore"], &args[..]].concat()).outputs["cache-hit"], "false");
    assert!(job.ok(&["save"]).log.contains("paths   saved"));
    for directory in ["work/project/node_modules", "work/project/out", "home/.npm"] {
        job.remove(directory);
    }
    fs::remove_file(job.path("work/project/single.txt")).unwrap();
    job.write("work/project/out/mine", "stays");
    let said = job.ok(&[&["restore"], &args[..]].concat());
    assert_eq!((&*said.outputs["cache-hit"], &*said.outputs["restored-files"]), ("true", "4"));
    for file in ["node_modules/a/index.js", "out/x.bin", "out/mine", "single.txt"] {
        assert!(job.path("work/project").join(file).is_file(), "{file}");
    }
    assert!(!job.path("work/project/out/y.log").exists() && !job.path("work/project/out/deep").exists());
    assert!(job.ok(&["save"]).log.contains("this key already has an entry"));
}

#[test]
fn same_key_with_other_paths_is_a_miss() {
    let job = Job::new(PROGRAM);
    job.write("work/project/a", "1");
    job.write("work/project/b", "1");
    let restore = |path| job.ok(&["restore", "--preset", "none", "--key", "k", "--path", path]);
    restore("a");
    job.ok(&["save"]);
    job.wipe();
    assert_eq!(restore("a\nb").outputs["cache-hit"], "false");
    assert!(job.ok(&["save"]).log.contains("paths   saved"));
    job.wipe();
    for path in ["a", "a\nb"] {
        assert_eq!(restore(path).outputs["cache-hit"], "true", "{path}");
    }
}

#[test]
fn save_with_its_own_inputs_saves_them_too() {
    let job = Job::new(PROGRAM);
    job.ok(&["restore"]);
    job.sh("cargo build -q; echo 1 >own");
    let own = ["--preset", "none", "--path", "own", "--key", "own-1"];
    let log = job.ok(&[&["save"], &own[..]].concat()).log;
    assert!(log.contains("target  saved") && log.contains("paths   saved"), "{log}");
}

#[test]
fn key_env_changes_the_key_without_storing_values() {
    let mut job = Job::new(PROGRAM);
    job.write("work/project/cached", "1");
    let args =
        ["--preset", "none", "--path", "cached", "--key-files", "Cargo.lock", "--key-env", "SECRET,OTHER"];
    let mut keys = Vec::new();
    for secret in ["one-secret", "another-secret"] {
        job.set("SECRET", secret);
        keys.push(job.ok(&[&["restore"], &args[..]].concat()).outputs["cache-key"].clone());
        job.ok(&["save"]);
    }
    assert_ne!(keys[0], keys[1]);
    job.sh("! grep -r one-secret ../../root");
}

#[test]
fn cache_root_accepts_every_spelling() {
    let mut job = Job::new(PROGRAM);
    job.build(&[]);
    fs::rename(job.path("root"), job.path("home/cache")).unwrap();
    for root in ["~/cache", "../../home/cache"] {
        assert_eq!(
            job.ok(&["restore", "--no-session", "--cache-root", root]).outputs["cache-hit"],
            "true",
            "{root}"
        );
    }
    // Even the job's own temporary directory, beside what restores leave there.
    job.set("RUNNER_CACHE_ROOT", job.path("temp/runner-cache").display());
    job.set("RUNNER_CACHE_SAVE", "");
    job.build(&[]);
    assert_eq!(job.ok(&["restore"]).outputs["cache-hit"], "true");
}

#[test]
fn save_policy_follows_the_job_status() {
    let cases = [
        ("auto", "success", true),
        ("auto", "failure", true),
        ("auto", "cancelled", false),
        ("always", "cancelled", true),
        ("success", "success", true),
        ("success", "failure", false),
        ("never", "success", false),
    ];
    for (save, status, is_saved) in cases {
        let mut job = Job::new(PROGRAM);
        job.ok(&["restore", "--save", save]);
        job.sh("cargo build -q");
        job.set("RUNNER_CACHE_JOB_STATUS", status);
        job.ok(&["save", "--save", save]);
        assert_eq!(job.entries("target").len() == 1, is_saved, "save: {save} after {status}");
    }
}

#[test]
fn second_save_of_a_job_is_a_no_op() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    assert!(job.ok(&["save"]).log.contains("already saved"));
    assert_eq!(job.entries("target").len(), 1);
}

#[test]
fn run_restores_saves_and_returns_the_commands_exit_code() {
    let job = Job::new(PROGRAM);
    let said = job.ok(&["run", "--", "cargo", "build", "--offline"]);
    assert!(said.log.contains("target  saved"), "{}", said.log);
    job.wipe();
    let said = job.run(&["run", "--", "sh", "-c", "test $TARGET_CACHE_RESTORED = true; exit 7"]);
    assert_eq!(said.code, 7, "{}", said.log);
    assert_eq!(job.run(&["run", "--", "sh", "-c", "kill -9 $$"]).code, 137);
    assert!(job.run(&["run", "--", "no-such-program"]).log.contains("cannot run no-such-program"));
}

#[test]
fn list_and_inspect_show_entries() {
    let job = Job::new(PROGRAM);
    assert!(job.ok(&["list"]).stdout.starts_with("no entries"));
    let json: serde_json::Value = serde_json::from_str(&job.ok(&["list", "--json"]).stdout).unwrap();
    assert_eq!((&json["command"], &json["result"]), (&"list".into(), &serde_json::json!([])));
    let (first, _) = job.build(&[]);
    let list = job.ok(&["list", "--wide"]).stdout;
    assert!(list.contains(&first.outputs["cache-key"]) && list.contains("refs/heads/main"), "{list}");
    let details = job.ok(&["inspect", "target-"]).stdout;
    for word in ["repository   o/r", "lane         build", "rustc -vV: ", "./Cargo.lock: "] {
        assert!(details.contains(word), "{word}: {details}");
    }
    assert_eq!(job.run(&["inspect", "nothing"]).code, 1);
}

#[test]
fn non_utf8_variable_is_reported() {
    use std::os::unix::ffi::OsStrExt;
    let job = Job::new(PROGRAM);
    let odd = std::ffi::OsStr::from_bytes(b"/tmp/\xff");
    let mut command = job.command(&["list"]);
    command.env("RUNNER_CACHE_ROOT", odd).env("UNRELATED", odd).arg("--cache-root").arg(job.path("root"));
    let output = command.output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{log}");
    assert_eq!(log.matches("::warning").count(), 1, "{log}");
    assert!(log.contains("ignoring `RUNNER_CACHE_ROOT`: not valid UTF-8; hint:"), "{log}");
}
