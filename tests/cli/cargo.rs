//! What of a Rust project is cached.

use std::fs;
use std::os::unix::fs::MetadataExt;

use test_support::Job;

use crate::PROGRAM;

#[test]
fn second_job_reuses_the_first_build() {
    let job = Job::new(PROGRAM);
    let (first, saved) = job.build(&[]);
    assert_eq!(first.outputs["target-hit"], "miss");
    assert_eq!(first.env["TARGET_CACHE_RESTORED"], "false");
    assert!(saved.log.contains("target  saved"), "{}", saved.log);
    job.wipe();

    let second = job.ok(&["restore"]);
    assert_eq!(second.outputs["target-hit"], "exact");
    assert_eq!(second.outputs["cache-hit"], "true");
    assert_eq!(second.outputs["cache-matched-key"], first.outputs["cache-primary-key"]);
    assert_eq!(second.env["TARGET_CACHE_RESTORED"], "true");
    assert_eq!(second.env["TARGET_RESTORED"], "true");
    assert_eq!(job.sh("cargo build --offline").matches("Compiling").count(), 0, "all is fresh");
    assert!(second.summary.contains("| target | exact |"), "{}", second.summary);
}

#[test]
fn no_op_job_makes_no_entry() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    for _ in 0..2 {
        let (_, saved) = job.build(&[]);
        assert!(saved.log.contains("target  skipped  nothing changed"), "{}", saved.log);
    }
    assert_eq!(job.entries("target").len(), 1);
}

#[test]
fn alternating_runners_without_changes_make_no_entry() {
    let mut job = Job::new(PROGRAM);
    job.write("work/project/src/lib.rs", "pub fn one() {}\n");
    job.sh("cp -r ../project ../other");
    job.build(&[]);
    for project in ["work/other", "work/project", "work/other"] {
        job.wipe();
        job.move_to(project);
        job.sh("rm -rf target");
        let (restored, saved) = job.build(&[]);
        assert_eq!(restored.outputs["target-hit"], "exact");
        assert!(saved.log.contains("target  skipped  nothing changed"), "{}", saved.log);
    }
}

#[test]
fn changed_lock_file_is_a_partial_hit() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    job.wipe();
    job.version("1.0.1");
    let said = job.ok(&["restore"]);
    assert_eq!(said.outputs["target-hit"], "partial");
    assert_eq!(said.outputs["cache-hit"], "false");
    assert_eq!((&*said.env["TARGET_CACHE_RESTORED"], &*said.env["TARGET_RESTORED"]), ("false", "true"));
}

#[test]
fn key_hashes_manifests_without_a_lock_file() {
    let job = Job::new(PROGRAM);
    fs::remove_file(job.path("work/project/Cargo.lock")).unwrap();
    let key = || job.ok(&["restore", "--no-session"]).outputs["cargo-cache-key"].clone();
    let before = key();
    assert_eq!(key(), before);
    job.version("1.0.1");
    assert_ne!(key(), before);
}

#[test]
fn only_inputs_of_the_output_change_the_key() {
    let mut job = Job::new(PROGRAM);
    let key = |job: &Job| job.ok(&["restore", "--no-session"]).outputs["target-cache-key"].clone();
    let before = key(&job);
    job.set("RUST_BACKTRACE", "1");
    job.set("CARGO_TERM_COLOR", "always");
    job.set("TARGET_CACHE_DIR", "/x");
    assert_eq!(key(&job), before);
    let mut keys = vec![before];
    job.set("RUSTFLAGS", "-C debuginfo=0");
    keys.push(key(&job));
    job.write("work/project/.github/cache-trigger", "1");
    keys.push(key(&job));
    job.write("work/project/.cargo/config.toml", "[build]\njobs = 1\n");
    keys.push(key(&job));
    job.write(
        "work/project/rust-toolchain",
        std::env::var("RUSTUP_TOOLCHAIN").as_deref().unwrap_or("stable"),
    );
    assert_eq!(Some(&key(&job)), keys.last(), "the compiler is the same");
    keys.push(job.ok(&["restore", "--no-session", "--key-extra", "x"]).outputs["target-cache-key"].clone());
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "{keys:#?}");
}

#[test]
fn target_and_cargo_home_follow_the_environment() {
    let mut job = Job::new(PROGRAM);
    job.set("CARGO_TARGET_DIR", job.path("elsewhere/target").display());
    job.set("CARGO_HOME", job.path("elsewhere/home").display());
    job.write("elsewhere/home/registry/cache/index/a-1.0.0.crate", "crate");
    job.ok(&["restore"]);
    job.sh("cargo build -q --offline");
    job.lock_with("a", "1.0.0", "crate");
    job.ok(&["save"]);
    job.version("1.0.0");
    job.remove("elsewhere");
    let said = job.ok(&["restore"]);
    assert_eq!((&*said.outputs["target-hit"], &*said.outputs["cargo-hit"]), ("exact", "exact"));
    assert!(job.path("elsewhere/target/debug").is_dir());
    assert!(job.path("elsewhere/home/registry/cache/index/a-1.0.0.crate").is_file());
    assert!(!job.path("work/project/target").exists() && !said.env.contains_key("CARGO_TARGET_DIR"));
}

#[test]
fn caches_a_sibling_workspace() {
    let job = Job::new(PROGRAM);
    job.sh("cp -r . ../sibling");
    job.ok(&["restore", "--workspaces", ".\n../sibling -> out"]);
    job.sh("cargo build -q; cd ../sibling; cargo build -q --target-dir out");
    job.ok(&["save"]);
    job.wipe();
    job.remove("work/sibling/out");
    job.ok(&["restore", "--workspaces", ".\n../sibling -> out"]);
    assert!(job.path("work/project/target/debug").is_dir());
    assert!(job.path("work/sibling/out/debug").is_dir());
}

#[test]
fn restore_adds_downloads_to_a_shared_home_and_save_skips_secrets() {
    let job = Job::new(PROGRAM);
    let home = "home/.cargo";
    for file in ["registry/index/i/config.json", "registry/cache/i/a-1.crate", "git/db/g-0123/HEAD"] {
        job.write(&format!("{home}/{file}"), "cached");
    }
    let secrets = [
        "credentials.toml",
        ".package-cache",
        "git/db/g-0123/FETCH_HEAD",
        "registry/index/i/.cargo-index-lock",
    ];
    for file in secrets {
        job.write(&format!("{home}/{file}"), "secret");
    }
    job.ok(&["restore"]);
    job.lock_with("a", "1", "cached");
    job.ok(&["save"]);
    job.version("1.0.0");
    let entry = &job.entries("cargo")[0];
    let listing =
        job.sh(&format!("find {0} -type f 1>&2; grep -r secret {0} || test $? = 1", entry.display()));
    assert!(
        listing.contains("a-1.crate") && !listing.contains("FETCH_HEAD") && !listing.contains("index-lock"),
        "{listing}"
    );

    job.remove("home");
    job.write(&format!("{home}/registry/cache/i/a-1.crate"), "a neighbour's");
    job.write(&format!("{home}/registry/cache/i/b-1.crate"), "a neighbour's");
    job.write(&format!("{home}/credentials.toml"), "a neighbour's");
    let said = job.ok(&["restore"]);
    assert_eq!((&*said.env["CARGO_REGISTRY_RESTORED"], &*said.env["CARGO_GIT_RESTORED"]), ("true", "true"));
    assert_eq!(job.read(&format!("{home}/git/db/g-0123/HEAD")), "cached");
    for file in ["registry/cache/i/a-1.crate", "registry/cache/i/b-1.crate", "credentials.toml"] {
        assert_eq!(job.read(&format!("{home}/{file}")), "a neighbour's", "{file}");
    }
}

#[test]
fn build_outputs_are_keyed_by_commit() {
    let job = Job::new(PROGRAM);
    let commit = "git add -A; git -c user.name=n -c user.email=e commit -qm c";
    job.write("work/project/.gitignore", "/target\n");
    job.sh(&format!("git init -q; {commit}"));
    let builds = ["--builds", "target/debug/small\ntarget/debug/*.d"];
    job.build(&builds);
    job.wipe();
    let restore = [&["restore", "--no-session", "--layers", "builds"], &builds[..]].concat();
    let said = job.ok(&restore);
    assert_eq!((&*said.outputs["builds-hit"], &*said.env["BUILDS_RESTORED"]), ("exact", "true"));
    assert!(job.path("work/project/target/debug/small.d").is_file());
    assert!(!job.path("work/project/target/debug/deps").exists());
    job.write("work/project/src/main.rs", "fn main() {}");
    job.sh(commit);
    assert_eq!(job.ok(&restore).outputs["builds-hit"], "miss", "another commit");
}

#[test]
fn build_outputs_without_target_need_a_known_commit() {
    let job = Job::new(PROGRAM);
    let builds = ["--preset", "none", "--builds", "out"];
    job.write("work/project/out", "built");
    let unknown = job.ok(&[&["save"][..], &builds].concat()).log;
    assert!(unknown.contains("builds: skipped: unknown commit"), "{unknown}");
    job.sh("echo out >.gitignore; git init -q; git add -A; git -c user.name=n -c user.email=e commit -qm c");
    job.ok(&[&["restore", "--no-session"][..], &builds].concat());
    job.write("work/project/out", "built");
    job.ok(&[&["save"][..], &builds].concat());
    for more in [&[][..], &["--layers", "builds"], &["--layers", "builds,paths", "--path", "a", "--key", "k"]]
    {
        fs::remove_file(job.path("work/project/out")).unwrap();
        let said = job.ok(&[&["restore", "--no-session"][..], &builds, more].concat());
        assert_eq!((&*said.outputs["builds-hit"], &*job.read("work/project/out")), ("exact", "built"));
    }
}

/// The table of what may be hard-linked, against the real toolchain.
#[test]
fn build_on_hard_links_changes_no_entry() {
    let job = Job::new(PROGRAM);
    job.write(
        "work/project/src/lib.rs",
        "pub fn one() -> u32 { 1 }\n#[test]\nfn is_one() { assert_eq!(one(), 1) }\n",
    );
    job.write(
        "work/project/build.rs",
        "fn main() { std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/out\", [0; 9]).unwrap() }",
    );
    job.ok(&["restore", "--link-mode", "hardlink"]);
    job.sh("cargo build -q; cargo test -q 1>&2");
    job.ok(&["save"]);
    let entry = job.entries("target").remove(0);
    let sums = || {
        job.sh(&format!("cd {}; find tree -type f -exec sha256sum {{}} + | sort 1>&2; find tree -printf '%p %s %T@ %m\\n' | sort 1>&2", entry.display()))
    };
    let before = sums();
    job.wipe();

    let said = job.ok(&["restore", "--link-mode", "hardlink"]);
    assert!(said.log.contains("hardlink"), "{}", said.log);
    let made = job.made_of_units("work/project/target/debug");
    let linked = made.iter().filter(|path| path.metadata().unwrap().nlink() > 1);
    assert!(linked.count() > 1, "the test is about something");
    job.write(
        "work/project/src/lib.rs",
        "pub fn one() -> u32 { 2 - 1 }\n#[test]\nfn is_one() { assert_eq!(one(), 1) }\n",
    );
    job.write("work/project/src/main.rs", "fn main() { println!(\"two {}\", small::one()) }\n");
    job.sh(
        "touch build.rs; cargo build -q; cargo test -q 1>&2; strip target/debug/small; target/debug/small",
    );
    assert_eq!(sums(), before);
}

/// Cargo links programs out of `deps/` in each build, fresh ones as well: what has no other name at a save gets one later.
#[test]
fn replaced_program_shares_no_inode_with_the_entry() {
    let job = Job::new(PROGRAM);
    job.ok(&["restore", "--link-mode", "hardlink"]);
    job.sh("cargo build -q; mv target/debug/small .; cargo build -q --config profile.dev.debug=0");
    job.ok(&["save"]);
    job.wipe();
    job.ok(&["restore", "--link-mode", "hardlink"]);
    // Not of the whole root: a flush notes there what is on the disk, whenever the disk is done.
    let sums = || {
        job.sh(&format!(
            "find {} -path '*/tree/*' -type f -exec sha256sum {{}} + | sort 1>&2",
            job.path("root").display()
        ))
    };
    let before = sums();
    let is_there = before.contains("/deps/small-") || before.contains("/out/small\n");
    assert!(is_there, "the test is about something: {before}");
    let compiled = job.sh("cargo build; strip small target/debug/small; target/debug/small");
    assert!(!compiled.contains("Compiling"), "{compiled}");
    assert_eq!(sums(), before);
}

#[test]
fn entry_with_a_modified_linked_file_is_dropped() {
    let job = Job::new(PROGRAM);
    job.write("work/project/src/lib.rs", "pub fn a() {}\n");
    job.ok(&["restore", "--link-mode", "hardlink"]);
    job.sh("cargo build -q");
    job.ok(&["save"]);
    job.wipe();
    job.ok(&["restore", "--no-session", "--link-mode", "hardlink"]);
    // Only rustc makes libraries, and so they are linked in both layouts of target directories.
    job.sh("echo >> $(find target/debug -name 'libsmall-*.rlib')");
    job.wipe();
    let said = job.run(&["restore", "--no-session"]);
    assert_eq!((said.code, &*said.outputs["target-hit"]), (0, "miss"), "{said:?}");
    assert!(said.log.contains("::warning") && said.log.contains("differs from its record"), "{}", said.log);
    assert!(job.entries("target").is_empty());
}

#[test]
fn build_outputs_of_siblings_are_keyed_by_both_commits() {
    let job = Job::new(PROGRAM);
    let commit = "git init -q; git add -A; git -c user.name=n -c user.email=e commit -qm c";
    job.write("work/project/.gitignore", "/target\n");
    job.sh(&format!("{commit}; cp -r . ../sibling"));
    let args = ["--workspaces", ".\n../sibling", "--builds", "target/debug/small"];
    job.build(&args);
    let restore = [&["restore", "--no-session"], &args[..]].concat();
    assert_eq!(job.ok(&restore).outputs["builds-hit"], "exact");
    job.write("work/sibling/src/main.rs", "fn main() { println!(\"changed\") }\n");
    let dirty = job.ok(&restore);
    assert_eq!(dirty.outputs["builds-hit"], "miss");
    assert!(dirty.log.contains("builds: skipped: unknown commit"), "{}", dirty.log);
    job.sh(&format!("cd ../sibling; {commit}"));
    assert_eq!(job.ok(&restore).outputs["builds-hit"], "miss", "another commit of the sibling");
}

#[test]
fn save_takes_only_locked_and_verified_crates_from_a_shared_home() {
    let job = Job::new(PROGRAM);
    for crate_ in ["a-1.0.0", "neighbours-1.0.0"] {
        job.write(&format!("home/.cargo/registry/cache/i/{crate_}.crate"), "right");
    }
    job.write("home/.cargo/git/db/other-0123/HEAD", "a neighbour's");
    job.ok(&["restore"]);
    job.lock_with("a", "1.0.0", "right");
    job.ok(&["save"]);
    let files =
        || job.sh(&format!("cd {}; find . -type f 1>&2", job.entries("cargo").pop().unwrap().display()));
    assert!(
        files().contains("a-1.0.0.crate") && !files().contains("neighbours") && !files().contains("git"),
        "{}",
        files()
    );

    job.write("home/.cargo/registry/cache/i/a-1.0.1.crate", "tampered with");
    job.version("1.0.1");
    job.ok(&["restore"]);
    job.lock_with("a", "1.0.1", "right");
    let source = "home/.cargo/registry/src/i/a-1.0.1";
    job.write(&format!("{source}/lib.rs"), "tampered with");
    job.write(&format!("{source}/.cargo-ok"), "{\"v\":1}");
    let said = job.run(&["save"]);
    assert!(said.log.contains("a-1.0.1.crate: checksum differs from Cargo.lock"), "{}", said.log);
    assert!(!files().contains("a-1.0.1"), "{}", files());
    assert_eq!(job.read("home/.cargo/registry/cache/i/neighbours-1.0.0.crate"), "right");
}
