//! The unit pool: what one repository compiled of its dependencies, others on the host do not compile again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use test_support::{Job, Said};

use crate::PROGRAM;

pub(crate) const HOST: [&str; 2] = ["--share", "host"];

/// A host with git packages: `proc` is a macro, `alpha` has a build script whose output it includes, `beta` needs both,
/// and `path` keeps the directory of its script in its code.
pub(crate) fn host() -> Job {
    let mut job = Job::new(PROGRAM);
    job.policy("share: host\n");
    package(&job, "proc", "[lib]\nproc-macro = true\n", &[("src/lib.rs", PROC)]);
    package(&job, "alpha", "", &[("src/lib.rs", ALPHA), ("build.rs", ALPHA_SCRIPT)]);
    let needs = format!("[dependencies]\n{}{}", git(&job, "alpha"), git(&job, "proc"));
    package(
        &job,
        "beta",
        &needs,
        &[("src/lib.rs", "proc::three!();\npub fn sum() -> u32 { alpha::TWO + three() }\n")],
    );
    package(
        &job,
        "path",
        "",
        &[("src/lib.rs", "pub const OUT: &str = env!(\"OUT_DIR\");\n"), ("build.rs", "fn main() {}\n")],
    );
    project(&job, "work/project", &["beta"]);
    job
}

const PROC: &str = "#[proc_macro]\npub fn three(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    \
                    \"pub fn three() -> u32 { 3 }\".parse().unwrap()\n}\n";
const ALPHA: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/two.rs\"));\n";
const ALPHA_SCRIPT: &str = "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                            std::fs::write(format!(\"{out}/two.rs\"), \"pub const TWO: u32 = 2;\").unwrap();\n    \
                            std::fs::write(format!(\"{out}/large.rs\"), \"//\".repeat(5000)).unwrap();\n    \
                            println!(\"cargo:rerun-if-changed=build.rs\");\n    println!(\"cargo:root={out}\");\n}\n";

const PLACE_SCRIPT: &str = "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                            let nth = \"#[inline(never)]\\npub fn nth(at: usize) -> u32 { [1, 2, 3][at] }\";\n    \
                            std::fs::write(format!(\"{out}/two.rs\"), nth).unwrap();\n}\n";

fn git(job: &Job, name: &str) -> String {
    format!("{name} = {{ git = \"file://{}\" }}\n", job.path(&format!("git/{name}")).display())
}

/// Commits a package as it is to be now.
pub(crate) fn package(job: &Job, name: &str, manifest: &str, files: &[(&str, &str)]) {
    let head = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
    job.write(&format!("git/{name}/Cargo.toml"), &format!("{head}{manifest}"));
    for (file, text) in files {
        job.write(&format!("git/{name}/{file}"), text);
    }
    let git = "git -c init.defaultBranch=main -c user.name=n -c user.email=e@x";
    let directory = job.path(&format!("git/{name}"));
    job.sh(&format!("cd {}; {git} init -q; git add -A; {git} commit -q -m x", directory.display()));
}

/// Commits `place`, which includes a function that can panic, so that its code tells where it was generated.
fn package_place(job: &Job) {
    package(job, "place", "", &[("src/lib.rs", ALPHA), ("build.rs", PLACE_SCRIPT)]);
}

/// A repository's workspace that prints what it got of its dependencies.
pub(crate) fn project(job: &Job, directory: &str, needs: &[&str]) {
    let name = directory.rsplit('/').next().unwrap();
    let needs_text: String = needs.iter().map(|need| git(job, need)).collect();
    let head = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
    job.write(
        &format!("{directory}/Cargo.toml"),
        &format!("{head}[features]\nmore = []\n[dependencies]\n{needs_text}"),
    );
    let prints = |need: &&str| match *need {
        "path" => "println!(\"{}\", path::OUT);",
        "place" => "println!(\"{}\", place::nth(std::env::args().count()));",
        "plain" => "println!(\"{}\", plain::one());",
        _ => "println!(\"{}\", beta::sum());",
    };
    let prints: String = needs.iter().map(prints).collect();
    job.write(&format!("{directory}/src/main.rs"), &format!("fn main() {{ {prints} }}\n"));
    let _ = fs::remove_file(job.path(&format!("{directory}/Cargo.lock")));
    job.sh(&format!("cd {}; cargo generate-lockfile -q", job.path(directory).display()));
}

/// Lets the job be one of another repository with these dependencies.
pub(crate) fn repository(job: &mut Job, name: &str, needs: &[&str]) {
    let directory = format!("work/{name}");
    job.set("GITHUB_REPOSITORY", format!("o/{name}"));
    project(job, &directory, needs);
    job.move_to(&directory);
    job.remove("temp");
    fs::create_dir(job.path("temp")).unwrap();
}

pub(crate) fn build(job: &Job, args: &[&str], command: &str) -> (Said, Vec<String>, Said) {
    let restored = job.ok(&[&["restore"], args].concat());
    let compiled = compiled(&job.sh(command));
    (restored, compiled, job.ok(&["save"]))
}

/// Packages that cargo compiled or checked, in order of their names.
fn compiled(log: &str) -> Vec<String> {
    let lines = log.lines().map(str::trim);
    let of_packages =
        lines.filter_map(|line| line.strip_prefix("Compiling ").or(line.strip_prefix("Checking ")));
    let mut names: Vec<_> = of_packages.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn files_called(job: &Job, layer: &str, beginning: &str) -> Vec<PathBuf> {
    let found =
        job.sh(&format!("find {} -type f -name '{beginning}*' 1>&2", job.path("root").join(layer).display()));
    found.lines().map(PathBuf::from).collect()
}

#[test]
fn another_repository_compiles_only_itself() {
    let mut job = host();
    let (first, compiled, saved) = build(&job, &HOST, "cargo build");
    assert_eq!(first.outputs["target-hit"], "miss");
    assert_eq!(compiled, ["alpha", "beta", "proc", "project"]);
    assert!(saved.log.contains("unit pool: 5 units added"), "{}", saved.log);
    let inode = |layer| fs::metadata(&files_called(&job, layer, "libbeta-")[0]).unwrap().ino();
    assert_eq!(inode("units"), inode("target"), "the pool has no copies of its own");

    repository(&mut job, "second", &["beta"]);
    let told = job.ok(&[&["explain"], &HOST[..]].concat());
    let of_pool = "unit pool: 5 units, of 3 of the 3 packages in the lock file; will be restored";
    assert!(told.stdout.contains(of_pool), "{}", told.stdout);
    let (second, compiled, saved) = build(&job, &HOST, "cargo build");
    assert_eq!((&*second.outputs["target-hit"], &*second.outputs["cache-hit"]), ("composed", "false"));
    assert!(second.log.contains("unit pool: 5 units, of 3 of the 3 packages"), "{}", second.log);
    assert!(second.summary.contains("unit pool: 5 units"), "{}", second.summary);
    assert_eq!(compiled, ["second"]);
    assert!(saved.log.contains("unit pool: 0 units added, 0 B; 5 already there"), "{}", saved.log);
    job.sh("test \"$(target/debug/second)\" = 5");
    // What a build script wrote is a copy in the workspace, for it may be written anew.
    for (file, count) in [("libbeta-", 2), ("large.rs", 1)] {
        let all = [files_called(&job, "units", file), files_called(&job, "target", file)].concat();
        let inodes: BTreeSet<_> = all.iter().map(|path| fs::metadata(path).unwrap().ino()).collect();
        assert_eq!(
            (inodes.len(), all.len()),
            (count, 3 * count),
            "entries and the pool share {file}: {all:?}"
        );
    }
}

/// As where the cache root is on another disk than the workspace.
#[test]
fn copied_units_are_stored_once() {
    let mut job = host();
    let copy = [&HOST[..], &["--link-mode", "copy"]].concat();
    build(&job, &copy, "cargo build");
    repository(&mut job, "second", &["beta"]);
    let (_, compiled, _) = build(&job, &copy, "cargo build");
    assert_eq!(compiled, ["second"]);
    for (file, count) in [("lib*.r", 4), ("large.rs", 1)] {
        let inode = |path: &PathBuf| fs::metadata(path).unwrap().ino();
        let of = |layer| files_called(&job, layer, file).iter().map(inode).collect::<BTreeSet<_>>();
        assert_eq!((of("units").len(), of("target")), (count, of("units")), "{file}");
    }
}

#[test]
fn new_branch_reuses_units_of_the_default_branch() {
    let mut job = host();
    build(&job, &[], "cargo build");
    let directory = job.path("root/target").display().to_string();
    job.sh(&format!("rm -r {directory}"));
    job.wipe();
    job.event("refs/heads/topic", r#"{"repository": {"default_branch": "main"}}"#);
    let (restored, compiled, _) = build(&job, &[], "cargo build");
    assert_eq!((&*restored.outputs["target-hit"], compiled), ("composed", vec!["project".to_owned()]));
}

#[test]
fn repositories_share_no_units_by_default() {
    let mut job = host();
    job.policy("");
    let (_, _, saved) = build(&job, &["--share", "off"], "cargo build");
    assert!(!saved.log.contains("unit pool") && job.entries("units").is_empty(), "{}", saved.log);
    job.wipe();
    job.remove("root/target");
    build(&job, &[], "cargo build");
    repository(&mut job, "second", &["beta"]);
    // The first one gave nothing to the host, which allows it by now.
    job.policy("share: host\n");
    let (restored, compiled, _) = build(&job, &HOST, "cargo build");
    assert_eq!((&*restored.outputs["target-hit"], compiled.len()), ("miss", 4));
}

#[test]
fn pull_request_units_stay_in_its_scope() {
    let mut job = host();
    let event = r#"{"number": 7, "pull_request": {"number": 7, "base": {"ref": "main"}}, "repository": {"default_branch": "main"}}"#;
    job.event("refs/pull/7/merge", event);
    let (_, _, saved) = build(&job, &HOST, "cargo build");
    assert!(saved.log.contains("5 units added"), "{}", saved.log);
    assert!(
        job.entries("units")
            .iter()
            .all(|entry| entry.to_str().unwrap().contains("/o%2Fr/refs%2Fpull%2F7%2Fmerge/"))
    );
    repository(&mut job, "second", &["beta"]);
    job.event("refs/heads/main", r#"{"repository": {"default_branch": "main"}}"#);
    assert_eq!(build(&job, &HOST, "cargo build").0.outputs["target-hit"], "miss");
}

#[test]
fn bumped_dependency_compiles_once_across_repositories() {
    let mut job = host();
    build(&job, &HOST, "cargo build");
    repository(&mut job, "second", &["beta"]);
    build(&job, &HOST, "cargo build");

    package(
        &job,
        "proc",
        "[lib]\nproc-macro = true\n",
        &[("src/lib.rs", &PROC.replace("u32 { 3 }", "u32 { 4 }"))],
    );
    project(&job, "work/second", &["beta"]);
    job.remove("work/second/target");
    let (restored, compiled, _) = build(&job, &HOST, "cargo build");
    assert_eq!(
        (&*restored.outputs["target-hit"], compiled),
        ("partial", ["beta", "proc", "second"].map(str::to_owned).to_vec())
    );

    repository(&mut job, "third", &["beta"]);
    assert_eq!(build(&job, &HOST, "cargo build").1, ["third"]);
    job.sh("test \"$(target/debug/third)\" = 6");
}

#[test]
fn restored_entry_is_completed_from_the_pool() {
    let mut job = host();
    build(&job, &HOST, "cargo build");
    repository(&mut job, "second", &["path"]);
    build(&job, &HOST, "cargo build");
    project(&job, "work/second", &["path", "beta"]);
    job.remove("work/second/target");
    let (restored, compiled, _) = build(&job, &HOST, "cargo build");
    assert_eq!((&*restored.outputs["target-hit"], compiled), ("partial", vec!["second".to_owned()]));
    assert!(restored.log.contains("unit pool: 5 units"), "{}", restored.log);
}

#[test]
fn path_dependent_units_are_not_shared() {
    let mut job = host();
    project(&job, "work/project", &["path"]);
    let (_, _, saved) = build(&job, &HOST, "cargo build");
    assert!(saved.log.contains("1 usable only here"), "{}", saved.log);
    repository(&mut job, "second", &["path"]);
    assert_eq!(build(&job, &HOST, "cargo build").1, ["path", "second"]);
    job.sh("target/debug/second | grep -q /work/second/target/");
}

#[test]
fn build_script_output_pointing_outside_is_not_shared() {
    let all = "unit pool: 5 units added, ";
    let few = "unit pool: 2 units added, ";
    for (makes, added) in [
        ("std::os::unix::fs::symlink(\"two.rs\", format!(\"{out}/link\"))", all),
        ("std::os::unix::fs::symlink(\"../../../deps\", format!(\"{out}/link\"))", few),
        ("std::fs::write(format!(\"{out}/temp\"), std::env::var(\"RUNNER_TEMP\").unwrap())", few),
    ] {
        let job = host();
        let script = ALPHA_SCRIPT.replacen("    println", &format!("    {makes}.unwrap();\n    println"), 1);
        package(&job, "alpha", "", &[("build.rs", &script)]);
        project(&job, "work/project", &["beta"]);
        let (_, _, saved) = build(&job, &HOST, "cargo build");
        assert!(saved.log.contains(added), "{makes}: {}", saved.log);
    }
}

/// Cargo never looks whether the sources of a download have changed.
#[test]
fn units_of_patched_downloads_are_not_shared() {
    let mut job = host();
    let patch = "sed -i 's/+ three/+ 10 * three/' ~/.cargo/git/checkouts/beta-*/*/src/lib.rs";
    let (_, _, saved) = build(&job, &HOST, &format!("{patch}; cargo build"));
    job.sh("test \"$(target/debug/project)\" = 32");
    assert!(saved.log.contains("unit pool: 4 units added"), "{}", saved.log);
    job.remove("home/.cargo/git/checkouts");
    repository(&mut job, "second", &["beta"]);
    assert_eq!(build(&job, &HOST, "cargo build").1, ["beta", "second"]);
    job.sh("test \"$(target/debug/second)\" = 5");
}

/// Cargo's hash of a unit does not tell which variables its build script read.
#[test]
fn build_script_output_is_shared_only_under_equal_variables() {
    let script = ALPHA_SCRIPT
        .replace(
            "\"pub const TWO: u32 = 2;\"",
            "format!(\"pub const TWO: u32 = {};\", std::env::var(\"COUNT\").unwrap())",
        )
        .replace("rerun-if-changed=build.rs", "rerun-if-env-changed=COUNT");
    assert_eq!(script.matches("COUNT").count(), 2, "{script}");
    serves_where_the_variable_is_the_same(("build.rs", &script));
}

#[test]
fn units_are_shared_only_under_equal_variables() {
    let source = "pub const TWO: u32 = match option_env!(\"COUNT\") {\n    \
                  Some(count) => (count.as_bytes()[0] - b'0') as u32,\n    None => 2,\n};\n";
    serves_where_the_variable_is_the_same(("src/lib.rs", source));
}

/// Where `alpha` with this `file` makes its number from the variable COUNT.
fn serves_where_the_variable_is_the_same(file: (&str, &str)) {
    let mut job = host();
    package(&job, "alpha", "", &[file]);
    for (name, count, compiles) in [
        ("first", "2", vec!["alpha", "beta", "first", "proc"]),
        ("second", "7", vec!["alpha", "beta", "second"]),
        ("third", "2", vec!["third"]),
        ("fourth", "7", vec!["fourth"]),
    ] {
        job.set("COUNT", count);
        repository(&mut job, name, &["beta"]);
        assert_eq!(build(&job, &HOST, "cargo build").1, compiles, "{name}");
        job.sh(&format!("test \"$(target/debug/{name})\" = $((COUNT + 3))"));
    }
}

/// Crates of a registry or of git have no incremental compilation, and what the workspace's own have is no concern of
/// the pool.
#[test]
fn incremental_setting_does_not_affect_sharing() {
    let mut job = host();
    job.set("CARGO_INCREMENTAL", 1);
    build(&job, &HOST, "cargo build");
    assert!(files_called(&job, "units", "query-cache").is_empty());
    repository(&mut job, "second", &["beta"]);
    assert_eq!(build(&job, &HOST, "cargo build").1, ["second"]);
}

#[test]
fn units_are_separate_per_profile_triple_and_flags() {
    let mut job = host();
    let host_triple = job.sh("rustc -vV | sed -n 's/^host: //p' 1>&2");
    let commands = [
        "cargo build".to_owned(),
        "cargo build --release".to_owned(),
        format!("cargo build --target {}", host_triple.trim()),
        "cargo check".to_owned(),
        "RUSTFLAGS='-C opt-level=1' cargo build".to_owned(),
        "cargo build --config 'profile.dev.panic=\"abort\"'".to_owned(),
        "cargo build --config 'profile.dev.lto=true'".to_owned(),
        "cargo build --config 'profile.dev.debug=0'".to_owned(),
        "cargo build --config 'profile.fast.inherits=\"release\"' --profile fast".to_owned(),
        "cargo test".to_owned(),
    ];
    let all = commands.join("; ");
    package_place(&job);
    project(&job, "work/project", &["beta", "place"]);
    build(&job, &HOST, &all);
    repository(&mut job, "second", &["beta", "place"]);
    job.ok(&[&["restore"][..], &HOST].concat());
    for command in &commands {
        let mut others = compiled(&job.sh(command));
        others.retain(|name| name != "second");
        let bound: &[&str] = match command.as_str() {
            // Metadata only tells of a generated source, and tests are built with the libraries of the first command.
            "cargo check" | "cargo test" => &[],
            // The bitcode of what includes one may lead there.
            lto if lto.contains("lto") => &["alpha", "beta", "place"],
            _ => &["place"],
        };
        assert_eq!(others, bound, "{command}");
    }
    let composed = programs(&job, "second");
    job.remove("work/second/target");
    job.sh(&all);
    let clean = programs(&job, "second");
    assert_eq!(
        composed.len(),
        9 + 4,
        "one of each command but the check, those of four directories with a second name"
    );
    assert!(composed.keys().eq(clean.keys()), "{:?} {:?}", composed.keys(), clean.keys());
    let differing: Vec<_> = composed.keys().filter(|path| composed[*path] != clean[*path]).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

/// The programs of a repository in its target directory, those of its tests among them.
fn programs(job: &Job, repository: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let directory = job.path(&format!("work/{repository}/target"));
    let found =
        job.sh(&format!("find {} -type f -perm -100 -name '{repository}*' 1>&2", directory.display()));
    found.lines().map(|path| (PathBuf::from(path), fs::read(path).unwrap())).collect()
}

#[test]
fn pooled_build_is_byte_identical_to_a_clean_build() {
    let mut job = host();
    build(&job, &HOST, "cargo build --release");
    repository(&mut job, "second", &["beta"]);
    build(&job, &HOST, "cargo build --release");
    is_as_built_without_the_pool(&job, "cargo build --release", "release/second");
}

/// With `lto` libraries are bitcode, in which a path is not bytes of its own.
#[test]
fn units_with_bitcode_paths_are_not_shared() {
    let mut job = host();
    package_place(&job);
    package(&job, "plain", "", &[("src/lib.rs", "pub fn one() -> u32 { 1 }\n")]);
    job.set("CARGO_PROFILE_RELEASE_LTO", true);
    project(&job, "work/project", &["place", "plain"]);
    let (_, _, saved) = build(&job, &HOST, "cargo build --release");
    assert!(saved.log.contains("1 usable only here"), "{}", saved.log);
    repository(&mut job, "second", &["place", "plain"]);
    assert_eq!(build(&job, &HOST, "cargo build --release").1, ["place", "second"]);
    job.sh("grep -q '/work/second/target/release/build/place[-/]' target/release/second");
    is_as_built_without_the_pool(&job, "cargo build --release", "release/second");
}

/// Compares a program of the target directory with that of a clean build in the same directory.
fn is_as_built_without_the_pool(job: &Job, command: &str, program: &str) {
    let path = job.path("work/second/target").join(program);
    let composed = fs::read(&path).unwrap();
    job.remove("work/second/target");
    job.sh(command);
    assert!(composed == fs::read(path).unwrap(), "{command}");
}

#[test]
fn damaged_unit_is_quarantined_and_recompiled() {
    let mut job = host();
    build(&job, &HOST, "cargo build");
    for manifest in files_called(&job, "units", "manifest") {
        if manifest.to_str().unwrap().contains("-alpha-") {
            fs::write(manifest, "x").unwrap();
        }
    }
    repository(&mut job, "second", &["beta"]);
    let restored = job.run(&[&["restore"][..], &HOST].concat());
    assert!(restored.code == 0 && restored.log.contains("took 3 damaged units out"), "{}", restored.log);
    assert_eq!(compiled(&job.sh("cargo build")), ["alpha", "beta", "second"]);
    // In its debug information alpha has the path of what was generated, so it is another one, and so is beta.
    let saved = job.ok(&["save"]);
    assert!(saved.log.contains("4 units added") && saved.log.contains("1 already there"), "{}", saved.log);
}

/// As by a cleaner of `/tmp`, or by somebody who touches all files of a target directory.
#[test]
fn unit_missing_a_file_is_quarantined_and_others_restore() {
    unit_that_loses(|rlib| fs::remove_file(rlib).unwrap());
}

#[test]
fn unit_missing_its_pack_is_quarantined_and_others_restore() {
    unit_that_loses(|rlib| {
        let pack = rlib.ancestors().find(|path| path.ends_with("tree/0")).unwrap().with_extension("pack");
        fs::remove_file(&pack).unwrap_or_else(|error| panic!("{}: {error}", pack.display()));
    });
}

fn unit_that_loses(lose: impl FnOnce(&Path)) {
    let mut job = host();
    build(&job, &HOST, "cargo build");
    let of_alpha = |job: &Job| files_called(job, "units", "libalpha-");
    let ours = of_alpha(&job);
    lose(ours.iter().find(|path| path.extension().is_some_and(|end| end == "rlib")).unwrap());
    repository(&mut job, "second", &["beta"]);
    let restored = job.run(&[&["restore"][..], &HOST].concat());
    assert_eq!((restored.code, &*restored.outputs["target-hit"]), (0, "composed"));
    assert!(restored.log.contains("took 1 damaged units out"), "{}", restored.log);
    assert!(restored.log.contains("unit pool: 4 units, of 3 of the 3 packages"), "{}", restored.log);
    assert_eq!(compiled(&job.sh("cargo build")), ["alpha", "beta", "second"]);
    let saved = job.ok(&["save"]);
    assert!(saved.log.contains("unit pool: 2 units added"), "{}", saved.log);
    assert_eq!(of_alpha(&job).len(), ours.len());
    repository(&mut job, "third", &["beta"]);
    assert_eq!(build(&job, &HOST, "cargo build").1, ["third"]);
}

#[test]
fn unused_units_are_evicted_by_age() {
    let mut job = host();
    build(&job, &HOST, "cargo build");
    for entry in job.entries("units") {
        job.sh(&format!("touch -d '40 days ago' {}", entry.display()));
    }
    repository(&mut job, "second", &["beta"]);
    build(&job, &HOST, "cargo build");
    assert_eq!(job.entries("units").len(), 5, "they were of use just now");
    for entry in job.entries("units") {
        job.sh(&format!("touch -d '40 days ago' {}", entry.display()));
    }
    repository(&mut job, "third", &["path"]);
    build(&job, &HOST, "cargo build");
    assert!(job.entries("units").iter().all(|entry| entry.to_str().unwrap().contains("-path-")));
}

#[test]
fn entry_holds_only_used_units_of_the_pool() {
    let mut job = host();
    build(&job, &HOST, "cargo build; cargo build --release");
    repository(&mut job, "second", &["beta"]);
    build(&job, &HOST, "cargo build");
    let of_second = |layer: &str| {
        files_called(&job, layer, "libbeta-")
            .into_iter()
            .filter(|path| path.to_str().unwrap().contains("/o%2Fsecond/"))
            .collect::<Vec<_>>()
    };
    let saved = of_second("target");
    assert!(
        !saved.is_empty() && saved.iter().all(|path| !path.to_str().unwrap().contains("/release/")),
        "{saved:?}"
    );
}

#[test]
fn pool_works_with_the_new_target_layout() {
    let mut job = host();
    job.set("RUSTC_BOOTSTRAP", 1);
    job.set("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true");
    build(&job, &HOST, "cargo build");
    repository(&mut job, "second", &["beta"]);
    let (restored, compiled, _) = build(&job, &HOST, "cargo build");
    assert_eq!(
        (&*restored.outputs["target-hit"], compiled),
        ("composed", vec!["second".to_owned()]),
        "{}",
        restored.log
    );
}

#[test]
fn units_bound_to_another_runners_path_stay_bound() {
    let mut job = host();
    stays_bound_to_the_runner_that_made_it(&mut job);
}

#[test]
fn path_bound_units_stay_bound_in_the_new_target_layout() {
    let mut job = host();
    job.set("RUSTC_BOOTSTRAP", 1);
    job.set("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true");
    stays_bound_to_the_runner_that_made_it(&mut job);
}

/// Where the script of `path` also notes its directory in a file, so that its run is bound, too.
fn stays_bound_to_the_runner_that_made_it(job: &mut Job) {
    let script = "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                  std::fs::write(format!(\"{out}/own\"), &out).unwrap();\n}\n";
    package(job, "path", "", &[("build.rs", script)]);
    project(job, "work/project", &["path"]);
    build(job, &["--share", "off"], "cargo build");
    job.move_to("other/project");
    project(job, "other/project", &["path", "beta"]);
    let (restored, compiled, saved) = build(job, &HOST, "cargo build");
    assert_eq!(restored.outputs["target-hit"], "partial");
    assert_eq!(compiled, ["alpha", "beta", "path", "proc", "project"]);
    assert!(saved.log.contains("6 units added"), "the script of path and 5: {}", saved.log);
    assert!(saved.log.contains("2 usable only here"), "{}", saved.log);
}

/// Two jobs compile the same dependency at once, each with another outcome. Rustc rejects what was built with the other
/// one.
#[test]
fn mismatched_units_are_not_restored_together() {
    let mut job = host();
    let script = ALPHA_SCRIPT.replace(
        "\"pub const TWO: u32 = 2;\"",
        "format!(\"pub const TWO: u32 = 2; pub const AT: u128 = {};\", \
         std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos())",
    );
    assert_ne!(script, ALPHA_SCRIPT);
    package(&job, "alpha", "", &[("build.rs", &script)]);
    let jobs = ["first", "second"];
    for name in jobs {
        repository(&mut job, name, &["beta"]);
        job.write(&format!("temp-{name}/x"), "");
        job.set("RUNNER_TEMP", job.path(&format!("temp-{name}")).display());
        assert_eq!(job.ok(&[&["restore"][..], &HOST].concat()).outputs["target-hit"], "miss");
        assert_eq!(compiled(&job.sh("cargo build")).len(), 4);
    }
    for name in jobs {
        job.move_to(&format!("work/{name}"));
        job.set("GITHUB_REPOSITORY", format!("o/{name}"));
        job.set("RUNNER_TEMP", job.path(&format!("temp-{name}")).display());
        job.ok(&["save"]);
    }
    // Of the script's run, alpha and beta there are two each.
    assert_eq!(job.entries("units").len(), 5 + 3);

    job.set("RUNNER_TEMP", job.path("temp").display());
    repository(&mut job, "third", &["beta"]);
    assert_eq!(build(&job, &HOST, "cargo build").1, ["third"]);
    job.sh("test \"$(target/debug/third)\" = 5");

    // Whichever of alpha goes, what was built with it has to be compiled again, or comes with the other one.
    for (number, name) in ["fourth", "fifth"].into_iter().enumerate() {
        let libraries = files_called(&job, "units", "libalpha-");
        let entry = libraries[0].ancestors().find(|path| path.join("manifest").is_file()).unwrap();
        fs::remove_dir_all(entry).unwrap();
        repository(&mut job, name, &["beta"]);
        job.ok(&[&["restore"][..], &HOST].concat());
        let compiled = compiled(&job.sh("cargo build"));
        assert_eq!(compiled.len(), if number == 0 { 1 } else { 3 }, "{compiled:?}");
        job.sh(&format!("test \"$(target/debug/{name})\" = 5"));
    }
}

#[test]
fn many_units_restore_under_a_low_open_file_limit() {
    let mut job = host();
    let commands: Vec<_> =
        (1..10).map(|level| format!("RUSTFLAGS='-C inline-threshold={level}' cargo build -q")).collect();
    build(&job, &HOST, &commands.join("; "));
    let count = job.entries("units").len();
    assert!(count >= 40, "{count}");
    repository(&mut job, "second", &["beta"]);
    let program: Vec<_> = job.program().iter().map(|word| format!("'{word}'")).collect();
    let program = program.join(" ");
    let log = job.sh(&format!("ulimit -Sn 40; {program} restore"));
    assert!(log.contains("unit pool: "), "{log}");
    // Not even that can be had: fewer come, and nothing fails.
    job.remove("work/second/target");
    let log = job.sh(&format!("ulimit -n 40; {program} restore"));
    assert!(!log.contains("unit pool: ") && !log.contains("::warning"), "{log}");
}
