//! `doctor`: what it finds on a host, what it mends, and what it leaves alone.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use test_support::{Job, Said, files};

use crate::PROGRAM;

/// A host whose disk is full enough for every test, with one entry.
fn host() -> Job {
    let job = Job::new(PROGRAM);
    job.write("work/project/out/file", "kept");
    job.ok(&["save", "--preset", "none", "--path", "out", "--save", "always", "--key", "k"]);
    job
}

fn run(job: &Job, args: &[&str]) -> Said {
    job.run(&[&["doctor", "--min-free", "1B"], args].concat())
}

/// The outcome of `doctor`, which ended with `code`.
fn outcome(job: &Job, code: i32, args: &[&str]) -> Value {
    let said = run(job, &[&["--json"], args].concat());
    assert_eq!(said.code, code, "{said:?}");
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&outcome["version"], &outcome["command"]), (&1.into(), &"doctor".into()));
    outcome["result"].clone()
}

/// The checks of a code, each with its severity, text and hint.
fn checks(outcome: &Value, code: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = outcome["checks"].as_array().unwrap().iter();
    let of_code = checks.filter(|check| check["code"] == code);
    of_code.map(|check| (text(&check["severity"]), text(&check["text"]), text(&check["hint"]))).collect()
}

/// The severity and the text of the only check of a code.
fn check(outcome: &Value, code: &str) -> (String, String) {
    match &checks(outcome, code)[..] {
        [(severity, text, _)] => (severity.clone(), text.clone()),
        other => panic!("{code}: {other:?}"),
    }
}

#[test]
fn host_that_is_well_has_no_problem() {
    let job = host();
    let found = outcome(&job, 0, &[]);
    assert_eq!(check(&found, "root"), ("ok".into(), format!("1 entry in {}", job.path("root").display())));
    for code in ["modes", "root-owned", "clock", "debris", "quarantine", "sessions", "free-space", "disks"] {
        assert_eq!(check(&found, code).0, "ok", "{code}");
    }
    let said = run(&job, &[]);
    let is_short =
        |line: &str| line.chars().count() <= 80 || line.trim().split(' ').any(|word| word.len() > 50);
    assert!(said.code == 0 && said.stdout.lines().all(is_short), "{}", said.stdout);
    assert!(said.stdout.contains("\nok       killed jobs left nothing\n"), "{}", said.stdout);
    assert!(said.stdout.lines().last().unwrap().starts_with("0 problems, "), "{}", said.stdout);
    job.remove("root");
    let (severity, text) = check(&outcome(&job, 0, &[]), "root");
    assert!(severity == "ok" && text.starts_with("no cache in ") && !job.path("root").exists(), "{text}");
}

#[test]
fn leftovers_of_killed_jobs_are_told_and_only_fix_removes_them() {
    let job = host();
    job.sh("cd $RUNNER_CACHE_ROOT; mkdir -p staging/killed staging/at-work trash/half retired/old; touch trash/half/file");
    let at_work = File::open(job.path("root/staging/at-work")).unwrap();
    flock(&at_work, FlockOperation::LockExclusive).unwrap();
    let found = outcome(&job, 0, &[]);
    assert_eq!(
        check(&found, "debris"),
        ("warning".into(), "killed jobs left 3 directories in the cache".into())
    );
    assert!(job.path("root/trash/half/file").exists(), "nothing is removed unasked");
    let found = outcome(&job, 0, &["--fix"]);
    assert_eq!(found["fixed"], serde_json::json!(["removed what killed jobs left: 3 of 3 directories"]));
    assert_eq!(check(&found, "debris").0, "ok");
    assert!(!job.path("root/staging/killed").exists() && job.path("root/staging/at-work").exists());
    assert_eq!(job.entries("paths").len(), 1);
}

#[test]
fn session_that_nobody_saved_is_told() {
    let job = host();
    job.ok(&["restore", "--preset", "none", "--path", "out", "--key", "k"]);
    assert_eq!(check(&outcome(&job, 0, &[]), "sessions").0, "ok", "the job is not over");
    // The runner removes the job's temporary directory.
    files::empty(&job.path("temp"));
    for session in files::inside(&job.path("root/sessions")) {
        let before = SystemTime::now() - Duration::from_secs(120);
        File::options().write(true).open(session).unwrap().set_modified(before).unwrap();
    }
    let found = outcome(&job, 0, &[]);
    let [(severity, text, hint)] = &checks(&found, "sessions")[..] else { panic!("{found}") };
    assert!(severity == "warning" && text.starts_with("1 job was restored and never saved"), "{text}");
    assert!(hint.contains("runner-cache/save@v1"), "{hint}");
    let found = outcome(&job, 0, &["--fix"]);
    assert_eq!(found["fixed"], serde_json::json!(["removed what killed jobs left: 1 of 1 sessions"]));
    assert!(files::inside(&job.path("root/sessions")).is_empty());
}

#[test]
fn permission_bits_that_let_others_in_are_a_problem() {
    use std::os::unix::fs::PermissionsExt as _;
    let job = host();
    let set =
        |path: &str, mode| fs::set_permissions(job.path(path), fs::Permissions::from_mode(mode)).unwrap();
    let mode = |path: &str| fs::metadata(job.path(path)).unwrap().permissions().mode() & 0o7777;
    set("root/paths", 0o777);
    let found = outcome(&job, 1, &[]);
    let (severity, text) = check(&found, "modes");
    assert!(
        severity == "problem" && text.starts_with("wrong permission bits on 1 directory such as "),
        "{text}"
    );
    let found = outcome(&job, 0, &["--fix"]);
    assert_eq!((check(&found, "modes").0.as_str(), mode("root/paths")), ("ok", 0o700));
    // What others may have put there is not for a command to take over.
    set("root", 0o777);
    let found = outcome(&job, 1, &["--fix"]);
    let [(severity, text, hint)] = &checks(&found, "root")[..] else { panic!("{found}") };
    assert!(severity == "problem" && text.contains("any user can write to it (mode 777)"), "{text}");
    assert_eq!((hint.as_str(), mode("root")), ("chmod o-w", 0o777));
    assert!(checks(&found, "debris").is_empty(), "what cannot be looked at is not judged");
}

#[test]
fn entries_of_the_future_and_damaged_ones_are_told() {
    let job = host();
    fs::create_dir_all(job.path("root/quarantine/found")).unwrap();
    let ahead = SystemTime::now() + Duration::from_secs(2 * 24 * 3600);
    File::open(job.newest_entry("paths")).unwrap().set_modified(ahead).unwrap();
    let found = outcome(&job, 0, &["--fix"]);
    let (severity, text) = check(&found, "clock");
    assert!(severity == "warning" && text.starts_with("1 entry is of the future, up to 20"), "{text}");
    let (severity, text) = check(&found, "quarantine");
    assert!(severity == "warning" && text.starts_with("damaged: 1, the last one found 20"), "{text}");
    assert!(job.path("root/quarantine/found").exists(), "somebody may look at it");
}

#[test]
fn disk_with_less_than_min_free_is_a_problem() {
    let job = host();
    let said = job.run(&["doctor", "--json", "--min-free", "900TB"]);
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    let (severity, text) = check(&outcome["result"], "free-space");
    assert!(
        said.code == 1 && severity == "problem" && text.ends_with("less than 900 TB (`min-free`)"),
        "{text}"
    );
}

#[test]
fn policy_that_cannot_be_read_is_a_problem_and_hides_nothing_else() {
    let mut job = host();
    job.policy("max-sice: 1GB\n");
    let found = outcome(&job, 1, &[]);
    let (severity, text) = check(&found, "policy");
    assert!(severity == "problem" && text.starts_with("the host policy is wrong: "), "{text}");
    assert_eq!(check(&found, "root").0, "ok");
}

#[test]
fn runners_and_programs_of_other_versions_are_told() {
    let mut job = host();
    let runner = |version: &str| {
        let text = format!("{{\"libraries\": {{\"Runner.Listener/{version}\": {{}}}}}}");
        job.write("runner/bin/Runner.Listener.deps.json", &text);
    };
    job.write("runner/.runner", "{\"agentName\": \"one\", \"workFolder\": \"_work\"}");
    let directory = job.path("runner");
    let named = ["--runner-dir", directory.to_str().unwrap()];
    runner("2.336.0");
    let found = outcome(&job, 0, &named);
    assert!(check(&found, "runners").1.contains("one"), "{found}");
    assert_eq!(check(&found, "runner-version").0, "ok");
    assert_eq!(check(&found, "versions").0, "ok");
    runner("2.328.9");
    let (severity, text) = check(&outcome(&job, 1, &named), "runner-version");
    let told = "runner one has version 2.328.9; GitHub registers none below 2.329.0";
    assert_eq!((severity.as_str(), text.as_str()), ("problem", told));
    runner("2.329.0");
    job.write("runner/_work/_actions/o/runner-cache/v1/dist/release.json", "{ \"version\": \"98.7.6\" }");
    job.write("runner/_work/_tool/runner-cache/98.7.5/X64/runner-cache", "");
    files::write_executable(&job.path("bin/runner-cache"), "#!/bin/sh\necho runner-cache 0.0.1\n");
    let bin = job.path("bin").to_str().unwrap().to_owned();
    job.path_first(&bin);
    let (severity, text) = check(&outcome(&job, 0, &named), "versions");
    assert_eq!(severity, "warning");
    for told in
        ["98.7.6 in ", "/v1/dist", "98.7.5 in ", "/_tool/runner-cache", "0.0.1 in ", "/bin/runner-cache"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn runner_whose_hook_is_missing_is_a_problem() {
    let job = host();
    job.write("runner/.runner", "{\"agentName\": \"one\"}");
    job.write("runner/.env", "ACTIONS_RUNNER_HOOK_JOB_STARTED=/opt/gone.sh\n");
    let runner = job.path("runner");
    let found = outcome(&job, 1, &["--runner-dir", runner.to_str().unwrap()]);
    let told = checks(&found, "hooks");
    assert!(
        told.iter().any(|(severity, text, _)| severity == "problem" && text.contains("/opt/gone.sh")),
        "{told:?}"
    );
}

#[test]
fn hooks_whose_program_or_whose_next_hook_is_gone_are_a_problem() {
    let job = host();
    job.write("runner/.runner", "{\"agentName\": \"one\", \"workFolder\": \"_work\"}");
    job.write("next.sh", "exit 0\n");
    let env = format!("ACTIONS_RUNNER_HOOK_JOB_COMPLETED={}\n", job.path("next.sh").display());
    job.write("runner/.env", &env);
    fs::create_dir(job.path("bin")).unwrap();
    files::copy_program(Path::new(PROGRAM), &job.path("bin/program"));
    let [runner, lib, program] =
        ["runner", "lib", "bin/program"].map(|path| job.path(path).display().to_string());
    let places = ["--runner-dir", &runner];
    job.ok(&[&["hook", "install", "--hook-dir", &lib, "--program", &program], &places[..]].concat());
    let told = || checks(&outcome(&job, 1, &places), "hooks");
    job.remove("bin");
    assert!(told()[0].1.contains(&format!("no program {program}")), "{:?}", told());
    job.write("bin/program", "");
    fs::remove_file(job.path("next.sh")).unwrap();
    assert!(told()[0].1.contains("next.sh is missing"), "{:?}", told());
}

#[test]
fn bundle_has_what_a_report_needs_and_no_names_or_secrets() {
    let mut job = host();
    job.set("GITHUB_REPOSITORY", "acme/secret-project");
    job.set("USER", "runner");
    job.write("work/project/out/file", "of the other one");
    job.ok(&["save", "--preset", "none", "--path", "out", "--save", "always", "--key", "k-ghs_token12345"]);
    let user = rustix::process::geteuid().as_raw();
    let log = format!("{} o/r 3.1\nwarning: https://u:pass@example.org refused\n", jiff::Timestamp::now());
    job.write(&format!("root/logs/{user}/20261101T000000Z-00000000.log"), &log);
    job.policy("max-size: 7GB\nrepositories: [acme/*, o/r]\n");
    let said = run(&job, &["--bundle", job.path("bundle.md").to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.log.contains("bundle.md: read it before you send it"), "{said:?}");
    let text = job.read("bundle.md");
    for part in [
        concat!("runner-cache ", env!("CARGO_PKG_VERSION")),
        "\nkernel ",
        "ok       2 entries in",
        "max-size: 7GB",
        "hit rate",
        "repository-1",
        "warning: https://***@example.org refused",
        "runner-cache doctor",
        "trouble after jobs, 1 time",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let home = job.path("home").display().to_string();
    for secret in ["acme", "secret-project", "ghs_token", "u:pass", &home] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let mode = fs::metadata(job.path("bundle.md")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = run(&job, &["--bundle", job.path("absent/bundle.md").to_str().unwrap()]);
    assert!(said.code == 1 && said.log.contains("absent"), "{said:?}");
}
