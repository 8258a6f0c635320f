//! A job that lacks something: the toolchain, its workspace, a manifest that cargo takes.

use std::fs;
use std::net::TcpListener;

use test_support::Job;
use test_support::project::CARGOS_TAG;

use crate::PROGRAM;

#[test]
fn probing_rustc_installs_no_toolchain() {
    let mut job = Job::new(PROGRAM);
    let rustups = job.path("rustup");
    fs::create_dir(&rustups).unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    job.set("RUSTUP_HOME", rustups.display());
    job.set("RUSTUP_TOOLCHAIN", "");
    job.set("RUSTUP_DIST_SERVER", format!("http://{}", server.local_addr().unwrap()));
    job.write("work/project/rust-toolchain.toml", "[toolchain]\nchannel = \"1.2.3\"\n");
    // Without a lock file, cargo would have to be asked as well.
    fs::remove_file(job.path("work/project/Cargo.lock")).unwrap();
    let said = job.ok(&["restore"]);
    assert!(said.log.contains("the toolchain of rust-toolchain.toml is not installed;"), "{}", said.log);
    assert!(said.log.contains("hint: install the toolchain before the restore"), "{}", said.log);
    assert!(said.outputs["target-cache-key"].contains("-rustc.none."), "{:?}", said.outputs);
    assert!(server.accept().is_err(), "nothing was asked for");
    assert!(!rustups.join("toolchains").exists());

    job.write("work/project/target/CACHEDIR.TAG", CARGOS_TAG);
    job.write("work/project/target/debug/x", "built");
    job.ok(&["save"]);
    job.wipe();
    assert_eq!(job.ok(&["restore"]).outputs["target-hit"], "exact");
    job.write("work/project/rust-toolchain.toml", "[toolchain]\nchannel = \"1.2.4\"\n");
    assert_eq!(job.ok(&["restore", "--no-session"]).outputs["target-hit"], "miss", "the file is in the key");
}

#[test]
fn restores_downloads_and_target_without_rust_installed() {
    let mut job = Job::new(PROGRAM);
    job.sh("mkdir bin; for tool in sh git; do ln -s $(command -v $tool) bin/; done");
    job.set("PATH", job.path("work/project/bin").display());
    let said = job.ok(&["restore"]);
    assert!(said.log.contains("no rustc found"), "{}", said.log);
    job.write("home/.cargo/registry/cache/i/a-1.0.0.crate", "crate");
    job.write("work/project/target/CACHEDIR.TAG", CARGOS_TAG);
    job.write("work/project/target/debug/x", "built");
    job.lock_with("a", "1.0.0", "crate");
    job.ok(&["save"]);
    job.wipe();
    job.remove("home/.cargo");
    job.version("1.0.0");
    let said = job.ok(&["restore"]);
    assert_eq!((&*said.outputs["target-hit"], &*said.outputs["cargo-hit"]), ("exact", "exact"));
    assert_eq!(job.read("home/.cargo/registry/cache/i/a-1.0.0.crate"), "crate");
}

#[test]
fn missing_workspace_still_caches_layers_that_need_none() {
    let mut job = Job::new(PROGRAM);
    job.set("GITHUB_WORKSPACE", job.path("work/nowhere").display());
    fs::remove_file(job.path("work/project/Cargo.toml")).unwrap();
    let said = job.ok(&["restore"]);
    assert!(said.log.contains("nothing to cache"), "{}", said.log);
    job.ok(&["save"]);
    job.wipe();

    job.write("home/tool/x", "1");
    let paths = ["--preset", "none", "--path", "~/tool", "--key", "k"];
    job.ok(&[&["restore"], &paths[..]].concat());
    job.ok(&["save"]);
    job.wipe();
    job.remove("home/tool");
    assert_eq!(job.ok(&[&["restore"], &paths[..]].concat()).outputs["cache-hit"], "true");

    let said = job.run(&["restore", "--preset", "cargo"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.log.contains("input `workspaces`: `.`: no Cargo.toml in "), "{}", said.log);
}

#[test]
fn invalid_manifest_is_left_to_cargo() {
    let job = Job::new(PROGRAM);
    for manifest in ["[package", "[package]\nname = \"a b\"\n", "", "[workspace]\nmembers = [\"gone\"]\n"] {
        job.write("work/project/Cargo.toml", manifest);
        job.write("work/project/target/CACHEDIR.TAG", CARGOS_TAG);
        job.write("work/project/target/debug/x", "built");
        job.ok(&["save"]);
        job.wipe();
        assert_eq!(job.ok(&["restore", "--no-session"]).outputs["target-hit"], "exact", "{manifest}");
    }
}
