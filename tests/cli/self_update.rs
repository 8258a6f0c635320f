//! `self-update`: the program is replaced as a whole, by a later release, and only if it is the user's.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::web::Answer;
use test_support::{Job, Said, files};

use crate::PROGRAM;
use crate::releases::{Release, Server, is_packed};

/// A host whose program is a copy at `at`, with this mode.
fn with_copy(release: &Release, at: &str, mode: u32) -> (Server, PathBuf) {
    let server = Server::usual(release);
    let program = copy(&server, at, mode);
    (server, program)
}

fn copy(server: &Server, at: &str, mode: u32) -> PathBuf {
    let program = server.job.path(at);
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    files::copy_program(Path::new(PROGRAM), &program);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(mode)).unwrap();
    program
}

/// Runs the copy.
fn run(job: &Job, program: &Path, args: &[&str]) -> (Option<i32>, String) {
    let template = job.command(args);
    let mut command = Command::new(program);
    command.args(args).current_dir(template.get_current_dir().unwrap()).env_clear();
    command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

const NOW: &str = env!("CARGO_PKG_VERSION");

#[test]
fn newest_release_replaces_the_program_with_its_mode() {
    let release = Release::new("9.8.7");
    let (server, program) = with_copy(&release, "bin/runner-cache", 0o750);
    let before = std::fs::metadata(&program).unwrap();
    assert_eq!(run(&server.job, &program, &["self-update", "--check"]).0, Some(1));
    assert_eq!(std::fs::metadata(&program).unwrap().ino(), before.ino());

    let (code, text) = run(&server.job, &program, &["self-update", "--check", "--json"]);
    assert!(code == Some(1) && text.contains("\"outcome\": \"newer\""), "{text}");

    let (code, text) = run(&server.job, &program, &["self-update"]);
    assert!(code == Some(0) && text.contains(&format!("runner-cache {NOW} was updated to 9.8.7")), "{text}");
    assert_eq!(std::fs::read(&program).unwrap(), release.program);
    let after = std::fs::metadata(&program).unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_ne!(after.ino(), before.ino(), "whoever runs the old one goes on");
    assert_eq!(files::inside(program.parent().unwrap()), [program]);
}

#[test]
fn versions_go_forward_unless_one_is_named() {
    let release = Release::new("0.0.1");
    let (server, program) = with_copy(&release, "bin/runner-cache", 0o755);
    let (code, text) = run(&server.job, &program, &["self-update"]);
    assert!(
        code == Some(0) && text.contains(&format!("runner-cache {NOW} stays: release 0.0.1 is older")),
        "{text}"
    );
    assert_eq!(run(&server.job, &program, &["self-update", "--check"]).0, Some(0));
    let (code, text) = run(&server.job, &program, &["self-update", "0.0.1"]);
    assert!(code == Some(0) && text.contains("was updated to 0.0.1"), "{text}");
    assert_eq!(std::fs::read(&program).unwrap(), release.program);
}

#[test]
fn up_to_date_program_stays() {
    let (server, program) = with_copy(&Release::new(NOW), "bin/runner-cache", 0o755);
    let before = std::fs::metadata(&program).unwrap().ino();
    for args in [&["self-update"][..], &["self-update", "--check"]] {
        let (code, text) = run(&server.job, &program, args);
        assert!(code == Some(0) && text.contains("is up to date"), "{text}");
    }
    assert_eq!(std::fs::metadata(&program).unwrap().ino(), before);
}

#[test]
fn check_that_could_not_be_made_is_no_newer_release() {
    let server = Server::new(&Release::new("9.8.7"), |_, _| Some(Answer::Status(404)));
    let said: Said = server.job.run(&["self-update", "--check"]);
    assert!(said.code == 2 && said.log.contains("answered 404"), "{said:?}");
}

#[test]
fn program_in_a_tool_cache_or_of_another_user_stays() {
    let in_cache = "elsewhere/runner-cache/0.1.0/x64/runner-cache";
    let (server, program) = with_copy(&Release::new("9.8.7"), in_cache, 0o755);
    let (code, text) = run(&server.job, &program, &["self-update"]);
    assert!(code == Some(1) && text.contains("is in the tool cache"), "{text}");

    let (server, program) = with_copy(&Release::new("9.8.7"), "bin/runner-cache", 0o755);
    if chown(&program, Some(65534), None).is_err() {
        let status = Command::new("sudo").args(["-n", "chown", "65534"]).arg(&program).status().unwrap();
        assert!(status.success(), "this test needs to give a file away");
    }
    let (code, text) = run(&server.job, &program, &["self-update"]);
    assert!(code == Some(1) && text.contains("is of user 65534, and this is user"), "{text}");
    assert!(server.paths().is_empty(), "it is told before anything is downloaded");
}

#[test]
fn wrong_release_leaves_the_program() {
    let release = Release::new("9.8.7");
    let size = release.packed.len();
    let server =
        Server::new(&release, move |_, request| is_packed(request).then(|| Answer::Whole(vec![7; size])));
    let program = copy(&server, "bin/runner-cache", 0o755);
    let (code, text) = run(&server.job, &program, &["self-update"]);
    assert!(code == Some(1) && text.contains("has the SHA-256"), "{text}");
    assert_eq!(std::fs::read(&program).unwrap(), std::fs::read(PROGRAM).unwrap());
    assert_eq!(files::inside(program.parent().unwrap()), [program]);
}
