//! Packages of other repositories, within the checkout or beside it: what lies around them counts as it does around the
//! workspace, and their own commit.

use std::fs;
use std::path::Path;

use test_support::Job;

use crate::PROGRAM;

const COMMIT: &str = "git add -A && git -c user.name=n -c user.email=e commit -qm c";
const USES: &str = "fn main() { println!(\"{}\", other::V) }\n";
const TELLS: &str = "pub const V: &str = env!(\"V\");\n";

/// A repository `other` at `place`, and a project that uses its package `crate`.
fn with_other(place: &str, script: &str) -> Job {
    let job = Job::new(PROGRAM);
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}")
    };
    job.write(&format!("{place}/crate/Cargo.toml"), &package("other", "license.workspace = true\n"));
    job.write(
        &format!("{place}/Cargo.toml"),
        "[workspace]\nresolver = \"2\"\nmembers = [\"crate\"]\n[workspace.package]\nlicense = \"one\"\n",
    );
    job.write(&format!("{place}/crate/build.rs"), script);
    job.write(&format!("{place}/crate/src/lib.rs"), TELLS);
    job.write(&format!("{place}/beside.txt"), "one");
    job.sh(&format!("cd ../../{place} && git init -q && {COMMIT}"));
    let to = pathdiff(place);
    job.write(
        "work/project/Cargo.toml",
        &package("app", &format!("[dependencies]\nother = {{ path = \"{to}/crate\" }}\n")),
    );
    job.write("work/project/src/main.rs", USES);
    job.sh("rm -rf Cargo.lock src/lib.rs build.rs tests; git init -q");
    job
}

fn pathdiff(place: &str) -> String {
    let path = Path::new(place);
    path.strip_prefix("work/project")
        .map_or_else(|_| format!("../../{place}"), |inside| inside.display().to_string())
}

/// What the program says in a job with a fresh target directory.
fn says(job: &Job) -> String {
    job.sh("rm -rf target");
    job.ok(&["restore"]);
    let said = job.sh("cargo run -q --offline 1>&2");
    job.ok(&["save"]);
    said
}

fn script(expression: &str) -> String {
    format!(
        "fn main() {{\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    println!(\"cargo:rustc-env=V={{}}\", {expression}.trim());\n}}\n"
    )
}

#[test]
fn what_lies_around_a_package_of_another_repository_is_an_input() {
    for place in ["beside/other", "work/project/other"] {
        for (read, path, before, after) in [
            ("std::fs::read_to_string(\"../beside.txt\").unwrap()", "beside.txt", "one", "two"),
            ("std::env::var(\"CARGO_PKG_LICENSE\").unwrap()", "Cargo.toml", "\"one\"", "\"two\""),
        ] {
            let job = with_other(place, &script(read));
            assert_eq!(says(&job), "one\n", "{place}");
            let path = format!("{place}/{path}");
            job.write(&path, &job.read(&path).replace(before, after));
            job.sh(&format!("cd ../../{place} && {COMMIT}"));
            assert_eq!(says(&job), "two\n", "{place}: {path}");
        }
    }
}

#[test]
fn commit_of_another_repository_is_seen_by_its_scripts() {
    let asks = "String::from_utf8(std::process::Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output().unwrap().stdout).unwrap()";
    for place in ["beside/other", "work/project/other"] {
        let job = with_other(place, &script(asks));
        let commit = || job.sh(&format!("git -C ../../{place} rev-parse HEAD 1>&2"));
        assert_eq!(says(&job), commit(), "{place}");
        job.write(&format!("{place}/readme"), "more");
        job.sh(&format!("cd ../../{place} && {COMMIT}"));
        assert_eq!(says(&job), commit(), "{place}");
    }
}

#[test]
fn git_sees_no_change_in_an_inner_repository_whose_files_get_old_times() {
    let reads = "fn main() {\n    println!(\"cargo:rerun-if-changed=../beside.txt\");\n    \
         println!(\"cargo:rustc-env=V={}\", std::fs::read_to_string(\"../beside.txt\").unwrap());\n}\n";
    let job = with_other("work/project/other", reads);
    assert_eq!(says(&job), "one\n");
    // As a fresh checkout has them.
    job.sh("sleep 1.1; cd other && git rm -rq --cached . && git reset -q --hard && git diff-files --quiet");
    job.sh("rm -rf target");
    let time = || fs::metadata(job.path("work/project/other/beside.txt")).unwrap().modified().unwrap();
    let before = time();
    job.ok(&["restore"]);
    assert!(time() < before, "it got its old time");
    job.sh("cd other && git diff-files --quiet && git diff-index --quiet HEAD --");
}
