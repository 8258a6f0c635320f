//! What users of cache actions write, and expect of it.

use std::fs;

use test_support::Job;

use crate::PROGRAM;

/// Caches `paths` under the key `k` in one job, and restores into an empty workspace in the next.
fn there_and_back(job: &Job, paths: &str) {
    let args = ["--preset", "none", "--key", "k", "--path", paths];
    job.ok(&[&["restore"], &args[..]].concat());
    job.ok(&["save"]);
    job.sh("rm -rf ./* && rm -rf ../../temp/*");
    let said = job.ok(&[&["restore", "--no-session"], &args[..]].concat());
    assert_eq!(said.outputs["cache-hit"], "true", "{paths}: {}", said.log);
}

#[test]
fn exclusion_works_in_every_spelling() {
    for (path, excluded, file) in [
        ("node_modules", "**/node_modules/.cache", "node_modules/.cache/x"),
        ("packages/a/node_modules", "packages/*/node_modules/.cache", "packages/a/node_modules/.cache/x"),
        ("out", "**/out/debug", "out/debug/x"),
        ("apps/web/.next/cache", "apps/*/.next/cache/webpack", "apps/web/.next/cache/webpack/x"),
        ("a", "a/**/*.log", "a/b/c/x.log"),
        ("a", "./a/b/", "a/b/x"),
    ] {
        let job = Job::new(PROGRAM);
        job.write(&format!("work/project/{file}"), "secret");
        job.write(&format!("work/project/{path}/kept"), "1");
        there_and_back(&job, &format!("{path}\n!{excluded}"));
        let is_there = |file: &str| job.path("work/project").join(file).exists();
        assert!(is_there(&format!("{path}/kept")) && !is_there(file), "{path}, !{excluded}");
    }
}

#[test]
fn last_line_that_matches_a_file_decides() {
    let job = Job::new(PROGRAM);
    for file in ["first", "tmp/gone", "tmp/keep/x"] {
        job.write(&format!("work/project/a/{file}"), "1");
    }
    there_and_back(&job, "!a/first\na\n!a/tmp\na/tmp/keep");
    let is_there = |file: &str| job.path("work/project/a").join(file).exists();
    assert!(is_there("first") && is_there("tmp/keep/x") && !is_there("tmp/gone"));
}

#[test]
fn pattern_with_a_slash_at_its_end_is_about_directories() {
    let job = Job::new(PROGRAM);
    for file in ["d/file", "d/a/x", "d/a/b/y"] {
        job.write(&format!("work/project/{file}"), "1");
    }
    there_and_back(&job, "d/*/");
    let is_there = |file: &str| job.path("work/project/d").join(file).exists();
    assert!(is_there("a/x") && is_there("a/b/y") && !is_there("file"));
}

#[test]
fn brackets_in_the_workspace_path_are_literal() {
    let mut job = Job::new(PROGRAM);
    job.write("work/[a]{b}/p/d/x", "1");
    job.move_to("work/[a]{b}/p");
    there_and_back(&job, "d/*");
    assert!(job.path("work/[a]{b}/p/d/x").is_file());
}

#[test]
fn comments_in_path_lists_are_ignored() {
    let job = Job::new(PROGRAM);
    job.write("work/project/d/x", "1");
    there_and_back(&job, "# the deps [not the tools\nd\n  # more\n");
    assert!(job.path("work/project/d/x").is_file());
}

#[test]
fn key_is_trimmed_of_its_newline() {
    let job = Job::new(PROGRAM);
    job.write("work/project/d/x", "1");
    let restore = |key: &str, path: &str| {
        job.ok(&["restore", "--preset", "none", "--path", path, "--key", key]).outputs["cache-hit"].clone()
    };
    restore("npm-1", "d");
    job.ok(&["save"]);
    job.wipe();
    for (key, path) in [("npm-1\n", "d"), ("npm-1", "d/"), ("  npm-1\r\n", "./d")] {
        assert_eq!(restore(key, path), "true", "{key:?}, {path}");
    }
    // 600 bytes.
    let long = "機".repeat(200);
    assert_eq!(restore(&long, "d"), "false");
    job.ok(&["save"]);
    job.wipe();
    assert_eq!(restore(&long, "d"), "true");
    let said = job.run(&["restore", "--preset", "none", "--path", "d", "--key", &"機".repeat(513)]);
    assert!(said.code == 2 && said.log.contains("has 513 characters"), "{said:?}");
}

#[test]
fn lookup_only_miss_still_saves() {
    let job = Job::new(PROGRAM);
    let args = ["--preset", "none", "--path", "d", "--key", "k", "--lookup-only"];
    let look = || job.ok(&[&["restore"], &args[..]].concat()).outputs["cache-hit"].clone();
    assert_eq!(look(), "false");
    job.write("work/project/d/x", "1");
    assert!(job.ok(&["save"]).log.contains("paths   saved"));
    job.wipe();
    assert_eq!(look(), "true");
    let log = job.ok(&["save"]).log;
    assert!(log.contains("this key already has an entry"), "{log}");
}

#[test]
fn paths_do_not_repeat_cargos_layers() {
    let job = Job::new(PROGRAM);
    let said = job.ok(&["restore", "--path", "target/\nmore"]);
    assert!(said.log.contains("path: `target` is already in cargo's layers"), "{}", said.log);
    job.sh("cargo build -q --offline && mkdir more && echo 1 >more/x");
    job.ok(&["save"]);
    let of_paths = job.newest_entry("paths");
    let names = fs::read_to_string(of_paths.join("manifest")).unwrap_or_default();
    assert!(!names.contains("target/debug"));
    assert_eq!(job.entries("target").len(), 1);
}

#[test]
fn parents_of_cargos_directories_keep_what_else_is_in_them() {
    let job = Job::new(PROGRAM);
    job.write("home/.cargo/registry/cache/i/a-1.0.0.crate", "crate");
    job.write("home/.cargo/bin/tool", "tool");
    let said = job.ok(&["restore", "--path", "~/.cargo\ntarget/**\n!target/debug"]);
    assert!(said.log.contains("what cargo's layers have of `~/.cargo` is cached once"), "{}", said.log);
    assert!(said.log.contains("path: `target/**` is already in cargo's layers"), "{}", said.log);
    job.ok(&["save"]);
    let entry = job.newest_entry("paths");
    assert!(entry.join("tree/0/bin/tool").exists() && !entry.join("tree/0/registry/cache").exists());
}

#[test]
fn excluded_file_is_not_cached() {
    let job = Job::new(PROGRAM);
    job.write("work/project/config.json", "{}");
    job.write("work/project/secrets.json", "hunter2");
    job.ok(&[
        "restore",
        "--preset",
        "none",
        "--key",
        "k",
        "--path",
        "config.json\nsecrets.json\n!**/secrets.json",
    ]);
    job.ok(&["save"]);
    let entry = job.newest_entry("paths");
    let files: Vec<_> = test_support::files::walk(&entry).into_iter().map(|(path, _)| path).collect();
    assert!(files.iter().any(|path| path.ends_with("config.json")), "{files:?}");
    assert!(!files.iter().any(|path| path.ends_with("secrets.json")), "{files:?}");
}

#[test]
fn key_files_have_the_language_of_path() {
    let job = Job::new(PROGRAM);
    for path in ["a.lock", "sub/target/a.lock", "vendor/a.lock"] {
        job.write(&format!("work/project/{path}"), "one");
    }
    let key = |lines: &str| {
        let args = ["restore", "--preset", "none", "--path", "d", "--no-session", "--key-files", lines];
        job.ok(&args).outputs["cache-primary-key"].clone()
    };
    let absolute = format!("{}/**/a.lock", job.path("work/project").display());
    let forms = ["**/a.lock", "./**/a.lock", &absolute, "**/a.lock\n# a comment", "x/../**/a.lock"];
    let before: Vec<_> = forms.iter().map(|lines| key(lines)).collect();
    assert!(before.windows(2).all(|two| two[0] == two[1]), "{before:?}");
    let without = key("**/a.lock\n!vendor/**");
    assert_ne!(without, before[0]);
    job.write("work/project/vendor/a.lock", "two");
    assert_eq!(key("**/a.lock\n!vendor/**"), without);
    assert_ne!(key(forms[0]), before[0]);
    job.write("work/project/sub/target/a.lock", "two");
    assert_ne!(key("**/a.lock\n!vendor/**"), without);
    let said =
        job.ok(&["restore", "--preset", "none", "--path", "d", "--no-session", "--key-files", "**/*.absent"]);
    assert!(said.log.contains("key-files: no file matches **/*.absent"), "{}", said.log);
}

#[test]
fn workspaces_and_paths_are_the_same_however_they_are_written() {
    let job = Job::new(PROGRAM);
    job.write("work/project/d/x", "1");
    job.ok(&["restore", "--key", "k", "--path", "d"]);
    job.sh("cargo build -q --offline");
    job.ok(&["save"]);
    job.wipe();
    let here = job.path("work/project").display().to_string();
    for (path, workspace) in [("./d/", "./"), (&*format!("{here}/d"), &*here), ("x/../d", ".")] {
        let outputs = job
            .ok(&["restore", "--no-session", "--key", "k", "--path", path, "--workspaces", workspace])
            .outputs;
        assert_eq!(
            (&*outputs["cache-hit"], &*outputs["target-hit"]),
            ("true", "exact"),
            "{path}, {workspace}"
        );
    }
}

#[test]
fn save_names_missing_paths() {
    let job = Job::new(PROGRAM);
    job.ok(&["restore", "--preset", "none", "--path", "absent", "--key", "k"]);
    let log = job.ok(&["save"]).log;
    assert!(log.contains("nothing to save: no file in") && log.contains("project/absent"), "{log}");
    job.wipe();
    job.write("work/project/d/x", "1");
    job.ok(&["restore", "--preset", "none", "--path", "d", "--key", "k"]);
    job.ok(&["save"]);
    let other = job.ok(&["restore", "--no-session", "--preset", "none", "--path", "e", "--key", "k"]).log;
    assert!(other.contains("an entry of refs/heads/main has this key, but other paths"), "{other}");
}

#[test]
fn tilde_without_home_is_the_users_home() {
    let mut job = Job::new(PROGRAM);
    job.write("work/project/d/x", "1");
    job.set("HOME", "");
    let said = job.run(&[
        "restore",
        "--no-session",
        "--preset",
        "none",
        "--path",
        "~/.runner-cache-test-absent",
        "--key",
        "k",
    ]);
    assert!(said.log.contains("HOME is not set; using /"), "{}", said.log);
    assert!(!job.path("work/project/~").exists());
}

#[test]
fn two_restores_of_one_layer_save_it_once() {
    let job = Job::new(PROGRAM);
    let args = ["--preset", "none", "--path", "d", "--key", "k"];
    for _ in 0..2 {
        job.ok(&[&["restore"], &args[..]].concat());
    }
    job.write("work/project/d/x", "1");
    let log = job.ok(&["save"]).log;
    assert_eq!(job.entries("paths").len(), 1, "{log}");
    assert!(log.contains("this job has saved it already"), "{log}");
}

#[test]
fn pattern_around_the_cache_leaves_it_out() {
    let mut job = Job::new(PROGRAM);
    job.set("RUNNER_CACHE_ROOT", job.path("work/project/.cache/runner-cache").display());
    job.write("work/project/a/node_modules/x", "1");
    for key in ["k-1", "k-2", "k-3"] {
        let args = ["--preset", "none", "--path", "**/node_modules\n.cache/*", "--key", key];
        job.write("work/project/.cache/other/x", key);
        job.ok(&[&["restore"], &args[..]].concat());
        let log = job.ok(&["save"]).log;
        assert!(log.contains("saved    2 files"), "{log}");
        job.sh("rm -rf ../../temp/*");
    }
    let args = ["restore", "--preset", "none", "--path", ".cache/runner-cache/*", "--key", "k"];
    let said = job.run(&args);
    assert!(said.code == 2 && said.log.contains("overlap"), "{said:?}");
}

#[test]
fn escaped_characters_are_literal() {
    let job = Job::new(PROGRAM);
    job.write("work/project/!x/f", "1");
    job.write("work/project/a b/f", "1");
    there_and_back(&job, "\\!x\na\\ b");
    assert!(job.path("work/project/!x/f").is_file() && job.path("work/project/a b/f").is_file());
}

/// Such as that of a runner which has a pipe there: nobody may ever read it.
#[test]
fn outputs_that_are_no_file_are_told_and_waited_for_by_nobody() {
    let job = Job::new(PROGRAM);
    job.sh("rm -f ../../temp/output; mkfifo ../../temp/pipe");
    let args = ["restore", "--no-session", "--preset", "none", "--path", "d", "--key", "k"];
    let mut command = job.command(&args);
    command.env("GITHUB_OUTPUT", job.path("temp/pipe"));
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("cannot pass outputs to later steps"), "{said}");
}
