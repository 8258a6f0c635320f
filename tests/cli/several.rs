//! Several paths are one unit: all of them are restored, or none.

use std::fs;

use test_support::Job;

use crate::PROGRAM;

const PATHS: [&str; 6] = ["--preset", "none", "--path", "one\nup/two", "--key", "k"];

/// A host with an entry of two paths.
fn host(text: &str) -> Job {
    let job = Job::new(PROGRAM);
    save(&job, text);
    job
}

fn save(job: &Job, text: &str) {
    job.write("work/project/one/file", text);
    job.write("work/project/up/two/file", text);
    job.ok(&[&["save", "--save", "always"], &PATHS[..]].concat());
}

fn restore(job: &Job) -> test_support::Said {
    job.run(&[&["restore", "--no-session"], &PATHS[..]].concat())
}

#[test]
fn failed_path_leaves_the_others_unchanged() {
    for made in ["one", "nothing"] {
        let job = host("cached");
        job.remove("work/project/one");
        if made == "one" {
            job.write("work/project/one/file", "of the job");
        }
        // A directory does not make way for a file.
        job.remove("work/project/up");
        job.write("work/project/up/two/file/own", "of the job");
        let said = restore(&job);
        assert_eq!((said.code, &*said.outputs["cache-hit"]), (0, "false"), "{}", said.log);
        assert!(said.log.contains("nothing restored"), "{}", said.log);
        match made {
            "one" => assert_eq!(job.read("work/project/one/file"), "of the job"),
            _ => assert!(!job.path("work/project/one").exists()),
        }
        assert_eq!(job.read("work/project/up/two/file/own"), "of the job");
    }
}

#[test]
fn damage_in_one_path_falls_back_to_the_next_entry_for_all() {
    let job = host("older");
    save(&job, "newer");
    let damaged = job.newest_entry("paths").join("tree/1/file");
    fs::remove_file(damaged).unwrap();
    job.write("work/project/one/file", "of the job");
    job.remove("work/project/up");
    let said = restore(&job);
    assert!(said.log.contains("took a damaged entry out of use"), "{}", said.log);
    assert_eq!(said.outputs["cache-hit"], "true");
    let files = ["one/file", "up/two/file"].map(|file| job.read(&format!("work/project/{file}")));
    assert_eq!(files, ["older", "older"]);
}
