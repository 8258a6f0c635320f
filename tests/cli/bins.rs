//! Tools that `cargo install` made: they come back with cargo's record of them, and nothing else in the home changes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;
use std::time::Duration;

use runner_cache::sys::LockedFile;
use test_support::{Job, Said};

use crate::PROGRAM;

const BIN: &str = "home/.cargo/bin";

/// Cargo's notes of what it has installed.
const NOTES: [&str; 2] = ["home/.cargo/.crates.toml", "home/.cargo/.crates2.json"];

/// Puts the version `version` of the package `name`, which has these executables, into a git repository of its own: what
/// cargo installs from there it takes for installed, other than what it installs from a path.
fn publish(job: &Job, name: &str, version: &str, bins: &[&str]) {
    let directory = format!("repositories/{name}");
    let package = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    job.write(&format!("{directory}/Cargo.toml"), &package);
    for bin in bins {
        let source = format!("fn main() {{ println!(\"{bin} {version}\") }}\n");
        job.write(&format!("{directory}/src/bin/{bin}.rs"), &source);
    }
    let commit = "git init -q; git add -A; git -c user.name=n -c user.email=e commit -qm c";
    job.sh(&format!("cd '{}'; {commit}", job.path(&directory).display()));
}

/// Installs the package `name` as a job's step does, and tells what cargo said.
fn install(job: &Job, name: &str) -> String {
    job.sh(&install_command(job, name))
}

fn install_command(job: &Job, name: &str) -> String {
    let repository = job.path(&format!("repositories/{name}"));
    format!("cargo install --debug --git 'file://{}' {name}", repository.display())
}

fn restore(job: &Job, tools: &str) -> Said {
    job.ok(&["restore", "--preset", "none", "--cargo-bins", tools])
}

/// A whole job that installs `packages`, and what its save said.
fn save(job: &Job, tools: &str, packages: &[&str]) -> String {
    restore(job, tools);
    for package in packages {
        install(job, package);
    }
    job.ok(&["save"]).log
}

/// A host on which the packages `names`, each with one executable of its name, can be installed.
fn host(names: &[&str]) -> Job {
    let job = Job::new(PROGRAM);
    for name in names {
        publish(&job, name, "1.0.0", &[name]);
    }
    job
}

/// What an executable of the home says.
fn says(job: &Job, bin: &str) -> String {
    job.sh(&format!("'{}' 1>&2", job.path(BIN).join(bin).display())).trim().to_owned()
}

fn is_there(job: &Job, bin: &str) -> bool {
    job.path(BIN).join(bin).exists()
}

fn installed(job: &Job) -> String {
    job.sh("cargo install --list 1>&2")
}

#[test]
fn restores_a_tool_with_its_install_record_so_cargo_compiles_nothing() {
    let job = Job::new(PROGRAM);
    publish(&job, "many", "1.0.0", &["cargo-many", "many-too"]);
    let said = restore(&job, "many");
    assert_eq!((&*said.outputs["bins-hit"], &*said.outputs["bins-restored"]), ("miss", "false"));
    assert!(install(&job, "many").contains("Compiling"));
    let log = job.ok(&["save"]).log;
    assert!(log.contains("bins    saved    2 files"), "{log}");

    // A home without executables, and one without anything.
    for wiped in [BIN, "home/.cargo"] {
        job.remove(wiped);
        let said = restore(&job, "many");
        assert_eq!((&*said.outputs["bins-hit"], &*said.outputs["cache-hit"]), ("exact", "true"), "{wiped}");
        assert_eq!((&*said.outputs["bins-restored"], &*said.outputs["restored-files"]), ("true", "2"));
        assert_eq!(
            (says(&job, "cargo-many"), says(&job, "many-too")),
            ("cargo-many 1.0.0".into(), "many-too 1.0.0".into())
        );
        let mode = fs::metadata(job.path(BIN).join("many-too")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        let log = install(&job, "many");
        assert!(log.contains("is already installed") && !log.contains("Compiling"), "{log}");
        assert!(job.ok(&["save"]).log.contains("bins    skipped  nothing changed"), "{wiped}");
    }
    assert_eq!(job.entries("bins").len(), 1);
    assert!(job.entries("cargo").is_empty() && job.entries("target").is_empty());
}

#[test]
fn restores_a_crates_io_tool_into_an_isolated_home() {
    let mut job = Job::new(PROGRAM);
    job.may_download();
    let home = "temp/cargo-home";
    job.set("CARGO_HOME", job.path(home).display());
    let restore = ["restore", "--isolate-cargo-home", "--cargo-bins", "cargo-do@0.4.0"];
    job.ok(&restore);
    let install = "cargo install --locked cargo-do@0.4.0";
    assert!(job.sh(install).contains("Compiling"));
    job.ok(&["save"]);
    job.wipe();
    let said = job.ok(&restore);
    assert_eq!(said.outputs["bins-hit"], "exact", "{said:?}");
    let log = job.sh(install);
    assert!(log.contains("is already installed") && !log.contains("Compiling"), "{log}");
    assert!(!job.path("home/.cargo/bin").exists(), "the user's home is left alone");
}

/// What the order of a restore's steps is made for.
#[test]
fn cargo_reinstalls_a_recorded_tool_without_its_executable_only() {
    let job = host(&["one"]);
    install(&job, "one");
    fs::remove_file(job.path(BIN).join("one")).unwrap();
    assert!(install(&job, "one").contains("Compiling"));
    assert!(install(&job, "one").contains("is already installed"));
    for file in NOTES {
        fs::remove_file(job.path(file)).unwrap();
    }
    let refused = job.sh(&format!("! {}", install_command(&job, "one")));
    assert!(refused.contains("binary `one` already exists in destination"), "{refused}");
}

#[test]
fn restore_keeps_other_installed_tools_and_their_records() {
    let job = host(&["one", "neighbours"]);
    save(&job, "one", &["one"]);
    job.remove("home/.cargo");
    install(&job, "neighbours");
    job.write(&format!("{BIN}/stranger"), "somebody's");
    let before = fs::metadata(job.path(BIN).join("neighbours")).unwrap();
    assert_eq!(restore(&job, "one").outputs["bins-hit"], "exact");
    let after = fs::metadata(job.path(BIN).join("neighbours")).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
    assert_eq!(job.read(&format!("{BIN}/stranger")), "somebody's");
    let list = installed(&job);
    assert!(list.contains("one v1.0.0") && list.contains("neighbours v1.0.0"), "{list}");
    for package in ["one", "neighbours"] {
        assert!(install(&job, package).contains("is already installed"), "{package}");
    }
    job.sh("cargo uninstall -q neighbours");
    assert!(is_there(&job, "one") && !is_there(&job, "neighbours"));
    assert!(install(&job, "one").contains("is already installed"));
    let entry = &job.entries("bins")[0];
    job.sh(&format!("! grep -rq neighbours '{}'", entry.display()));
    assert!(job.ok(&["inspect", "bins-"]).stdout.contains("installed    one 1.0.0 (git+file://"));
}

#[test]
fn restore_leaves_another_installed_version_alone() {
    let job = host(&["one"]);
    save(&job, "one@1.0.0", &["one"]);
    publish(&job, "one", "2.0.0", &["one"]);
    install(&job, "one");
    let notes = NOTES.map(|file| job.read(file));
    let said = restore(&job, "one@1.0.0");
    assert_eq!((&*said.outputs["bins-hit"], &*said.outputs["cache-hit"]), ("partial", "false"));
    let why = "one@1.0.0 not restored: one 2.0.0 is already installed";
    assert!(said.log.contains(why) && said.summary.contains("one@1.0.0 not restored"), "{said:?}");
    assert_eq!(says(&job, "one"), "one 2.0.0");
    assert_eq!(NOTES.map(|file| job.read(file)), notes);
    let log = job.ok(&["save"]).log;
    assert!(log.contains("bins: skipped one@1.0.0: cargo has one 2.0.0 installed"), "{log}");
    job.remove("home/.cargo");
    assert_eq!(restore(&job, "one@1.0.0").outputs["bins-hit"], "exact", "the entry is still there");
    // Who asks for any version has one.
    publish(&job, "one", "3.0.0", &["one"]);
    install(&job, "one");
    save(&job, "one", &[]);
    assert_eq!(restore(&job, "one").outputs["bins-hit"], "exact");
}

#[test]
fn restore_leaves_an_unrecorded_executable_alone() {
    let job = host(&["one"]);
    save(&job, "one", &["one"]);
    job.remove("home/.cargo");
    job.write(&format!("{BIN}/one"), "somebody's");
    let said = restore(&job, "one");
    assert_eq!((&*said.outputs["bins-hit"], &*said.outputs["bins-restored"]), ("partial", "false"));
    assert!(said.log.contains("an executable named one already exists"), "{}", said.log);
    assert_eq!(job.read(&format!("{BIN}/one")), "somebody's");
    assert_eq!(installed(&job), "");
}

#[test]
fn save_reports_a_missing_tool_and_saves_the_others() {
    let job = host(&["one"]);
    let log = save(&job, "one, absent", &["one"]);
    assert!(log.contains("bins: skipped absent: cargo has no record of it"), "{log}");
    assert!(log.contains("bins    saved    1 file"), "{log}");
    job.remove("home/.cargo");
    let said = job.ok(&["restore", "--preset", "none", "--cargo-bins", "one, absent", "--lookup-only"]);
    assert_eq!((&*said.outputs["bins-hit"], &*said.outputs["bins-restored"]), ("partial", "false"));
    assert!(!job.path("home/.cargo").exists());
    let said = restore(&job, "absent, one");
    assert_eq!(said.outputs["bins-hit"], "partial", "not all is there, so no step is to be skipped");
    assert!(said.log.contains("absent not restored: not in the entry"), "{}", said.log);
    assert_eq!(says(&job, "one"), "one 1.0.0");
    let nothing = save(&host(&[]), "absent", &[]);
    assert!(nothing.contains("bins    skipped  nothing to save"), "{nothing}");
}

#[test]
fn restore_brings_only_tools_still_on_the_list() {
    let job = host(&["one", "two", "three"]);
    save(&job, "one, two", &["one", "two"]);
    job.remove("home/.cargo");
    let said = restore(&job, "two\nthree");
    assert_eq!((&*said.outputs["bins-hit"], &*said.outputs["restored-files"]), ("partial", "1"));
    assert!(said.log.contains("differs in tools (one is gone, three is new)"), "{}", said.log);
    assert!(is_there(&job, "two") && !is_there(&job, "one"));
    assert_eq!(installed(&job).matches("v1.0.0").count(), 1);
    install(&job, "three");
    assert!(job.ok(&["save"]).log.contains("bins    saved    2 files"));
    job.remove("home/.cargo");
    assert_eq!(restore(&job, "three, two").outputs["bins-hit"], "exact");
    assert_eq!(
        job.ok(&["restore", "--preset", "none", "--cargo-bins", "four", "--no-session"]).outputs["bins-hit"],
        "miss"
    );
    let text = job.ok(&["explain", "--preset", "none", "--cargo-bins", "four"]).stdout;
    assert!(text.contains("has none of the tools"), "{text}");
}

#[test]
fn save_replaces_an_unpinned_tool_after_an_update() {
    let job = host(&["one"]);
    save(&job, "one", &["one"]);
    publish(&job, "one", "2.0.0", &["one"]);
    let log = save(&job, "one", &["one"]);
    assert!(log.contains("bins    saved    1 file"), "{log}");
    job.remove("home/.cargo");
    restore(&job, "one");
    assert_eq!(says(&job, "one"), "one 2.0.0");
}

#[test]
fn installing_over_a_linked_executable_changes_no_entry() {
    let job = host(&["one"]);
    save(&job, "one", &["one"]);
    job.remove("home/.cargo");
    job.ok(&["restore", "--preset", "none", "--cargo-bins", "one", "--link-mode", "hardlink"]);
    assert!(fs::metadata(job.path(BIN).join("one")).unwrap().nlink() > 1, "the test is about something");
    publish(&job, "one", "2.0.0", &["one"]);
    install(&job, "one");
    assert!(job.ok(&["verify"]).stdout.contains(" 0 damaged"));
    job.remove("home/.cargo");
    restore(&job, "one");
    assert_eq!(says(&job, "one"), "one 1.0.0");
}

#[test]
fn concurrent_restores_and_installs_lose_no_record() {
    let names = ["one", "two", "three"];
    let job = host(&names);
    for name in ["one", "two"] {
        save(&job, name, &[name]);
    }
    for _ in 0..5 {
        job.remove("home/.cargo");
        let start = |name| {
            let args = ["restore", "--preset", "none", "--cargo-bins", name, "--no-session"];
            job.command(&args).stderr(Stdio::null()).spawn().unwrap()
        };
        let restoring = ["one", "two", "one"].map(start);
        install(&job, "three");
        for mut child in restoring {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(installed(&job).matches("v1.0.0").count(), 3);
        assert_eq!(names.map(|name| says(&job, name)), ["one 1.0.0", "two 1.0.0", "three 1.0.0"]);
    }
}

#[test]
fn restore_waits_for_a_running_cargo_install() {
    let job = host(&["one"]);
    save(&job, "one", &["one"]);
    job.remove(BIN);
    let held = LockedFile::wait(&job.path(NOTES[0]), Duration::ZERO).unwrap().unwrap();
    let mut command = job.command(&["restore", "--preset", "none", "--cargo-bins", "one"]);
    let mut restoring = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(restoring.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("waiting up to 60 s for another cargo")));
    assert!(!is_there(&job, "one"));
    drop(held);
    assert!(log.any(|line| line.contains("bins    exact")));
    assert!(restoring.wait().unwrap().success() && is_there(&job, "one"));
}

#[test]
fn save_skips_tools_whose_url_may_hold_a_password() {
    let job = host(&["one"]);
    restore(&job, "one");
    install(&job, "one");
    for file in NOTES {
        let text = job.read(file).replace("git+file://", "git+https://me:secret@example.com");
        job.write(file, &text);
    }
    let log = job.ok(&["save"]).log;
    assert!(log.contains("bins: skipped one: its source URL may contain a password"), "{log}");
    job.sh("! grep -rq secret ../../root");
    let log = save(&job, "one@2.0.0", &[]);
    assert!(log.contains("one 1.0.0") && !log.contains("secret"), "{log}");
}

#[test]
fn unreadable_install_records_are_left_alone() {
    let job = host(&["one"]);
    save(&job, "one", &["one"]);
    job.remove(BIN);
    job.write(NOTES[0], "[v1");
    let said = job.run(&["restore", "--preset", "none", "--cargo-bins", "one"]);
    assert_eq!((said.code, &*said.outputs["bins-hit"]), (0, "miss"), "{said:?}");
    assert!(said.log.contains("::warning") && said.log.contains("cargo's install records"), "{}", said.log);
    assert!(job.read(NOTES[0]) == "[v1" && !is_there(&job, "one"));
}

#[test]
fn tools_follow_the_configured_install_root() {
    let mut job = host(&["one"]);
    job.set("CARGO_INSTALL_ROOT", job.path("elsewhere").display());
    save(&job, "one", &["one"]);
    job.remove("elsewhere");
    assert_eq!(restore(&job, "one").outputs["bins-hit"], "exact");
    assert!(job.path("elsewhere/bin/one").is_file() && !job.path(BIN).exists());
    assert!(install(&job, "one").contains("is already installed"));
}

#[test]
fn failed_restore_of_executables_takes_their_records_back() {
    let job = host(&["one"]);
    save(&job, "one", &["one"]);
    job.remove("home/.cargo");
    install(&job, "one");
    job.sh("cargo uninstall -q one");
    let notes = NOTES.map(|file| job.read(file));
    // A file where the directory is to be.
    job.remove(BIN);
    job.write(BIN, "in the way");
    let said = job.run(&["restore", "--preset", "none", "--cargo-bins", "one"]);
    assert_eq!((said.code, &*said.outputs["bins-hit"]), (0, "miss"), "{said:?}");
    for (file, before) in NOTES.iter().zip(notes) {
        assert_eq!(job.read(file).trim_end(), before.trim_end(), "{file}");
    }
}
