//! `explain --last-build`: what was compiled although the target directory came from the cache, and why.

use std::fs;

use test_support::{Job, Said};

use crate::PROGRAM;

const BUILD: &str = "cargo build -q --offline";

/// Lets the project be a workspace of packages that become stale in different ways.
fn workspace(job: &Job) {
    let package = |name: &str, more: &str| {
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{more}");
        job.write(&format!("work/project/{name}/Cargo.toml"), &manifest);
    };
    job.write("work/project/Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\"]\n");
    package(
        "app",
        "[features]\nmore = [\"the-leaf/extra\"]\n[dependencies]\nthe-leaf.path = \"../the-leaf\"\n\
         script.path = \"../script\"\nwhole.path = \"../whole\"\n",
    );
    let main = "fn main() { println!(\"{}{}\", the_leaf::part::NAME, include_str!(\"../../note.txt\")) }\n";
    job.write("work/project/app/src/main.rs", main);
    job.write("work/project/app/tests/works.rs", "#[test]\nfn works() {}\n");
    job.write("work/project/note.txt", "a note");
    package("the-leaf", "[lib]\ncrate-type = [\"lib\", \"cdylib\"]\n[features]\nextra = []\n");
    let leaf = "pub mod part;\npub const GREETING: Option<&str> = option_env!(\"GREETING\");\n";
    job.write("work/project/the-leaf/src/lib.rs", leaf);
    job.write("work/project/the-leaf/src/part.rs", "pub const NAME: &str = \"one\";\n");
    package("script", "");
    let tells = "println!(\"cargo:rerun-if-env-changed=FLAVOUR\\ncargo:rerun-if-changed=data\");";
    job.write("work/project/script/build.rs", &format!("fn main() {{ {tells} }}\n"));
    job.write("work/project/script/data/deep/a.txt", "a");
    job.write("work/project/script/src/lib.rs", "");
    package("whole", "");
    // Cargo watches all files of a package whose script tells nothing.
    job.write("work/project/whole/build.rs", "fn main() {}\n");
    job.write("work/project/whole/table.txt", "a");
    job.write("work/project/whole/src/lib.rs", "");
    job.sh("rm -rf src Cargo.lock; cargo generate-lockfile -q --offline");
}

/// A job that saves what `build` makes, up to the moment in which the next job has its checkout.
fn first_job(job: &Job, build: &str) {
    job.ok(&["restore"]);
    job.sh(build);
    job.ok(&["save"]);
    job.wipe();
}

/// What is told of a job that restores and builds.
fn told_after(job: &Job, build: &str) -> String {
    job.ok(&["restore"]);
    job.sh(build);
    told(job)
}

fn told(job: &Job) -> String {
    let Said { stdout, .. } = job.ok(&["explain", "--last-build"]);
    stdout
}

/// A whole workspace after its first job.
fn saved_workspace() -> Job {
    let job = Job::new(PROGRAM);
    workspace(&job);
    first_job(&job, BUILD);
    job
}

#[track_caller]
fn assert_tells(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

const BEFORE: &str = "); its units are from this job or earlier";
const NEWER: &str = "  source newer than its unit, or missing\n    ";
const FOLLOWS: &str = "  dependency compiled or changed\n    ";

#[test]
fn explain_last_build_says_why_nothing_is_known() {
    let job = Job::new(PROGRAM);
    assert_tells(&told(&job), &["no restore in this job"]);
    job.ok(&["restore", "--layers", "cargo"]);
    assert_tells(&told(&job), &["this job restored no target directory"]);
    job.wipe();
    job.ok(&["restore"]);
    assert_tells(&told(&job), &["target: no directory "]);
    job.sh(BUILD);
    assert_tells(&told(&job), &["target: nothing restored (key target-", BEFORE]);
    job.ok(&["save"]);
    assert_tells(&told(&job), &["this job was already saved"]);
    job.wipe();
    job.ok(&["restore", "--lookup-only"]);
    assert_tells(&told(&job), &["target: no directory "]);
    job.sh("mkdir target");
    assert_tells(&told(&job), &["target: nothing restored (key target-", BEFORE]);
    job.ok(&["restore"]);
    fs::remove_dir_all(&job.entries("target")[0]).unwrap();
    assert_tells(&told(&job), &["target: cannot tell what was compiled: cannot read the entry"]);
}

#[test]
fn explain_last_build_reports_an_up_to_date_build() {
    let job = saved_workspace();
    let text = told_after(&job, BUILD);
    assert_tells(&text, &["target: nothing compiled after restoring target-", "refs/heads/main): all"]);
    job.remove("work/project/target");
    assert_tells(&told(&job), &["target: no directory "]);
}

#[test]
fn explain_last_build_names_a_changed_source_and_its_dependents() {
    let job = saved_workspace();
    job.write("work/project/the-leaf/src/part.rs", "pub const NAME: &str = \"two\";\n");
    let text = told_after(&job, BUILD);
    assert_tells(
        &text,
        &[
            "target: 2 of ",
            &format!("{NEWER}the-leaf (lib): the-leaf/src/part.rs\n"),
            &format!("{FOLLOWS}app (bin app): the_leaf\n"),
        ],
    );
    job.ok(&["save"]);
    job.wipe();

    job.sh("mv the-leaf/src/part.rs the-leaf/src/other.rs; echo '#[path = \"other.rs\"] pub mod part;' > the-leaf/src/lib.rs");
    let text = told_after(&job, BUILD);
    assert_tells(
        &text,
        &[&format!("{NEWER}the-leaf (lib): the-leaf/src/lib.rs, the-leaf/src/part.rs (gone)\n")],
    );
}

#[test]
fn explain_last_build_names_build_script_inputs_without_values() {
    let mut job = Job::new(PROGRAM);
    workspace(&job);
    job.set("FLAVOUR", "secret-one");
    first_job(&job, BUILD);
    job.write("work/project/script/data/deep/a.txt", "b");
    job.write("work/project/whole/table.txt", "b");
    let text = told_after(&job, BUILD);
    assert_tells(
        &text,
        &[
            &format!("{NEWER}script (build script run): script/data/deep/a.txt\n"),
            "  newer file in the package; cargo watches all of them for this unit\n    whole (build script run): table.txt\n",
            "    script (lib): its build script\n",
            "    app (bin app): script, whole\n",
        ],
    );
    job.ok(&["save"]);
    job.wipe();

    job.set("FLAVOUR", "secret-two");
    job.set("GREETING", "secret-three");
    let text = told_after(&job, BUILD);
    assert_tells(
        &text,
        &[
            "  variable named by the build script changed\n    script (build script run): FLAVOUR\n",
            "  variable read by the code changed\n    the-leaf (lib): GREETING\n",
        ],
    );
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn explain_last_build_names_changed_profiles_features_and_flags() {
    let mut job = saved_workspace();
    let text = told_after(&job, &format!("CARGO_PROFILE_DEV_OVERFLOW_CHECKS=false {BUILD}"));
    assert_tells(&text, &["  other profile, `[lints]` or kind of build", "    the-leaf (lib)\n"]);
    job.wipe();

    let text = told_after(&job, &format!("{BUILD} --release; {BUILD} --features app/more"));
    assert_tells(
        &text,
        &[
            "  not restored; restored only for debug\n    app (bin app, release)\n",
            "  other features\n    app (bin app): with more\n    the-leaf (lib): with extra\n",
        ],
    );
    job.wipe();

    job.set("RUSTFLAGS", "--cfg secret");
    let text = told_after(&job, BUILD);
    assert_tells(
        &text,
        &["  other compiler flags (RUSTFLAGS", "    the-leaf (lib)\n", "    app (bin app)\n"],
    );
    assert!(!text.contains("secret") && !text.contains(FOLLOWS), "{text}");
}

#[test]
fn explain_last_build_names_units_missing_from_the_entry() {
    let job = saved_workspace();
    job.sh("echo 'new = []' >> the-leaf/Cargo.toml; echo 'pub fn new() {}' >> whole/src/lib.rs");
    let text = told_after(&job, &format!("{BUILD}; cargo test -q --no-run --offline"));
    assert_tells(
        &text,
        &[
            "  not restored\n    app (test works)\n    app (tests in bin app)\n",
            "  other features declared in its manifest\n    the-leaf (lib)\n",
            &format!("{NEWER}whole (lib): whole/src/lib.rs\n"),
        ],
    );
}

#[test]
fn explain_last_build_names_a_changed_workspace_version() {
    let job = saved_workspace();
    job.sh("sed -i 's/^version = .*/version = \"1.0.1\"/' the-leaf/Cargo.toml; cargo generate-lockfile -q --offline");
    let text = told_after(&job, BUILD);
    assert_tells(
        &text,
        &["  other version of it or a dependency", "    the-leaf (lib)", "    app (bin app): "],
    );
}

/// Lets the checkout of the next job lie elsewhere.
fn move_work(job: &mut Job) {
    job.sh("cp -r ../../work ../../elsewhere");
    job.remove("work");
    job.move_to("elsewhere/project");
}

#[test]
fn explain_last_build_names_absolute_paths_missing_in_another_workspace() {
    let mut job = saved_workspace();
    move_work(&mut job);
    let text = told_after(&job, BUILD);
    let note = job.path("work/project/note.txt");
    assert_tells(&text, &["target: 1 of ", &format!("{NEWER}app (bin app): {} (gone)\n", note.display())]);
}

#[test]
fn explain_last_build_names_where_an_outside_package_was() {
    let mut job = Job::new(PROGRAM);
    workspace(&job);
    job.write("work/beside/Cargo.toml", "[package]\nname = \"beside\"\nversion = \"1.0.0\"\n");
    job.write("work/beside/src/lib.rs", "");
    job.sh("echo 'beside.path = \"../../beside\"' >> app/Cargo.toml; cargo generate-lockfile -q --offline");
    first_job(&job, BUILD);
    move_work(&mut job);
    let text = told_after(&job, BUILD);
    let (was, is) = (job.path("work"), job.path("elsewhere"));
    let moved = format!("  sources moved: {} → {}\n", was.display(), is.display());
    let follows = format!("{FOLLOWS}app (bin app): beside\n");
    assert_tells(&text, &["target: 2 of ", &format!("{moved}    beside (lib)\n"), &follows]);
}

#[test]
fn explain_last_build_covers_each_workspace() {
    let job = Job::new(PROGRAM);
    job.sh("cp -r . ../sibling");
    let both = format!("{BUILD}; cd ../sibling; {BUILD}");
    let restore = ["restore", "--workspaces", ".\n../sibling"];
    job.ok(&restore);
    job.sh(&both);
    job.ok(&["save"]);
    job.wipe();
    job.remove("work/sibling/target");
    job.write("work/sibling/src/main.rs", "fn main() { println!(\"two\") }\n");
    job.ok(&restore);
    job.sh(&both);
    let changed = format!("{NEWER}small (bin small): src/main.rs\n");
    assert_tells(
        &told(&job),
        &["target: nothing compiled", "target of ../sibling: 1 of 1 units compiled", &changed],
    );
}

#[test]
fn explain_last_build_covers_a_failed_build() {
    let job = saved_workspace();
    job.write("work/project/the-leaf/src/part.rs", "no Rust");
    let text = told_after(&job, &format!("{BUILD} 2> /dev/null || test $? = 101"));
    assert_tells(&text, &[&format!("{NEWER}the-leaf (lib): the-leaf/src/part.rs\n")]);
}

#[test]
fn explain_last_build_reports_damaged_fingerprints() {
    let job = saved_workspace();
    job.write("work/project/the-leaf/src/part.rs", "pub const NAME: &str = \"two\";\n");
    job.ok(&["restore"]);
    job.sh(&format!(
        "{BUILD}; for json in $(find target -path '*/the-leaf*' -name 'lib-*.json'); do echo '{{' > $json; done"
    ));
    let text = told(&job);
    assert_tells(
        &text,
        &["  cannot read cargo's fingerprint\n    the-leaf (lib): ", ".json is damaged in column "],
    );
    assert_tells(&text, &["    app (bin app): the_leaf\n"]);
}

#[test]
fn explain_last_build_reads_the_new_target_layout() {
    let mut job = Job::new(PROGRAM);
    // An option of nightly toolchains, until the layout becomes the only one.
    job.set("RUSTC_BOOTSTRAP", "1");
    job.set("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true");
    workspace(&job);
    first_job(&job, BUILD);
    job.write("work/project/script/data/deep/a.txt", "b");
    job.write("work/project/the-leaf/src/part.rs", "pub const NAME: &str = \"two\";\n");
    let text = told_after(&job, BUILD);
    assert_tells(
        &text,
        &[
            "target: 4 of ",
            "    script (build script run): script/data/deep/a.txt\n",
            "    the-leaf (lib): the-leaf/src/part.rs\n",
            "    app (bin app): script, the_leaf\n",
            "    script (lib): its build script\n",
        ],
    );
}

#[test]
fn explain_last_build_reads_a_separate_build_dir() {
    let job = Job::new(PROGRAM);
    workspace(&job);
    job.write("work/project/.cargo/config.toml", "[build]\nbuild-dir = \"made\"\n");
    first_job(&job, BUILD);
    job.remove("work/project/made");
    job.write("work/project/the-leaf/src/part.rs", "pub const NAME: &str = \"two\";\n");
    let text = told_after(&job, BUILD);
    assert_tells(&text, &["target: 2 of ", &format!("{NEWER}the-leaf (lib): the-leaf/src/part.rs\n")]);
    assert_eq!(text.lines().filter(|line| !line.starts_with(' ')).count(), 1, "{text}");
}

#[test]
fn explain_last_build_does_not_count_as_use() {
    let job = Job::new(PROGRAM);
    workspace(&job);
    first_job(&job, "cargo build -q --offline --all-targets");
    job.sh("echo 'pub fn new() {}' >> the-leaf/src/lib.rs");
    job.ok(&["restore"]);
    job.sh(BUILD);
    // Those that still bear the mark of the restore, a time of reading in 1970.
    let unread = || job.sh("find target -path '*fingerprint/*' -type f ! -newerat @2 1>&2");
    let before = unread();
    assert!(before.contains("/test-lib-whole\n"), "{before}");
    assert_tells(&told(&job), &["target: 2 of "]);
    assert_eq!(unread(), before);
    assert_tells(&told(&job), &["target: 2 of "]);
}

#[test]
fn explain_last_build_names_a_downloads_version_and_home() {
    let mut job = Job::new(PROGRAM);
    job.may_download();
    job.version("1.0.0");
    let manifest = job.read("work/project/Cargo.toml");
    job.write("work/project/Cargo.toml", &format!("{manifest}[dependencies]\nitoa = \"1\"\n"));
    let main = "fn main() { println!(\"{}\", itoa::Buffer::new().format(1)) }\n";
    job.write("work/project/src/main.rs", main);
    let home = |name: &str| job.path(name).display().to_string();
    let (first, second) = (home("first"), home("second"));
    job.set("CARGO_HOME", &first);
    let update = "cargo update -q itoa --precise";
    job.sh(&format!("cargo generate-lockfile -q; {update} 1.0.14"));
    first_job(&job, "cargo build -q");

    job.sh(&format!("{update} 1.0.15"));
    let text = told_after(&job, "cargo build -q");
    assert_tells(
        &text,
        &[
            "  other version\n    itoa 1.0.15 (lib): was 1.0.14\n",
            &format!("{FOLLOWS}small (bin small): itoa\n"),
        ],
    );
    job.ok(&["save"]);
    job.wipe();

    job.set("CARGO_HOME", &second);
    let text = told_after(&job, "cargo build -q");
    let moved =
        format!("  CARGO_HOME changed: {first} → {second}; cargo identifies dependencies by source path\n");
    assert_tells(
        &text,
        &[&format!("{moved}    itoa 1.0.15 (lib)\n"), &format!("{FOLLOWS}small (bin small): itoa\n")],
    );
}
