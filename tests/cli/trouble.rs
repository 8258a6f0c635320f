//! Whatever goes wrong with the cache, the job goes on and loses nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

use test_support::project::CARGOS_TAG;
use test_support::{Job, Said};

use crate::PROGRAM;

/// A miss with one warning.
fn assert_miss_with_warning(said: &Said, warning: &str) {
    assert_eq!((said.code, &*said.outputs["target-hit"]), (0, "miss"), "{said:?}");
    assert_eq!(said.log.matches("::warning").count(), 1, "{}", said.log);
    assert!(said.log.contains(warning), "{}", said.log);
}

#[test]
fn damaged_entry_is_quarantined_and_the_next_one_serves() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    job.write("work/project/src/main.rs", "fn main() { println!(\"two\") }\n");
    job.build(&[]);
    job.wipe();
    let newest = job.entries("target").pop().unwrap();
    // A new file: the old one's inode is the older entry's as well.
    job.sh(&format!(
        "cd {}/tree/0/debug/deps; for file in small-*; do rm $file; echo tampered >$file; done",
        newest.display()
    ));
    let said = job.run(&["restore"]);
    assert_eq!((said.code, &*said.outputs["target-hit"]), (0, "exact"), "{said:?}");
    assert!(said.log.contains("took a damaged entry out of use"), "{}", said.log);
    assert!(!newest.exists());
    assert_eq!(fs::read_dir(job.path("root/quarantine")).unwrap().count(), 1);
}

#[test]
fn incomplete_entry_is_a_miss() {
    for damage in [
        "rm manifest",
        "truncate -s 100 manifest",
        "echo x >manifest",
        "rm -r tree",
        "rm tree/0.pack",
        "truncate -s 100 tree/0.pack",
        "echo x >>tree/0.pack",
    ] {
        let job = Job::new(PROGRAM);
        job.build(&[]);
        job.wipe();
        let entry = job.entries("target").remove(0);
        job.sh(&format!("cd {}; {damage}", entry.display()));
        let said = job.run(&["restore"]);
        assert_miss_with_warning(&said, "took a damaged entry out of use");
        assert!(!job.path("work/project/target").exists(), "{damage}");
    }
}

#[test]
fn empty_directory_in_the_cache_is_a_miss() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    job.wipe();
    let entry = job.entries("target").remove(0);
    fs::remove_dir_all(&entry).unwrap();
    assert!(entry.parent().unwrap().is_dir());
    assert_eq!(job.ok(&["restore"]).outputs["target-hit"], "miss");
}

#[test]
fn unusable_root_is_a_miss() {
    let mut job = Job::new(PROGRAM);
    fs::create_dir(job.path("open")).unwrap();
    fs::set_permissions(job.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    job.write("file", "");
    std::os::unix::fs::symlink(job.path("home"), job.path("symlink")).unwrap();
    for (root, why) in
        [("open", "any user can write to it"), ("file", "cannot"), ("symlink", "it is a symlink")]
    {
        job.set("RUNNER_CACHE_ROOT", job.path(root).display());
        assert_miss_with_warning(&job.run(&["restore", "--no-session"]), why);
    }
}

#[test]
fn non_cargo_target_is_neither_emptied_nor_saved() {
    let mut job = Job::new(PROGRAM);
    job.build(&[]);
    job.wipe();
    job.write("precious/file", "mine");
    job.set("CARGO_TARGET_DIR", job.path("precious").display());
    assert_miss_with_warning(&job.run(&["restore"]), "hint: check CARGO_TARGET_DIR");
    assert_eq!(job.read("precious/file"), "mine");
    let said = job.run(&["save"]);
    assert!(said.code == 0 && said.log.contains("not a Cargo target directory"), "{}", said.log);
    assert_eq!(job.entries("target").len(), 1);
}

#[test]
fn interrupted_restore_leaves_the_destination_unchanged() {
    let job = Job::new(PROGRAM);
    job.ok(&["restore", "--keep-in-target", "incremental,unused"]);
    job.sh("cargo build -q");
    // Enough to be in the middle of it.
    for number in 0..400 {
        job.write(&format!("work/project/target/debug/bulk/{number}"), &"x".repeat(400_000));
    }
    job.ok(&["save"]);
    // Cargo lays programs out again, and its lists of sources get the time of the restore.
    job.sh("rm target/debug/small*; rmdir target/debug/build target/debug/examples");
    let listing =
        || job.sh("find . -mindepth 1 ! -name 'dep-*' ! -name debug -printf '%p %s %T@\\n' | sort 1>&2");
    let complete = listing();
    let mut interrupted = 0;
    for is_there in [false, true] {
        for patience in [5, 20, 40, 60, 80, 120] {
            job.wipe();
            if is_there {
                job.write("work/project/target/CACHEDIR.TAG", CARGOS_TAG);
                job.write("work/project/target/old", "old");
            }
            let before = listing();
            let mut running = job.command(&["restore", "--link-mode", "copy"]).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(patience));
            let pid = rustix::process::Pid::from_child(&running);
            rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
            let started = Instant::now();
            running.wait().unwrap();
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "a cancel is heard within the runner's 7.5 s"
            );
            let after = listing();
            if after != complete {
                interrupted += 1;
                let other: Vec<_> = after.lines().filter(|line| !before.contains(line)).take(9).collect();
                let lacking: Vec<_> = complete.lines().filter(|line| !after.contains(line)).take(9).collect();
                assert!(after == before, "after {patience} ms: {other:?}, of all of it lacks {lacking:?}");
            }
        }
    }
    assert!(interrupted > 0, "the test is about something");
}

#[test]
fn unsupported_file_types_are_reported_and_skipped() {
    let job = Job::new(PROGRAM);
    job.ok(&["restore"]);
    job.sh("cargo build -q; mkfifo target/pipe");
    assert!(job.ok(&["save"]).log.contains("not a file, directory or symlink"));
    job.wipe();
    job.ok(&["restore"]);
    assert!(!job.path("work/project/target/pipe").exists());
}

#[test]
fn file_names_in_the_log_cannot_become_commands() {
    let job = Job::new(PROGRAM);
    job.ok(&["restore"]);
    job.sh("cargo build -q; mkfifo \"target/$(printf 'a\\n::set-env name=x::y')\"");
    let log = job.ok(&["save"]).log;
    assert!(log.contains("set-env name=x"), "it is told: {log}");
    assert!(!log.lines().any(|line| line.trim_start().starts_with("::set-env")), "{log}");
}

#[test]
fn no_rust_project_is_a_no_op() {
    let job = Job::new(PROGRAM);
    fs::remove_file(job.path("work/project/Cargo.toml")).unwrap();
    let said = job.ok(&["restore"]);
    assert!(said.log.contains("nothing to cache"), "{}", said.log);
    assert_eq!(said.outputs["cache-hit"], "false");
    let said = job.run(&["restore", "--preset", "cargo"]);
    let told = format!("no Cargo.toml in {}; hint: ", job.path("work/project").display());
    assert!(said.code == 2 && said.log.contains(&told), "{}", said.log);
}

#[test]
fn works_without_a_toolchain() {
    let mut job = Job::new(PROGRAM);
    job.sh("mkdir bin; for tool in sh git; do ln -s $(command -v $tool) bin/; done");
    job.write("work/project/target/CACHEDIR.TAG", CARGOS_TAG);
    job.write("work/project/target/debug/x", "built");
    job.set("PATH", job.path("work/project/bin").display());
    job.ok(&["restore", "--layers", "target"]);
    job.write("work/project/target/CACHEDIR.TAG", CARGOS_TAG);
    job.ok(&["save"]);
    job.wipe();
    assert_eq!(job.ok(&["restore"]).outputs["target-hit"], "exact");
    assert_eq!(job.read("work/project/target/debug/x"), "built");
}

#[test]
fn restore_does_not_delete_a_mount_in_target() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    job.write("precious/file", "mine");
    job.write("work/project/target/extra/mnt/x", "");
    let user = if rustix::process::geteuid().is_root() { "" } else { "--map-root-user" };
    let log = job.sh(&format!(
        "unshare --mount {user} sh -euc 'mount --bind {} target/extra/mnt; {PROGRAM} restore --no-session'",
        job.path("precious").display()
    ));
    assert!(log.contains("is mounted below"), "{log}");
    assert_eq!(job.read("precious/file"), "mine");
    assert!(job.path("work/project/target/extra/mnt/x").is_file(), "nothing was changed");
}

#[test]
fn restore_of_a_file_leaves_its_directory_alone() {
    let job = Job::new(PROGRAM);
    job.write("work/project/sub/file", "cached");
    job.write("work/project/sub/other", "not cached");
    let mode =
        |mode| fs::set_permissions(job.path("work/project/sub"), fs::Permissions::from_mode(mode)).unwrap();
    let args = ["--preset", "none", "--path", "sub/file", "--key", "k"];
    mode(0o750);
    job.ok(&[&["save"], &args[..]].concat());
    for left in ["sub/other", "sub/file"] {
        fs::remove_file(job.path("work/project").join(left)).unwrap();
        mode(0o700);
        assert_eq!(job.ok(&[&["restore", "--no-session"], &args[..]].concat()).outputs["cache-hit"], "true");
        assert_eq!(job.read("work/project/sub/file"), "cached");
        let now = fs::metadata(job.path("work/project/sub")).unwrap().permissions().mode();
        assert_eq!(now & 0o777, 0o700);
    }
}

#[test]
fn save_tolerates_files_gone_from_its_base_entry() {
    for damage in [
        "rm {}/tree/0/debug/deps/small-*",
        "rm -r {}/tree/0/debug/deps",
        "rm {}/tree/0.pack",
        "rm -r {}/tree",
    ] {
        let job = Job::new(PROGRAM);
        job.build(&[]);
        job.ok(&["restore"]);
        job.write("work/project/src/main.rs", "fn main() { println!(\"two\") }\n");
        job.sh("cargo build -q --offline");
        let entry = job.entries("target").remove(0);
        job.sh(&damage.replace("{}", &entry.display().to_string()));
        job.ok(&["save"]);
        job.wipe();
        let said = job.ok(&["restore"]);
        assert_eq!(said.outputs["target-hit"], "exact", "{damage}");
        assert_eq!(job.sh("cargo build -q --offline; target/debug/small 1>&2"), "two\n", "{damage}");
    }
}

/// A save takes what has not changed from the entry before. Files that were one there are not one therefore.
#[test]
fn entry_preserves_hard_links() {
    let job = Job::new(PROGRAM);
    let save = |make: &str| {
        job.sh(&format!("mkdir -p out; {make}"));
        job.ok(&["save", "--preset", "none", "--path", "out", "--key", "k", "--save", "always"]);
        let entry = job.newest_entry("paths").join("tree/0");
        ["a", "b"].map(|name| fs::metadata(entry.join(name)).unwrap().ino())
    };
    let [a, b] = save("echo same >out/a; ln out/a out/b");
    assert_eq!(a, b);
    let [a, b] = save("cp -p out/a c; mv c out/b");
    assert_ne!(a, b);
    let [a, b] = save("ln -f out/a out/b");
    assert_eq!(a, b);
}

#[test]
fn restore_updates_many_directories_under_a_low_open_file_limit() {
    let job = Job::new(PROGRAM);
    let write = |text: &str| {
        job.sh(&format!("for n in $(seq 200); do mkdir -p out/$n; echo {text} >out/$n/file; done"));
    };
    write("saved");
    let args = ["--preset", "none", "--path", "out", "--key", "k"];
    job.ok(&[&["save"][..], &args].concat());
    write("changed");
    let restore = [&[PROGRAM, "restore", "--no-session"][..], &args].concat();
    let log = job.sh(&format!("ulimit -n 40; {}", restore.join(" ")));
    assert!(!log.contains("::warning"), "{log}");
    assert_eq!(job.sh("cat out/*/file | sort -u 1>&2"), "saved\n");
}

#[test]
fn non_utf8_paths_survive_the_session() {
    let job = Job::new(PROGRAM);
    let base = job.path("").join(OsStr::from_bytes(b"odd\xff\nhost"));
    fs::create_dir_all(base.join("work/out")).unwrap();
    fs::write(base.join("work/out/file"), "built").unwrap();
    let run = |args: &[&str]| {
        let mut command = job.command(args);
        command.arg("--cache-root").arg(base.join("root")).current_dir(base.join("work"));
        command.env("GITHUB_WORKSPACE", base.join("work"));
        let output = command.output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !log.contains("::warning"), "{args:?}: {log}");
        log
    };
    let restore = ["restore", "--preset", "none", "--path", "out", "--key", "k"];
    run(&restore);
    let said = run(&["save"]);
    assert!(said.contains("saved    1 file"), "{said}");
    fs::remove_dir_all(base.join("work/out")).unwrap();
    run(&restore);
    assert_eq!(fs::read(base.join("work/out/file")).unwrap(), b"built");
}

#[test]
fn many_damaged_entries_give_one_warning() {
    let job = Job::new(PROGRAM);
    for number in 0..20 {
        job.write("work/project/d/x", &number.to_string());
        job.ok(&[
            "save",
            "--preset",
            "none",
            "--path",
            "d",
            "--key",
            &format!("k-{number}"),
            "--keep",
            "paths=100",
        ]);
    }
    for entry in job.entries("paths") {
        fs::write(entry.join("manifest"), "spoilt").unwrap();
    }
    let said = job.run(&[
        "restore",
        "--no-session",
        "--preset",
        "none",
        "--path",
        "d",
        "--key",
        "k-x",
        "--restore-keys",
        "k-",
    ]);
    assert_eq!(said.log.matches("::warning").count(), 1, "{}", said.log);
    assert!(said.log.contains("; skipped 19 more"), "{}", said.log);
    assert!(job.entries("paths").is_empty());
}
