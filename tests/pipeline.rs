//! The steps of restores and saves over a temporary store, without a process of their own: what outcomes hold, layer by layer.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use runner_cache::cargo::Misfit;
use runner_cache::cli;
use runner_cache::commands::execute;
use runner_cache::github::Environment;
use runner_cache::job::Job;
use runner_cache::outcome::{
    Code, Done, Hit, LackingTool, LayerRestore, LayerSave, Miss, NotOwn, NotSaved, Saved, UnknownOutputs,
};
use runner_cache::plan::HostPolicy;
use runner_cache::store::Layer;
use runner_cache::sys::{Interrupt, sha256_hex};
use serde_json::json;
use tempfile::TempDir;

/// A process that starts another one gives it, until that is another program, what it has locked: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// A host with a workspace.
struct Host {
    place: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Host {
    fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let host = Self { place: tempfile::tempdir().unwrap(), _alone: alone };
        for directory in ["home", "temp", "work"] {
            std::fs::create_dir(host.path(directory)).unwrap();
        }
        host.write("event.json", r#"{"repository": {"default_branch": "main"}}"#);
        host.write("work/data/file", "12345");
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_dir_all(self.path(path)).unwrap();
    }

    /// A job of the branch `main`, where `more` says nothing else.
    fn job(&self, more: &[(&str, &str)]) -> Job {
        let text = |path: &str| self.path(path).to_str().unwrap().to_owned();
        let variables = [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_WORKSPACE", text("work")),
            ("GITHUB_EVENT_PATH", text("event.json")),
            ("GITHUB_EVENT_NAME", "push".to_owned()),
            ("GITHUB_REPOSITORY", "o/r".to_owned()),
            ("GITHUB_REF", "refs/heads/main".to_owned()),
            ("GITHUB_JOB", "build".to_owned()),
            ("RUNNER_TEMP", text("temp")),
            ("RUNNER_CACHE_ROOT", text("root")),
            ("HOME", text("home")),
            ("PATH", std::env::var("PATH").unwrap()),
            ("RUSTUP_HOME", rustup_home()),
        ];
        let variables = variables.iter().map(|(name, value)| (*name, value.as_str()));
        let env: Environment = variables.chain(more.iter().copied()).collect();
        let mut job = Job::new(env, Ok(HostPolicy::default()), Interrupt::default(), Instant::now());
        // The test's own process is no program that flushes.
        job.program = PathBuf::from("/bin/true");
        job
    }
}

/// Where the toolchains are, whose home is not the job's.
fn rustup_home() -> String {
    let of_user = || format!("{}/.rustup", std::env::var("HOME").unwrap());
    std::env::var("RUSTUP_HOME").unwrap_or_else(|_| of_user())
}

fn run(job: &Job, command: &str, args: &[&str]) -> Done {
    let args = ["runner-cache", command].iter().chain(args).map(OsString::from).collect::<Vec<_>>();
    let cli =
        cli::parse(&args, &job.env, &job.policy).unwrap_or_else(|refused| panic!("{}", refused.explain()));
    execute(cli, job).done.expect("it can begin")
}

/// A job that has restored.
struct Step {
    job: Job,
    layer: LayerRestore,
}

fn restore(job: Job, args: &[&str]) -> Step {
    let Done::Restore(mut outcome) = run(&job, "restore", args) else { panic!("another command") };
    let layer = outcome.layers.remove(0);
    Step { job, layer }
}

impl Step {
    /// The job's save, after a job that ended so.
    fn save(self, status: &str) -> LayerSave {
        let Done::Save(mut saved) = run(&self.job, "save", &["--job-status", status]) else {
            panic!("another command")
        };
        // Those of jobs before were never saved.
        saved.pop().unwrap().layers.remove(0)
    }

    fn codes(&self) -> Vec<Code> {
        self.job.warnings().iter().map(|warning| warning.code).collect()
    }
}

fn paths<'a>(key: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--preset", "none", "--path", "data", "--key", key], more].concat()
}

fn is_entry(saved: &LayerSave) -> bool {
    matches!(saved.saved, Saved::Entry { .. })
}

fn not_saved(saved: LayerSave) -> NotSaved {
    match saved.saved {
        Saved::Not { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_miss_is_saved_and_the_next_job_hits_exactly() {
    let host = Host::new();
    let first = restore(host.job(&[]), &paths("k", &[]));
    assert_eq!((first.layer.hit, &first.layer.reason), (Hit::Miss, &Some(Miss::NoEntry)));
    assert!(is_entry(&first.save("success")));
    host.remove("work/data");
    let second = restore(host.job(&[]), &paths("k", &[]));
    let layer = &second.layer;
    let stats = layer.transfer.as_ref().unwrap().stats;
    assert_eq!((layer.layer, layer.hit, &layer.reason), (Layer::Paths, Hit::Exact, &None));
    assert_eq!((stats.files, stats.bytes), (1, 5));
    assert_eq!(std::fs::read_to_string(host.path("work/data/file")).unwrap(), "12345");
    assert_eq!(not_saved(second.save("success")), NotSaved::Settled);
}

#[test]
fn a_restore_key_is_a_partial_hit_of_the_entry_that_it_names() {
    let host = Host::new();
    restore(host.job(&[]), &paths("k-1", &[])).save("success");
    let step = restore(host.job(&[]), &paths("k-2", &["--restore-keys", "k-"]));
    let matched = step.layer.matched.clone().unwrap();
    assert_eq!(
        (step.layer.hit, &*matched.key, &*matched.reference),
        (Hit::Partial, "k-1", "refs/heads/main")
    );
    assert_eq!(matched.lane, None, "it is the job's own");
    assert!(is_entry(&step.save("success")), "the key of a partial hit is new");
}

#[test]
fn an_entry_of_other_paths_is_told() {
    let host = Host::new();
    restore(host.job(&[]), &paths("k", &[])).save("success");
    host.write("work/other/file", "1");
    let step = restore(host.job(&[]), &["--preset", "none", "--path", "other", "--key", "k"]);
    let reason = Some(Miss::OtherPaths { reference: "refs/heads/main".to_owned() });
    assert_eq!((step.layer.hit, &step.layer.reason), (Hit::Miss, &reason));
}

#[test]
fn a_lookup_brings_nothing() {
    let host = Host::new();
    restore(host.job(&[]), &paths("k", &[])).save("success");
    host.remove("work/data");
    let step = restore(host.job(&[]), &paths("k", &["--lookup-only"]));
    assert_eq!((step.layer.hit, &step.layer.transfer), (Hit::Exact, &None));
    assert!(!host.path("work/data").exists());
}

#[test]
fn a_damaged_entry_is_a_miss_and_one_warning() {
    let host = Host::new();
    restore(host.job(&[]), &paths("k", &[])).save("success");
    for manifest in manifests(&host.path("root/paths")) {
        std::fs::write(manifest, "none").unwrap();
    }
    let step = restore(host.job(&[]), &paths("k", &[]));
    assert_eq!((step.layer.hit, step.codes()), (Hit::Miss, vec![Code::Damaged]));
    assert_eq!(manifests(&host.path("root/paths")), <[PathBuf; 0]>::default());
}

fn manifests(below: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let own = files.into_iter().filter(|path| path.ends_with("manifest"));
    own.chain(directories.iter().flat_map(|directory| manifests(directory))).collect()
}

#[test]
fn a_job_that_only_reads_saves_nothing() {
    let host = Host::new();
    let step = restore(host.job(&[("GITHUB_EVENT_NAME", "issue_comment")]), &paths("k", &[]));
    assert!(matches!(not_saved(step.save("success")), NotSaved::ReadOnly(_)));
}

#[test]
fn only_a_job_that_succeeded_makes_a_key_final() {
    let host = Host::new();
    let cancelled = restore(host.job(&[]), &paths("k", &[]));
    assert_eq!(not_saved(cancelled.save("cancelled")), NotSaved::Cancelled);
    assert!(is_entry(&restore(host.job(&[]), &paths("k", &[])).save("failure")));
    let completing = restore(host.job(&[]), &paths("k", &[]));
    assert_eq!((completing.layer.hit, &completing.layer.reason), (Hit::Partial, &Some(Miss::Partial)));
    assert!(is_entry(&completing.save("success")));
    let failing = restore(host.job(&[]), &paths("k", &[]));
    assert_eq!(failing.layer.hit, Hit::Exact);
    assert_eq!(not_saved(failing.save("failure")), NotSaved::Settled);
}

#[test]
fn nothing_there_is_nothing_saved() {
    let host = Host::new();
    host.remove("work/data");
    let step = restore(host.job(&[]), &paths("k", &[]));
    assert_eq!(not_saved(step.save("success")), NotSaved::Nothing(vec![host.path("work/data")]));
}

#[test]
fn a_branch_reads_the_default_branch_and_not_another_one() {
    let host = Host::new();
    let of = |reference| host.job(&[("GITHUB_REF", reference)]);
    restore(of("refs/heads/one"), &paths("k", &[])).save("success");
    assert_eq!(restore(of("refs/heads/other"), &paths("k", &[])).layer.hit, Hit::Miss);
    restore(of("refs/heads/main"), &paths("k", &[])).save("success");
    let step = restore(of("refs/heads/other"), &paths("k", &[]));
    assert_eq!(step.layer.matched.as_ref().unwrap().reference, "refs/heads/main");
}

/// A commit with a build output that is not written yet.
fn with_output() -> (Host, Vec<&'static str>) {
    let host = Host::new();
    host.write("work/.gitignore", "out\ndata\n");
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let done =
            Command::new("git").args(identity).args(args).current_dir(host.path("work")).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "one"]);
    (host, vec!["--preset", "none", "--builds", "out"])
}

#[test]
fn outputs_that_the_job_did_not_write_are_not_kept() {
    let (host, args) = with_output();
    host.write("work/out/program", "of an earlier commit");
    let step = restore(host.job(&[]), &args);
    assert_eq!(step.layer.layer, Layer::Builds);
    let not_own = NotOwn::Unwritten { files: 1, first: vec!["out/program".into()] };
    let outputs = UnknownOutputs { absent: Vec::new(), not_own: Some(not_own) };
    assert_eq!(not_saved(step.save("success")), NotSaved::Outputs(outputs));
}

#[test]
fn outputs_that_the_job_wrote_are_an_exact_hit_of_their_commit() {
    let (host, args) = with_output();
    let step = restore(host.job(&[]), &args);
    host.write("work/out/program", "of this commit");
    assert!(is_entry(&step.save("success")));
    host.remove("work/out");
    assert_eq!(restore(host.job(&[]), &args).layer.hit, Hit::Exact);
    let failing = restore(host.job(&[]), &args);
    assert_eq!(not_saved(failing.save("failure")), NotSaved::OutputsOfFailure);
}

#[test]
fn a_target_directory_comes_back_with_its_sources_unchanged() {
    let host = Host::new();
    host.write("work/Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    host.write("work/src/lib.rs", "");
    let cargo = |args: &[&str]| {
        let done = Command::new("cargo")
            .args(args)
            .current_dir(host.path("work"))
            .env_remove("CARGO_TARGET_DIR")
            .output();
        let done = done.unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    cargo(&["generate-lockfile", "--offline"]);
    let args = ["--layers", "target", "--preset", "cargo"];
    let step = restore(host.job(&[]), &args);
    assert_eq!((step.layer.layer, step.layer.hit), (Layer::Target, Hit::Miss));
    cargo(&["build", "--offline", "--quiet"]);
    assert!(is_entry(&step.save("success")));
    host.remove("work/target");
    let step = restore(host.job(&[]), &args);
    let sources = step.layer.transfer.as_ref().unwrap().sources.unwrap();
    assert_eq!((step.layer.hit, sources.changed), (Hit::Exact, 0));
    assert_eq!(not_saved(step.save("success")), NotSaved::Unchanged);
    host.write("work/src/lib.rs", "pub fn f() {}");
    let step = restore(host.job(&[]), &args);
    assert_eq!(step.layer.transfer.as_ref().unwrap().sources.unwrap().changed, 1);
}

/// Where cargo keeps the crates of crates.io.
const CRATES: &str = "home/.cargo/registry/cache/index.crates.io-1949cf8c6b5b557f";

#[test]
fn of_a_cargo_home_what_the_lock_file_names_comes_back() {
    let host = Host::new();
    host.write("work/Cargo.toml", "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    host.write("work/src/lib.rs", "");
    let package = |name: &str, sum: &str| {
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        let sum = sha256_hex(sum.as_bytes());
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{source}\"\nchecksum = \"{sum}\"\n"
        )
    };
    host.write(
        "work/Cargo.lock",
        &["version = 4\n".to_owned(), package("a", "a"), package("b", "b")].join("\n"),
    );
    let args = ["--layers", "cargo", "--preset", "cargo"];
    let step = restore(host.job(&[]), &args);
    assert_eq!((step.layer.layer, step.layer.hit), (Layer::Cargo, Hit::Miss));
    // The download that another job's lock file names, and one that is not what this one's says.
    for (name, text) in [("a", "a"), ("b", "something else"), ("c", "c")] {
        host.write(&format!("{CRATES}/{name}-1.0.0.crate"), text);
    }
    let Saved::Entry { stats, .. } = step.save("success").saved else { panic!("it is not saved") };
    assert_eq!(stats.files, 1);
    host.remove("home/.cargo/registry");
    let step = restore(host.job(&[]), &args);
    assert_eq!((step.layer.hit, step.codes()), (Hit::Exact, Vec::new()));
    let there = std::fs::read_dir(host.path(CRATES)).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(there.collect::<Vec<_>>(), ["a-1.0.0.crate"]);
    assert_eq!(not_saved(step.save("failure")), NotSaved::Unchanged);
}

/// Installs the version `version` of the tool `one`, as cargo does.
fn install(host: &Host, version: &str) {
    let package = format!("one {version} (registry+https://github.com/rust-lang/crates.io-index)");
    host.write("home/.cargo/.crates.toml", &format!("[v1]\n\"{package}\" = [\"one\"]\n"));
    host.write("home/.cargo/.crates2.json", &json!({"installs": {package: {"bins": ["one"]}}}).to_string());
    host.write("home/.cargo/bin/one", version);
}

#[test]
fn a_tool_comes_back_with_its_record_or_its_reason_is_told() {
    let host = Host::new();
    let args = |tools| ["--preset", "none", "--cargo-bins", tools];
    let step = restore(host.job(&[]), &args("one"));
    assert_eq!((step.layer.layer, step.layer.hit), (Layer::Bins, Hit::Miss));
    install(&host, "1.0.0");
    assert!(is_entry(&step.save("success")));
    host.remove("home/.cargo");
    let step = restore(host.job(&[]), &args("one"));
    assert_eq!(step.layer.hit, Hit::Exact);
    assert_eq!(std::fs::read_to_string(host.path("home/.cargo/bin/one")).unwrap(), "1.0.0");
    assert!(std::fs::read_to_string(host.path("home/.cargo/.crates.toml")).unwrap().contains("one 1.0.0"));
    assert_eq!(not_saved(step.save("success")), NotSaved::Unchanged);

    install(&host, "2.0.0");
    let step = restore(host.job(&[]), &args("one@1.0.0, absent"));
    let lacking = |tool: &str, why| LackingTool { tool: tool.to_owned(), why };
    let all =
        [lacking("absent", Misfit::NotOffered), lacking("one@1.0.0", Misfit::Noted("one 2.0.0".to_owned()))];
    assert_eq!((step.layer.hit, &*step.layer.transfer.as_ref().unwrap().lacking), (Hit::Partial, &all[..]));
    assert_eq!(std::fs::read_to_string(host.path("home/.cargo/bin/one")).unwrap(), "2.0.0");
}
