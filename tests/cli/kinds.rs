//! Whatever a cargo workspace is, what one job built the next one does not compile again, in a fresh checkout.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use test_support::{Job, Said};

use crate::PROGRAM;

/// Files of a checkout, below the host's directory.
#[derive(Default)]
struct Checkout(Vec<(String, String)>);

impl Checkout {
    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.push((path.to_owned(), text.to_owned()));
        self
    }

    /// With a package that prints its name. `more` is of its manifest.
    fn with_package(self, directory: &str, name: &str, more: &str) -> Self {
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{more}");
        self.with(&format!("{directory}/Cargo.toml"), &manifest)
            .with(&format!("{directory}/src/lib.rs"), &format!("pub const NAME: &str = \"{name}\";\n"))
            .with(
                &format!("{directory}/src/main.rs"),
                &format!("fn main() {{ println!(\"{{}}\", {name}::NAME) }}\n"),
            )
    }

    /// With the lock files that cargo makes in `directories`.
    fn locked(mut self, job: &Job, directories: &[&str]) -> Self {
        self.lay_out(job);
        for directory in directories {
            job.sh(&format!("cd '{}'; cargo generate-lockfile -q --offline", job.path(directory).display()));
            let lock = format!("{directory}/Cargo.lock");
            let text = job.read(&lock);
            self.0.push((lock, text));
        }
        self
    }

    /// Lays the files out anew, as a checkout does.
    fn lay_out(&self, job: &Job) {
        if job.path("work").exists() {
            job.remove("work");
        }
        for (path, text) in &self.0 {
            job.write(path, text);
        }
    }
}

/// A job that restores nothing, builds, and saves.
fn first_job(job: &Job, checkout: &Checkout, inputs: &[&str], builds: &str) -> Said {
    checkout.lay_out(job);
    let said = job.ok(&[&["restore"], inputs].concat());
    assert_eq!(said.outputs["target-hit"], "miss", "{}", said.log);
    assert!(job.sh(builds).contains("Compiling"));
    let said = job.ok(&["save"]);
    assert!(said.log.contains("target  saved"), "{}", said.log);
    said
}

/// A job after it in a fresh checkout, on a host on which the directories `gone` are gone: it restores all, and compiles
/// nothing.
fn second_job(job: &Job, checkout: &Checkout, inputs: &[&str], builds: &str, gone: &[&str]) -> Said {
    job.wipe();
    for directory in gone {
        job.remove(directory);
    }
    checkout.lay_out(job);
    let said = job.ok(&[&["restore"], inputs].concat());
    assert_eq!(said.outputs["target-hit"], "exact", "{}", said.log);
    let log = job.sh(builds);
    assert!(!log.contains("Compiling") && log.contains("Finished"), "{log}");
    let saved = job.ok(&["save"]);
    assert!(saved.log.contains("target  skipped  nothing changed"), "{}", saved.log);
    said
}

fn assert_compiled_once(job: &Job, checkout: &Checkout, inputs: &[&str], builds: &str, gone: &[&str]) {
    first_job(job, checkout, inputs, builds);
    second_job(job, checkout, inputs, builds, gone);
}

/// The host's own triple, for which no second standard library is needed.
fn triple(job: &Job) -> String {
    let version = job.sh("rustc -vV 1>&2");
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

#[test]
fn virtual_workspace_members_compile_once() {
    let job = Job::new(PROGRAM);
    let checkout = Checkout::default()
        .with("work/project/Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n")
        .with_package("work/project/crates/one", "one", "[dependencies]\ntwo.path = \"../two\"\n")
        .with_package("work/project/crates/two", "two", "")
        .with("work/project/crates/two/build.rs", "fn main() {}\n")
        .locked(&job, &["work/project"]);
    assert_compiled_once(&job, &checkout, &[], "cargo build --offline", &[]);
    assert_eq!(job.sh("target/debug/one 1>&2; target/debug/two 1>&2"), "one\ntwo\n");
}

#[test]
fn workspaces_with_their_own_targets_compile_once() {
    let job = Job::new(PROGRAM);
    let checkout = Checkout::default()
        .with_package("work/project/one", "one", "")
        .with_package("work/project/two", "two", "")
        .locked(&job, &["work/project/one", "work/project/two"]);
    let builds = "(cd one; cargo build --offline); cd two; cargo build --offline --target-dir out";
    let inputs = ["--workspaces", "one\ntwo -> out"];
    assert_compiled_once(&job, &checkout, &inputs, builds, &[]);
    assert_eq!(job.sh("one/target/debug/one 1>&2; two/out/debug/two 1>&2"), "one\ntwo\n");
}

#[test]
fn workspaces_sharing_an_outside_target_compile_once() {
    let mut job = Job::new(PROGRAM);
    job.set("CARGO_TARGET_DIR", job.path("elsewhere/target").display());
    let checkout = Checkout::default()
        .with_package("work/project/one", "one", "")
        .with_package("work/project/two", "two", "")
        .locked(&job, &["work/project/one", "work/project/two"]);
    let builds = "(cd one; cargo build --offline); cd two; cargo build --offline";
    assert_compiled_once(&job, &checkout, &["--workspaces", "one\ntwo"], builds, &["elsewhere"]);
    assert_eq!(job.sh("$CARGO_TARGET_DIR/debug/one 1>&2; $CARGO_TARGET_DIR/debug/two 1>&2"), "one\ntwo\n");
}

#[test]
fn target_on_another_disk_needs_its_path_not_a_symlink_of_the_checkout() {
    let job = Job::new(PROGRAM);
    let checkout =
        Checkout::default().with_package("work/project", "small", "").locked(&job, &["work/project"]);
    let build = "mkdir -p ../../disk; ln -sfn ../../disk target; cargo build --offline";
    let named = ["--workspaces", ". -> ../../disk"];
    first_job(&job, &checkout, &named, build);
    job.wipe();
    job.remove("disk");
    checkout.lay_out(&job);
    job.sh("mkdir ../../disk; touch ../../disk/of-others; ln -s ../../disk target");
    let said = job.run(&["restore", "--no-session"]);
    let told = format!("target points out of the checkout, to {}", job.path("disk").display());
    assert!(said.code == 0 && said.log.contains(&told), "{said:?}");
    assert_eq!(
        (&*said.outputs["target-hit"], said.log.matches("::warning").count()),
        ("miss", 1),
        "{said:?}"
    );
    assert_eq!(job.sh("ls ../../disk 1>&2"), "of-others\n");
    job.sh("rm ../../disk/of-others");
    assert_eq!(job.ok(&[&["restore"][..], &named].concat()).outputs["target-hit"], "exact");
    assert!(!job.sh("cargo build --offline").contains("Compiling"));
    assert!(job.path("disk/debug/small").is_file() && job.path("work/project/target").is_symlink());
}

#[test]
fn nested_workspace_and_its_excluded_package_compile_once() {
    let job = Job::new(PROGRAM);
    let checkout = Checkout::default()
        .with("work/project/.cargo/config.toml", "[build]\ntarget-dir = \"out/all\"\n")
        .with_package("work/project/rust", "one", "[workspace]\nexclude = [\"fuzz\"]\n")
        .with_package("work/project/rust/fuzz", "two", "[dependencies]\none.path = \"..\"\n")
        .locked(&job, &["work/project/rust", "work/project/rust/fuzz"]);
    let builds = "cd rust; cargo build --offline; cd fuzz; cargo build --offline --target-dir target";
    let inputs = ["--workspaces", "rust\nrust/fuzz -> target"];
    assert_compiled_once(&job, &checkout, &inputs, builds, &[]);
    assert_eq!(job.sh("out/all/debug/one 1>&2; rust/fuzz/target/debug/two 1>&2"), "one\ntwo\n");

    let key = || {
        job.ok(&["restore", "--no-session", "--lookup-only", "--workspaces", "rust"]).outputs["cache-key"]
            .clone()
    };
    let before = key();
    job.write(
        "work/project/.cargo/config.toml",
        "[build]\ntarget-dir = \"out/all\"\nrustflags = [\"-Cdebuginfo=0\"]\n",
    );
    assert_ne!(key(), before, "configuration above a workspace is in the key");
}

#[test]
fn build_dir_is_cached_wherever_it_is() {
    let configured: [(&str, &str); 6] = [
        ("build-dir = \"intermediate\"", ""),
        ("build-dir = \"{cargo-cache-home}/build/{workspace-path-hash}\"", ""),
        ("", "elsewhere/{workspace-path-hash}/b"),
        // One within the other.
        ("build-dir = \"target/intermediate\"", ""),
        ("build-dir = \"{workspace-root}/all\"\ntarget-dir = \"all/final\"", ""),
        ("build-dir = \"target\"", ""),
    ];
    for (config, variable) in configured {
        let mut job = Job::new(PROGRAM);
        if !variable.is_empty() {
            job.set("CARGO_BUILD_BUILD_DIR", job.path(variable).display());
        }
        let checkout = Checkout::default()
            .with("work/project/.cargo/config.toml", &format!("[build]\n{config}\n"))
            .with_package("work/project", "small", "")
            // One that names nothing watches the whole package, in which intermediate files may be.
            .with("work/project/build.rs", "fn main() { println!(\"cargo:rerun-if-changed=build.rs\") }\n")
            .locked(&job, &["work/project"]);
        let builds = format!("cargo build --offline; cargo build --offline --target {}", triple(&job));
        first_job(&job, &checkout, &[], &builds);
        job.sh("mkdir -p $HOME/.cargo ../../elsewhere");
        second_job(&job, &checkout, &[], &builds, &["home", "elsewhere"]);
        let program =
            if config.contains("all/final") { "all/final/debug/small" } else { "target/debug/small" };
        assert_eq!(job.sh(&format!("{program} 1>&2")), "small\n", "{config}");
    }
}

#[test]
fn build_dir_in_an_isolated_cargo_home_is_cached() {
    let mut job = Job::new(PROGRAM);
    job.write(
        "home/.cargo/config.toml",
        "[build]\nbuild-dir = \"{cargo-cache-home}/build/{workspace-path-hash}\"\n",
    );
    let checkout =
        Checkout::default().with_package("work/project", "small", "").locked(&job, &["work/project"]);
    let inputs = ["--isolate-cargo-home"];
    // The runner sets the variable for the steps after the restore.
    let builds = "export CARGO_HOME=$RUNNER_TEMP/cargo-home; cargo build --offline";
    assert_compiled_once(&job, &checkout, &inputs, builds, &[]);
    let key = |job: &Job| {
        job.ok(&["restore", "--no-session", "--lookup-only", "--isolate-cargo-home"]).outputs["cache-key"]
            .clone()
    };
    let before = key(&job);
    job.set("CARGO_HOME", job.path("temp/cargo-home").display());
    assert_eq!(key(&job), before, "a later restore of the job looks for the same");
    job.write("home/.cargo/config.toml", "[build]\nrustflags = [\"-Cdebuginfo=0\"]\n");
    assert_ne!(key(&job), before, "the user's configuration is in the key");
}

#[test]
fn stripping_with_a_separate_build_dir_changes_no_entry() {
    let job = Job::new(PROGRAM);
    let checkout = Checkout::default()
        .with("work/project/.cargo/config.toml", "[build]\nbuild-dir = \"intermediate\"\n")
        .with_package("work/project", "small", "")
        .locked(&job, &["work/project"]);
    let inputs = ["--link-mode", "hardlink"];
    let build = "cargo build --offline";
    first_job(&job, &checkout, &inputs, build);
    let entry = job.entries("target").remove(0);
    let sums = || {
        let find = "find tree -type f -exec sha256sum {} +; find tree -printf '%p %s %T@ %m\\n'";
        job.sh(&format!("cd {}; ({find}) | sort 1>&2", entry.display()))
    };
    let before = sums();
    job.sh("strip target/debug/small");
    assert_eq!(sums(), before);
    second_job(&job, &checkout, &inputs, build, &[]);
    let files = job.made_of_units("work/project/intermediate/debug");
    let rmeta = files.iter().find(|path| path.extension().is_some_and(|ending| ending == "rmeta"));
    assert!(rmeta.unwrap().metadata().unwrap().nlink() > 1, "the test is about something");
    job.sh("strip target/debug/small; target/debug/small");
    assert_eq!(sums(), before);
}

#[test]
fn every_triple_and_profile_is_cached() {
    let job = Job::new(PROGRAM);
    let checkout = Checkout::default()
        .with_package("work/project", "small", "[profile.shipping]\ninherits = \"release\"\n")
        .with("work/project/build.rs", "fn main() {}\n")
        .with("work/project/tests/works.rs", "#[test]\nfn works() {}\n")
        .locked(&job, &["work/project"]);
    let triple = triple(&job);
    let builds = format!(
        "cargo build --offline --target {triple}; cargo build --offline --profile shipping; \
         cargo build --offline --release --target {triple}; cargo test --no-run --offline --profile shipping"
    );
    assert_compiled_once(&job, &checkout, &[], &builds, &[]);
    for program in [&*format!("{triple}/debug"), "shipping", &format!("{triple}/release")] {
        assert_eq!(job.sh(&format!("target/{program}/small 1>&2")), "small\n");
    }

    let job = Job::new(PROGRAM);
    let configured =
        checkout.with("work/project/.cargo/config.toml", &format!("[build]\ntarget = \"{triple}\"\n"));
    assert_compiled_once(&job, &configured, &[], "cargo build --offline", &[]);
    assert_eq!(job.sh(&format!("target/{triple}/debug/small 1>&2")), "small\n");
}

#[test]
fn workspace_without_a_lock_file_compiles_once() {
    let job = Job::new(PROGRAM);
    let checkout = Checkout::default()
        .with_package(
            "work/project",
            "one",
            "[workspace]\nmembers = [\"two\"]\n[dependencies]\ntwo.path = \"two\"\n",
        )
        .with_package("work/project/two", "two", "");
    assert_compiled_once(&job, &checkout, &[], "cargo build --offline", &[]);
    assert!(job.path("work/project/Cargo.lock").is_file(), "cargo has made it");
}

#[test]
fn paths_may_have_spaces_and_unicode() {
    let mut job = Job::new(PROGRAM);
    let project = "work/Größe und Maß/日本 [x] {y}";
    job.move_to(project);
    let checkout = Checkout::default()
        .with(&format!("{project}/Cargo.toml"), "[workspace]\nresolver = \"2\"\nmembers = [\"a b/größe\"]\n")
        .with_package(
            &format!("{project}/a b/größe"),
            "one",
            "[dependencies]\ntwo.path = \"../../../an other\"\n",
        )
        .with_package("work/Größe und Maß/an other", "two", "")
        .with(&format!("{project}/.cargo/config.toml"), "[build]\ntarget-dir = \"ziel ordner\"\n")
        .locked(&job, &[project]);
    assert_compiled_once(&job, &checkout, &["--workspaces", "a b/größe"], "cargo build --offline", &[]);
    assert_eq!(job.sh("'ziel ordner/debug/one' 1>&2"), "one\n");
}

#[test]
fn package_named_only_in_cargo_config_is_a_source() {
    let job = Job::new(PROGRAM);
    let origin = job.path("origin");
    Checkout::default()
        .with_package("origin", "other", "")
        .0
        .iter()
        .for_each(|(path, text)| job.write(path, text));
    job.sh(&format!(
        "cd {}; git init -q; git add -A; git -c user.name=n -c user.email=e commit -qm c",
        origin.display()
    ));
    let url = format!("file://{}", origin.display());
    let checkout = Checkout::default()
        .with(
            "work/project/.cargo/config.toml",
            &format!("[patch.\"{url}\"]\nother = {{ path = \"../other\" }}\n"),
        )
        .with_package("work/other", "other", "")
        .with_package("work/project", "small", &format!("[dependencies]\nother = {{ git = \"{url}\" }}\n"))
        .with("work/project/src/main.rs", "fn main() { println!(\"{}\", other::NAME) }\n");
    checkout.lay_out(&job);
    job.sh("cargo generate-lockfile -q");
    let checkout = checkout.locked(&job, &["work/project"]);
    assert_compiled_once(&job, &checkout, &[], "cargo build --offline", &[]);

    // Of a sibling that stays on the runner, a change may look older than the entry.
    job.wipe();
    let source = job.path("work/other/src/lib.rs");
    fs::write(&source, "pub const NAME: &str = \"changed\";\n").unwrap();
    let past = SystemTime::now() - Duration::from_secs(3600);
    File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_times(FileTimes::new().set_modified(past))
        .unwrap();
    job.ok(&["restore", "--no-session"]);
    assert_eq!(job.sh("cargo build -q --offline; target/debug/small 1>&2"), "changed\n");
}
