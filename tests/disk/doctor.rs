//! What `doctor` finds that takes a mount or another user.

use std::fs;
use std::os::unix::fs::chown;

use serde_json::Value;
use test_support::files;

use crate::host::Host;
use crate::place::Place;
use crate::tree::{Version, plant};

/// A user that nobody is.
const NOBODY: u32 = 65534;

/// The severity and the text of each check of a code.
fn found(host: &Host, args: &[&str], code: &str) -> Vec<(String, String)> {
    let said = host.run(&[&["doctor", "--json", "--min-free", "1B"], args].concat());
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    let checks = outcome["result"]["checks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of_code = checks.filter(|check| check["code"] == code);
    of_code.map(|check| (text(&check["severity"]), text(&check["text"]))).collect()
}

#[test]
fn root_in_memory_and_on_another_disk_than_the_workspace_is_told() {
    let mut place = Place::new();
    place.tmpfs("root", "size=8m");
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    host.save();
    let [(severity, text)] = &found(&host, &[], "memory")[..] else { panic!("one check") };
    assert!(severity == "warning" && text.contains("/root is in memory"), "{text}");
    let [(severity, text)] = &found(&host, &[], "disks")[..] else { panic!("one check") };
    assert!(severity == "warning" && text.ends_with("is on another disk than the cache"), "{text}");
    let [(severity, _)] = &found(&host, &[], "reflinks")[..] else { panic!("one check") };
    assert_eq!(severity, "warning", "tmpfs has none");
}

#[test]
fn cache_of_another_user_is_for_that_user_to_check() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    host.save();
    chown(host.path("root"), Some(NOBODY), None).unwrap();
    let [(severity, text)] = &found(&host, &[], "root")[..] else { panic!("one check") };
    assert!(severity == "ok" && text.ends_with("/root is the cache of user 65534"), "{text}");
    assert!(found(&host, &[], "debris").is_empty());
}

#[test]
fn files_of_root_in_the_workspace_of_another_user_are_told() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    let runner = host.path("runner");
    files::write(&runner.join(".runner"), "{\"agentName\": \"one\"}");
    files::write(&runner.join("_work/r/r/target/file"), "made in a container");
    files::write(&runner.join("_work/r/r/src"), "checked out");
    for path in ["", ".runner", "_work", "_work/r", "_work/r/r", "_work/r/r/src"] {
        chown(runner.join(path), Some(NOBODY), None).unwrap();
    }
    let args = ["--runner-dir", runner.to_str().unwrap()];
    let of_runner = found(&host, &args, "root-owned");
    let [(severity, text)] = &of_runner[..] else { panic!("{of_runner:?}") };
    assert!(severity == "problem" && text.starts_with("runner one: 1 file of root's such as "), "{text}");
    assert!(text.ends_with("/_work/r/r/target"), "{text}");
    chown(runner.join("_work/r/r/target"), Some(NOBODY), None).unwrap();
    chown(runner.join("_work/r/r/target/file"), Some(NOBODY), None).unwrap();
    assert!(found(&host, &args, "root-owned").is_empty());
    fs::remove_dir_all(runner).unwrap();
}
