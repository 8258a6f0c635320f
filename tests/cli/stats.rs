//! What `stats` tells of jobs, and that no job suffers from its ledger.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use runner_cache::report::metrics::{METRICS, Metric};
use rusqlite::Connection;
use serde_json::{Value, json};
use test_support::Job;

use crate::PROGRAM;

const PATHS: [&str; 4] = ["--preset", "none", "--path", "data"];

fn job() -> Job {
    let job = Job::new(PROGRAM);
    job.write("work/project/data/file", "12345");
    job
}

fn restore(job: &Job, key: &str) {
    job.ok(&[&["restore", "--key", key], &PATHS[..]].concat());
}

/// A whole job: restores under `key`, and saves.
fn run(job: &mut Job, run: u32, key: &str) {
    job.wipe();
    job.set("GITHUB_RUN_ID", run);
    restore(job, key);
    job.write("work/project/data/file", "12345");
    job.ok(&["save"]);
}

fn stats(job: &Job, args: &[&str]) -> Value {
    let said = job.ok(&[&["stats", "--json"], args].concat());
    let mut outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(outcome["command"], "stats", "{outcome:#}");
    outcome["result"].take()
}

/// The warnings of a restore, and how well it was served.
fn codes(job: &Job) -> (Vec<String>, Value) {
    let said = job.run(&[&["restore", "--json", "--no-session", "--key", "k-1"], &PATHS[..]].concat());
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(said.code, 0, "{said:?}");
    let warnings = outcome["warnings"].as_array().unwrap().iter();
    let codes = warnings.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect();
    (codes, outcome["result"]["layers"][0]["hit"].clone())
}

fn database(job: &Job) -> PathBuf {
    job.path("root/ledger/events.db")
}

#[test]
fn hits_misses_and_bypasses_are_counted_apart() {
    let mut job = job();
    run(&mut job, 1, "k-1");
    run(&mut job, 2, "k-1");
    job.ok(&[&["restore", "--no-session", "--key", "k-2", "--restore-keys", "k-"], &PATHS[..]].concat());
    job.ok(&[&["restore", "--no-session", "--lookup-only", "--key", "k-1"], &PATHS[..]].concat());
    let all = stats(&job, &[]);
    let figures = ["exact", "partial", "misses", "bypasses", "entries"].map(|name| &all["all"][name]);
    assert_eq!(figures, [&json!(1), &json!(1), &json!(1), &json!(1), &json!(1)], "{all:#}");
    assert_eq!((&all["all"]["restored_bytes"], &all["all"]["saved_bytes"]), (&json!(10), &json!(5)));
    assert_eq!(all["all"]["estimated_jobs"], 1, "run 2 is compared with run 1");
    assert_eq!((&all["jobs"][0]["name"], &all["layers"][0]["name"]), (&json!("o/r build"), &json!("paths")));
    assert_eq!((&all["stored"][0]["entries"], &all["stored"][0]["bytes"]), (&json!(1), &json!(5)));
    let of = |args: &[&str]| stats(&job, args)["all"]["exact"].clone();
    assert_eq!((of(&["--layer", "target"]), of(&["--job", "build"])), (json!(0), json!(1)));
    let text = job.ok(&["stats"]).stdout;
    assert!(text.contains("hit rate     67 % ") && text.contains("2 of 3 lookups"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let csv = job.ok(&["stats", "--format", "csv"]).stdout;
    assert!(csv.contains("o/r,build,build,paths,1,1,0,1,1,2,10,"), "{csv}");
}

#[test]
fn what_a_limit_evicted_and_a_job_then_missed_is_a_lost_hit() {
    let mut job = job();
    run(&mut job, 1, "k-1");
    run(&mut job, 2, "k-2");
    job.ok(&["gc", "--keep", "paths=1"]);
    run(&mut job, 3, "k-1");
    let lost = &stats(&job, &[])["lost_hits"];
    assert_eq!((&lost[0]["reason"], &lost[0]["hits"]), (&json!("count"), &json!(1)), "{lost:#}");
    assert!(job.ok(&["stats"]).stdout.contains("limits cost 1 hits"));
}

#[test]
fn a_restore_tells_what_earlier_runs_did() {
    let mut job = job();
    run(&mut job, 1, "k-1");
    run(&mut job, 2, "k-1");
    let said = job.ok(&[&["restore", "--json", "--no-session", "--key", "k-9"], &PATHS[..]].concat());
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    let runs = outcome["result"]["history"][0]["runs"].as_array().unwrap();
    let served: Vec<_> = runs.iter().map(|run| run["served"].as_str().unwrap()).collect();
    assert_eq!(served, ["miss", "exact", "miss"]);
}

#[test]
fn a_damaged_ledger_is_set_aside_and_told_once() {
    let mut job = job();
    run(&mut job, 1, "k-1");
    for damage in [
        &b"not a database, and longer than its header is to be: it is 100 bytes long at the least ........"[..],
        &[0; 9000],
    ] {
        // All that was appended since may lie in the log alone.
        fs::remove_file(job.path("root/ledger/events.db-wal")).unwrap();
        fs::write(database(&job), damage).unwrap();
        let (told, hit) = codes(&job);
        assert_eq!((told, hit), (vec!["ledger".to_owned()], json!("exact")));
        assert_eq!(fs::read(job.path("root/ledger/events.db.damaged")).unwrap(), damage);
        assert_eq!(codes(&job).0, Vec::<String>::new(), "a new one was begun");
        assert_eq!(stats(&job, &[])["all"]["exact"], 2, "both that found it so");
    }
}

#[test]
fn each_damaged_entry_counts() {
    let mut job = job();
    for (number, key) in [(1, "k-1"), (2, "k-2"), (3, "k-3")] {
        run(&mut job, number, key);
        fs::write(job.newest_entry("paths").join("manifest"), "damaged").unwrap();
    }
    // One warning tells of all.
    job.wipe();
    let said =
        job.run(&[&["restore", "--no-session", "--key", "k", "--restore-keys", "k-"], &PATHS[..]].concat());
    assert_eq!((said.code, said.warnings()), (0, 1), "{said:?}");
    assert_eq!(stats(&job, &[])["damaged"], 3);
}

#[test]
fn a_ledger_of_a_newer_version_is_not_written() {
    let mut job = job();
    run(&mut job, 1, "k-1");
    Connection::open(database(&job)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(database(&job)).unwrap();
    let (told, hit) = codes(&job);
    assert_eq!((told, hit), (vec!["ledger".to_owned()], json!("exact")));
    assert_eq!(fs::read(database(&job)).unwrap(), before);
    let said = job.run(&["stats"]);
    assert!(said.code == 1 && said.log.contains("has format 99"), "{said:?}");
}

#[test]
fn a_ledger_that_cannot_be_had_fails_no_job() {
    let job = job();
    job.write("root-of-others/file", "");
    restore(&job, "k-1");
    fs::remove_dir_all(job.path("root/ledger")).unwrap();
    fs::write(job.path("root/ledger"), "a file").unwrap();
    assert_eq!(codes(&job), (Vec::new(), json!("miss")));
}

#[test]
fn a_read_only_root_has_statistics() {
    let mut job = job();
    run(&mut job, 1, "k-1");
    let user = if rustix::process::geteuid().is_root() { "" } else { "--map-root-user" };
    let script =
        "mount --bind $RUNNER_CACHE_ROOT $RUNNER_CACHE_ROOT; mount -o remount,bind,ro $RUNNER_CACHE_ROOT";
    job.sh(&format!(
        "unshare --mount {user} sh -euc '{script}; {PROGRAM} stats --json >stats.json; \
         {PROGRAM} restore --no-session --preset none --path data --key k-1'"
    ));
    let told: Value = serde_json::from_str(&job.read("work/project/stats.json")).unwrap();
    assert_eq!(told["result"]["all"]["misses"], 1, "{told:#}");
}

#[test]
fn all_users_of_a_shared_root_append_to_its_ledger() {
    for (access, mode) in [("private", 0o600), ("group", 0o660)] {
        let mut job = job();
        job.set("RUNNER_CACHE_ROOT_ACCESS", access);
        run(&mut job, 1, "k-1");
        // While it is open, what SQLite puts beside it is there for sure.
        let open = Connection::open(database(&job)).unwrap();
        open.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0)).unwrap();
        for name in ["events.db", "events.db-wal", "events.db-shm"] {
            let found =
                fs::metadata(job.path("root/ledger").join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{access}: {name} has {found:o}");
        }
    }
}

#[test]
fn no_secret_gets_into_the_ledger() {
    let mut job = job();
    let secret = "hunter2-0123456789";
    job.set("TOKEN", secret);
    job.set("RUNNER_CACHE_DOWNLOAD_URL", format!("https://u:{secret}@mirror.example/"));
    job.set("RUSTFLAGS", format!("--cfg={secret}"));
    let key = format!("k-{secret}");
    job.ok(&[&["restore", "--key", &key], &PATHS[..]].concat());
    job.ok(&["save"]);
    job.ok(&["restore", "--no-session", "--key-env", "TOKEN"]);
    job.ok(&["remove", &key]);
    assert_eq!(stats(&job, &[])["all"]["misses"], 3);
    for name in ["events.db", "events.db-wal"] {
        let bytes = fs::read(job.path("root/ledger").join(name)).unwrap();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{name}");
    }
}

#[test]
fn metrics_are_written_whole_and_for_all_users() {
    let mut job = job();
    run(&mut job, 1, "k-1");
    let path = job.path("metrics.prom");
    let said = job.ok(&["stats", "--format", "prometheus", "--output", path.to_str().unwrap()]);
    assert_eq!(said.stdout, "");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    let text = job.read("metrics.prom");
    let lookups =
        r#"runner_cache_lookups_total{repository="o/r",workflow_job="build",layer="paths",outcome="miss"} 1"#;
    assert!(text.lines().any(|line| line == lookups), "{text}");
    assert!(text.contains("\nrunner_cache_entries{repository=\"o/r\",layer=\"paths\"} 1\n"), "{text}");
}

#[test]
fn a_page_is_for_its_owner_and_has_neither_keys_nor_paths() {
    let mut job = job();
    run(&mut job, 1, "a-key-of-the-user");
    let path = job.path("page.html");
    let said = job.ok(&["report", "--json", "--html", path.to_str().unwrap()]);
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(outcome["result"]["file"], path.to_str().unwrap(), "{outcome:#}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let page = job.read("page.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("\"repository\":\"o/r\""), "{page}");
    for hidden in ["a-key-of-the-user", job.path("").to_str().unwrap(), "work/project"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert!(job.ok(&["report", "--html", "-"]).stdout.starts_with("<!DOCTYPE html>"));
    let said = job.run(&["report", "--html", job.path("absent/page.html").to_str().unwrap()]);
    assert!(said.code == 1 && said.log.contains("absent"), "{said:?}");
}

/// Reads metrics by Prometheus' own parser, and prints a line a sample.
const PARSE: &str = "
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation and family.samples, family
    for sample in family.samples:
        assert sample.timestamp is None, sample
        print(family.type, sample.name, ','.join(sample.labels), sample.value)
";

#[test]
fn prometheus_reads_the_metrics() {
    let mut job = job();
    job.set("GITHUB_JOB", "a \\ \"quoted\" job");
    run(&mut job, 1, "k-1");
    run(&mut job, 2, "k-2");
    job.ok(&["gc", "--keep", "paths=1"]);
    let text = job.ok(&["stats", "--format", "prometheus"]).stdout;
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin/python");
    assert!(python.is_file(), "the parser is missing: run ./scripts/setup-tools.sh");
    let mut parser = Command::new(python);
    parser.args(["-c", PARSE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut parser = parser.spawn().unwrap();
    parser.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = parser.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    let read = String::from_utf8(output.stdout).unwrap();
    for Metric { name, kind, labels, .. } in METRICS {
        let line = format!("{kind} {name} {} ", labels.join(","));
        assert!(read.lines().any(|read| read.starts_with(&line)), "{line}\n{read}");
    }
    assert_eq!(read.lines().count(), text.lines().filter(|line| !line.starts_with('#')).count());
    assert!(read.contains("counter runner_cache_evicted_entries_total repository,layer,reason 1"), "{read}");
}
