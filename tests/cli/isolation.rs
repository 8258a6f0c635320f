//! A cargo home of the job's own.

use std::fs;
use std::os::unix::fs::MetadataExt;

use test_support::Job;

use crate::PROGRAM;

const HOME: &str = "temp/cargo-home";

/// A host whose user has configured cargo, and a crate that is in nobody's home yet.
fn host() -> Job {
    let job = Job::new(PROGRAM);
    job.write("home/.cargo/config.toml", "[net]\nretry = 1\n");
    job.write("home/.cargo/credentials.toml", "secret");
    job.write("home/.cargo/registry/cache/i/neighbours-1.0.0.crate", "a neighbour's");
    job
}

/// What a build downloads and extracts.
fn download(job: &Job) {
    job.write(&format!("{HOME}/registry/cache/i/a-1.0.0.crate"), "crate");
    job.write(&format!("{HOME}/registry/src/i/a-1.0.0/src/lib.rs"), "source");
    job.write(&format!("{HOME}/registry/src/i/a-1.0.0/Cargo.lock"), "its own");
    job.write(&format!("{HOME}/registry/src/i/a-1.0.0/.cargo-ok"), "{\"v\":1}");
    job.write(&format!("{HOME}/registry/src/i/half-1.0.0/src/lib.rs"), "source");
    job.lock_with("a", "1.0.0", "crate");
    let lock = job.read("work/project/Cargo.lock");
    let half = "name = \"half\"\nversion = \"1.0.0\"\nsource = \"registry+https://example.com\"\n";
    job.write("work/project/Cargo.lock", &format!("{lock}\n[[package]]\n{half}"));
}

#[test]
fn isolated_home_has_extracted_downloads_and_the_users_configuration() {
    let job = host();
    let said = job.ok(&["restore", "--isolate-cargo-home"]);
    assert_eq!(said.env["CARGO_HOME"], job.path(HOME).display().to_string());
    assert_eq!(job.read("path").trim(), job.path(HOME).join("bin").display().to_string());
    assert_eq!(job.read(&format!("{HOME}/config.toml")), job.read("home/.cargo/config.toml"));
    download(&job);
    job.ok(&["save"]);
    job.wipe();
    job.version("1.0.0");

    let said = job.ok(&["restore", "--isolate-cargo-home"]);
    assert_eq!(said.outputs["cargo-hit"], "exact");
    for (file, text) in [("cache/i/a-1.0.0.crate", "crate"), ("src/i/a-1.0.0/src/lib.rs", "source")] {
        let file = format!("{HOME}/registry/{file}");
        assert_eq!(job.read(&file), text);
        assert!(fs::metadata(job.path(&file)).unwrap().nlink() > 1, "{file} is linked");
    }
    assert_eq!(job.read(&format!("{HOME}/registry/src/i/a-1.0.0/Cargo.lock")), "its own");
    assert!(!job.path(&format!("{HOME}/registry/src/i/half-1.0.0")).exists());
    assert!(!job.path(&format!("{HOME}/registry/cache/i/neighbours-1.0.0.crate")).exists());
    let entry = job.entries("cargo").pop().unwrap();
    job.sh(&format!("! grep -r secret {}", entry.display()));
    assert_eq!(job.read("home/.cargo/registry/cache/i/neighbours-1.0.0.crate"), "a neighbour's");
}

#[test]
fn half_extracted_crate_is_left_to_cargo() {
    let job = host();
    job.ok(&["restore", "--isolate-cargo-home"]);
    download(&job);
    job.ok(&["save"]);
    job.version("1.0.0");
    let directory = format!("{HOME}/registry/src/i/a-1.0.0");
    fs::remove_file(job.path(&directory).join(".cargo-ok")).unwrap();
    fs::remove_file(job.path(&directory).join("src/lib.rs")).unwrap();
    job.ok(&["restore", "--isolate-cargo-home", "--no-session"]);
    assert!(!job.path(&directory).join(".cargo-ok").exists());
}

#[test]
fn isolation_needs_runner_temp() {
    let mut job = host();
    job.set("RUNNER_TEMP", "");
    let said = job.run(&["restore", "--isolate-cargo-home"]);
    assert_eq!(said.code, 2);
    assert!(
        said.log.contains("isolate-cargo-home") && said.log.contains("RUNNER_TEMP is not set"),
        "{}",
        said.log
    );
}

#[test]
fn isolated_home_omits_configuration_found_above_the_workspace() {
    let mut job = host();
    job.set("HOME", job.path("work").display());
    job.write("work/.cargo/config.toml", "[net]\nretry = 1\n");
    job.write("work/.cargo/credentials.toml", "secret");
    job.ok(&["restore", "--isolate-cargo-home"]);
    assert!(!job.path(HOME).join("config.toml").exists());
    assert_eq!(job.read(&format!("{HOME}/credentials.toml")), "secret");
}
