//! `migrate`: shows, writes, and leaves alone what it cannot read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use test_support::Job;

use crate::PROGRAM;

const OLD: &str = "# About this.
on: push
jobs:
  test:
    runs-on: [self-hosted, linux]
    steps:
      - uses: actions/checkout@v7 # stays
      - name: Cache
        uses: actions/cache@v4
        with:
          path: |
            ~/.cargo/registry
            target
          key: cargo-${{ hashFiles('Cargo.lock') }}
      - run: cargo test
";

const NEW: &str = "# About this.
on: push
jobs:
  test:
    runs-on: [self-hosted, linux]
    steps:
      - uses: actions/checkout@v7 # stays
      - name: Cache
        uses: btcdecoded/runner-cache@v1
      - run: cargo test
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
";

const FILE: &str = "work/project/.github/workflows/ci.yml";

/// A repository with one workflow.
fn repository(workflow: &str) -> (Job, String) {
    let job = Job::new(PROGRAM);
    job.write(FILE, workflow);
    let path = job.path(FILE).display().to_string();
    (job, path)
}

#[test]
fn changes_are_shown_and_nothing_is_written() {
    let (job, path) = repository(OLD);
    let said = job.ok(&["migrate", &path]);
    assert_eq!(job.read(FILE), OLD);
    assert!(
        said.stdout.starts_with(&format!("--- {path}\n+++ {path}\n@@ -6,10 +6,7 @@\n")),
        "{}",
        said.stdout
    );
    for line in
        ["-        uses: actions/cache@v4\n", "+        uses: btcdecoded/runner-cache@v1\n", " # stays\n"]
    {
        assert!(said.stdout.contains(line), "{line}{}", said.stdout);
    }
    let note = format!("{path}:14: `key` is left out");
    assert!(said.log.contains(&note) && said.log.contains("hint: `--write`"), "{}", said.log);
}

#[test]
fn written_files_keep_their_mode_and_links_and_a_second_time_changes_nothing() {
    let (job, path) = repository(OLD);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    symlink(&path, job.path("link.yml")).unwrap();
    let link = job.path("link.yml").display().to_string();
    let said = job.ok(&["migrate", "--write", &link]);
    assert!(said.log.contains("link.yml: rewritten"), "{}", said.log);
    assert_eq!(job.read(FILE), NEW);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o664);
    assert!(job.path("link.yml").is_symlink());
    let said = job.ok(&["migrate", "--write", &path]);
    assert!(said.stdout.is_empty() && said.log.contains("ci.yml: nothing to rewrite"), "{said:?}");
    assert_eq!(job.read(FILE), NEW);
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_none_is_written() {
    let (job, path) = repository(OLD);
    job.write("tab.yml", "on: push\njobs:\n\ttest: x\n");
    fs::write(job.path("latin.yml"), b"name: \xe9\n").unwrap();
    let cases = [
        ("tab.yml", "tab.yml:3: not YAML"),
        ("latin.yml", "latin.yml: it is not UTF-8"),
        ("absent.yml", "cannot read"),
        ("work", "not a file"),
    ];
    for (other, why) in cases {
        let other = job.path(other).display().to_string();
        let said = job.run(&["migrate", "--write", &path, &other]);
        assert!(said.code == 1 && said.log.contains(why) && said.log.contains(&other), "{said:?}");
        assert!(said.log.contains("nothing was written"), "{}", said.log);
        assert_eq!(job.read(FILE), OLD);
    }
    let said = job.run(&["migrate"]);
    assert!(said.code == 2 && said.log.contains("`migrate` requires"), "{said:?}");
}

#[test]
fn what_is_no_workflow_or_runs_elsewhere_stays() {
    let (job, path) = repository(&OLD.replace("[self-hosted, linux]", "ubuntu-latest"));
    let said = job.ok(&["migrate", &path]);
    let note = format!("{path}:5: left as it is: job `test` runs on `ubuntu-latest`");
    assert!(said.stdout.is_empty() && said.log.contains(&note), "{said:?}");
    assert!(
        job.ok(&["migrate", "--hosted", &path]).stdout.contains("+        uses: btcdecoded/runner-cache@v1")
    );
    job.write("other.yml", "a: b\n");
    let other = job.path("other.yml").display().to_string();
    assert!(job.ok(&["migrate", &other]).log.contains("neither a workflow nor a composite action"));
}

#[test]
fn local_actions_are_found_from_the_workflow() {
    let action = "runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: rsync -a /tmp/runner-cache/t/ target/\n";
    let step = "      - uses: ./.github/actions/restore\n";
    let (job, path) = repository(&OLD.replace("      - run: cargo test\n", step));
    job.write("work/project/.github/actions/restore/action.yaml", action);
    job.ok(&["migrate", "--write", &path]);
    let text = job.read(FILE);
    assert!(
        text.contains("runner-cache@v1\n        with:\n          layers: target\n") && !text.contains(step),
        "{text}"
    );
}

/// The policy of a host is about its cache, which is not touched.
#[test]
fn a_wrong_policy_does_not_matter() {
    let (mut job, path) = repository(OLD);
    job.policy("no: policy\n");
    assert!(!job.run(&["list"]).is_success());
    job.ok(&["migrate", "--write", &path]);
    assert_eq!(job.read(FILE), NEW);
}
