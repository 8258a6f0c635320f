//! `scripts/install.sh` with a release: what a download may be, and that nothing is run that is not what the release has.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Barrier};

use crate::PROGRAM;
use crate::install::{Action, Release, assert_found, assert_gave_up, kept, stderr};
use test_support::web::{Answer, Web};

/// A released action whose download is answered by `answer`, which is given the release's packed bytes.
fn released(answer: impl Fn(usize, &[u8]) -> Answer + Send + Sync + 'static) -> (Action, Release, Web) {
    let action = Action::new();
    // The bytes do not depend on the URL, which is not known before the server is there.
    let packed = action.release("").packed;
    let web = Web::new(move |number, _| answer(number, &packed));
    let release = action.release(&web.url("/v{version}/{file}"));
    (action, release, web)
}

/// Installs on a system with curl and without cargo.
fn install(action: &Action) -> Output {
    let path = action.path_with(&["curl", "sha256sum"]);
    action.install(&[("PATH", path)])
}

/// That a download that cannot be used was told, nothing was run, and nothing is left.
fn assert_refused(action: &Action, output: &Output, reason: &str) {
    assert_gave_up(output, reason);
    assert_eq!(action.left(), Vec::<PathBuf>::new());
}

#[test]
fn a_release_is_downloaded_once_and_then_found_in_the_tool_cache() {
    let (action, release, web) = released(|_, packed| Answer::Whole(packed.to_vec()));
    let output = install(&action);
    assert_found(&output, &action.tool());
    assert_eq!(action.left(), [action.tool()]);
    assert_eq!(std::fs::read(action.tool()).unwrap(), release.binary);
    let [request] = &web.requests()[..] else { panic!("{:?}", web.requests()) };
    assert_eq!(request.path, format!("/v1.2.3/runner-cache-{}-linux.gz", std::env::consts::ARCH));

    let again = action.install(&[("PATH", action.host.path("system"))]);
    assert_found(&again, &action.tool());
    assert_eq!((stderr(&again).as_str(), web.requests().len()), ("", 1));
}

#[test]
fn a_tampered_tool_cache_is_not_run_but_replaced() {
    let (action, _, _web) = released(|_, packed| Answer::Whole(packed.to_vec()));
    let marker = action.bait(&action.tool());
    let output = install(&action);
    assert_found(&output, &action.tool());
    assert!(stderr(&output).contains(": not the runner-cache 1.2.3"), "{}", stderr(&output));
    assert!(!marker.exists());
}

#[test]
fn another_hash_of_the_same_size_is_not_run() {
    let (action, ..) = released(|_, packed| {
        let mut other = packed.to_vec();
        *other.last_mut().unwrap() ^= 1;
        Answer::Whole(other)
    });
    assert_refused(&action, &install(&action), "refusing to run the download:");
}

#[test]
fn a_smaller_size_is_not_run() {
    let (action, ..) = released(|_, packed| Answer::Whole(packed[1..].to_vec()));
    assert_refused(&action, &install(&action), "bytes, the release has");
}

#[test]
fn a_larger_size_is_not_even_downloaded() {
    let (action, ..) = released(|_, packed| Answer::Whole(packed.repeat(2)));
    assert_refused(&action, &install(&action), "is larger than the");
    assert_eq!(action.slept(), Vec::<String>::new());
}

#[test]
fn a_truncated_download_goes_on_from_where_it_stopped() {
    let (action, release, web) = released(|number, packed| match number {
        0 => Answer::Part(packed.to_vec(), 100),
        _ => Answer::Whole(packed.to_vec()),
    });
    assert_found(&install(&action), &action.tool());
    assert_eq!(std::fs::read(action.tool()).unwrap(), release.binary);
    assert_eq!(web.requests()[1].header("range"), Some("bytes=100-"));
}

#[test]
fn a_truncated_download_starts_anew_where_the_server_knows_no_ranges() {
    let (action, _, web) = released(|number, packed| match number {
        0 => Answer::Part(packed.to_vec(), 100),
        _ => Answer::WholeOnly(packed.to_vec()),
    });
    assert_found(&install(&action), &action.tool());
    assert_eq!(web.requests().len(), 3, "the second one asked for a range");
}

#[test]
fn a_download_that_never_gets_whole_is_given_up_after_four_tries() {
    let (action, _, web) = released(|_, packed| Answer::Part(packed.to_vec(), 10));
    assert_refused(&action, &install(&action), "no cargo to build it with");
    assert_eq!((web.requests().len(), action.slept().join(" ").as_str()), (4, "1 2 4"));
}

#[test]
fn a_failing_server_is_asked_again() {
    let (action, ..) = released(|number, packed| match number {
        0 => Answer::Status(500),
        _ => Answer::Whole(packed.to_vec()),
    });
    let output = install(&action);
    assert_found(&output, &action.tool());
    assert!(stderr(&output).contains("500; trying again in 1 s"), "{}", stderr(&output));
}

#[test]
fn what_is_not_there_is_not_asked_for_again() {
    let (action, _, web) = released(|_, _| Answer::Status(404));
    assert_refused(&action, &install(&action), "404");
    assert_eq!(web.requests().len(), 1);
}

#[test]
fn a_slow_download_is_bounded() {
    let (action, _, _web) = released(|_, packed| Answer::Slow(packed.to_vec()));
    let bound = ("RUNNER_CACHE_DOWNLOAD_SECONDS", "1".into());
    let output = action.install(&[("PATH", action.path_with(&["curl", "sha256sum"])), bound]);
    assert_refused(&action, &output, "timed out after 1 s");
}

#[test]
fn without_a_network_a_release_is_built_for_the_job_alone() {
    let (action, ..) = released(|_, _| Answer::Status(404));
    let output = action.install(&[]);
    let built = action
        .host
        .path("home/runner-cache/1.2.3-built")
        .join(kept().strip_prefix("runner-cache/1.2.3").unwrap());
    assert_found(&output, &built);
    assert!(stderr(&output).contains("building it with cargo"), "{}", stderr(&output));
    assert!(!action.tool().exists(), "later jobs run the release or what they build");

    let save = action.install(&[]);
    assert_found(&save, &built);
    assert_eq!(stderr(&save), "", "it is neither built nor asked for again");
}

#[test]
fn what_an_earlier_job_left_in_the_place_of_the_binary_breaks_no_later_job() {
    let leave: [fn(&Action); 3] = [
        |action| std::fs::create_dir_all(action.tool().join("directory")).unwrap(),
        |action| {
            action.bait(&action.tool());
            std::fs::set_permissions(action.tool(), std::fs::Permissions::from_mode(0o111)).unwrap();
        },
        // What cannot be removed, of a job that was killed long ago.
        |action| {
            let old = action.tool().with_file_name(".download.killed");
            std::fs::create_dir_all(&old).unwrap();
            let find = action.host.path("system/find");
            std::fs::remove_file(&find).unwrap();
            action.host.script("system", "find", "exit 1");
        },
    ];
    for leave in leave {
        let (action, release, _web) = released(|_, packed| Answer::Whole(packed.to_vec()));
        let path = action.path_with(&["curl", "sha256sum"]);
        leave(&action);
        assert_found(&action.install(&[("PATH", path)]), &action.tool());
        assert_eq!(std::fs::read(action.tool()).unwrap(), release.binary);
    }
}

#[test]
fn variables_of_earlier_steps_are_numbers_or_nothing() {
    let (action, _, _web) = released(|_, packed| Answer::Whole(packed.to_vec()));
    let marker = action.host.path("ran");
    let code = format!("PATH[$(: >{}; echo 0)]", marker.display());
    let output = action.install(&[
        ("PATH", action.path_with(&["curl", "sha256sum"])),
        ("RUNNER_CACHE_DOWNLOAD_SECONDS", code.into()),
        ("SECONDS", "1000".into()),
        ("work", action.host.path("home/of-the-job")),
    ]);
    assert_found(&output, &action.tool());
    assert!(!marker.exists());
    std::fs::create_dir_all(action.host.path("home/of-the-job")).unwrap();
    let again = action.install(&[("work", action.host.path("home/of-the-job"))]);
    assert_found(&again, &action.tool());
    assert!(action.host.path("home/of-the-job").is_dir(), "only what the script made itself is removed");
}

#[test]
fn no_connection_is_told_with_what_would_help() {
    let (action, ..) = released(|_, _| Answer::Status(404));
    // A port that nobody listens on: it was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = ("INSTALL_URL", format!("http://127.0.0.1:{port}/{{file}}").into());
    let output = action.install(&[("PATH", action.path_with(&["curl", "sha256sum"])), url]);
    assert_refused(&action, &output, "hint: set download-url, or RUNNER_CACHE_BIN");
    assert_eq!(action.slept(), ["1", "2", "4"]);
}

#[test]
fn a_token_goes_to_its_host_and_no_other() {
    let (action, release, _) = released(|_, _| Answer::Status(404));
    let packed = release.packed.clone();
    let other = Web::new(move |_, _| Answer::Whole(packed.clone()));
    let elsewhere = format!("http://localhost:{}/moved", other.port);
    let first = Web::new(move |_, _| Answer::Redirect(elsewhere.clone()));
    let output = action.install(&[
        ("PATH", action.path_with(&["curl", "sha256sum"])),
        ("INSTALL_URL", first.url("/mirror/{version}/{file}?signature=secret").into()),
        ("INSTALL_TOKEN", "of-the-job".into()),
    ]);
    assert_found(&output, &action.tool());
    let asked = first.requests();
    assert_eq!(asked[0].header("authorization"), Some("Bearer of-the-job"));
    assert!(asked[0].path.starts_with("/mirror/1.2.3/runner-cache-"), "{asked:?}");
    assert_eq!(other.requests().len(), 1);
    assert_eq!(other.requests()[0].header("authorization"), None);
    assert!(!stderr(&output).contains("secret"), "{}", stderr(&output));
}

#[test]
fn only_this_machine_is_asked_without_tls() {
    let (action, ..) = released(|_, _| Answer::Status(404));
    for url in ["http://mirror.example/{file}", "http://127.0.0.1@mirror.example/", "file:///etc/passwd"] {
        std::fs::remove_dir_all(action.host.path("system")).ok();
        let path = action.path_with(&["curl", "sha256sum"]);
        let output = action.install(&[("PATH", path), ("INSTALL_URL", url.into())]);
        assert_refused(&action, &output, "is not an https URL");
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let (action, ..) = released(|_, packed| Answer::Whole(packed.to_vec()));
    // A limit of the size of files that fails a write as a full disk does.
    let mut command = Command::new("bash");
    let limited = "trap '' XFSZ; ulimit -f 2; exec bash \"$0\"";
    command.arg("-c").arg(limited).arg(action.host.path("stand-in/scripts/install.sh"));
    command.env("PATH", action.path_with(&["curl", "sha256sum"])).env_remove("RUNNER_CACHE_BIN");
    command.env("RUNNER_TOOL_CACHE", action.host.path("tools")).env("RUNNER_TEMP", action.host.path("home"));
    assert_refused(&action, &command.output().unwrap(), "no space in ");
}

#[test]
fn two_jobs_at_once_both_have_a_whole_binary() {
    let both = Arc::new(Barrier::new(2));
    let (action, release, web) = released(move |_, packed| {
        both.wait();
        Answer::Whole(packed.to_vec())
    });
    let path = action.path_with(&["curl", "sha256sum"]);
    let start = || {
        let mut command = action.command(&[("PATH", path.clone())]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    for job in [start(), start()] {
        assert_found(&job.wait_with_output().unwrap(), &action.tool());
    }
    assert_eq!(web.requests().len(), 2);
    assert_eq!(action.left(), [action.tool()]);
    assert_eq!(std::fs::read(action.tool()).unwrap(), release.binary);
}

#[test]
fn where_the_tool_cache_cannot_be_written_the_binary_is_the_jobs() {
    let (action, _, web) = released(|_, packed| Answer::Whole(packed.to_vec()));
    let of_job = action.host.path("home").join(kept());
    let env = [
        ("PATH", action.path_with(&["curl", "sha256sum"])),
        // Not even by root.
        ("RUNNER_TOOL_CACHE", "/proc/tools".into()),
    ];
    assert_found(&action.install(&env), &of_job);
    assert_found(&action.install(&env), &of_job);
    assert_eq!(web.requests().len(), 1);
}

#[test]
fn wget_and_openssl_do_as_well() {
    let (action, release, web) = released(|number, packed| match number {
        0 => Answer::Part(packed.to_vec(), 100),
        _ => Answer::Whole(packed.to_vec()),
    });
    let output = action.install(&[("PATH", action.path_with(&["wget", "openssl"]))]);
    assert_found(&output, &action.tool());
    assert_eq!(std::fs::read(action.tool()).unwrap(), release.binary);
    assert_eq!(web.requests().len(), 2, "one try of wget is one request");
}

#[test]
fn what_nothing_can_verify_is_not_run() {
    let (action, _, web) = released(|_, packed| Answer::Whole(packed.to_vec()));
    let marker = action.bait(&action.tool());
    let output = action.install(&[("PATH", action.path_with(&["curl"]))]);
    assert_gave_up(&output, "to verify a binary with");
    assert!(!marker.exists() && web.requests().is_empty());
}

#[test]
fn what_fetch_put_into_the_tool_cache_is_not_downloaded() {
    let action = Action::new();
    let release = action.release("https://localhost:9/{file}");
    let manifest = std::fs::read(action.host.path("stand-in/dist/release.json")).unwrap();
    let web = Web::new(move |_, request| {
        let is_manifest = request.path.ends_with("/release.json");
        Answer::Whole(if is_manifest { manifest.clone() } else { release.packed.clone() })
    });
    let url = web.url("/{file}");
    let mut fetch = Command::new(PROGRAM);
    fetch.args(["fetch", "--download-url", &url]).env_clear();
    fetch.env("HOME", action.host.path("home")).env("RUNNER_TOOL_CACHE", action.host.path("tools"));
    assert_found(&fetch.output().unwrap(), &action.tool());
    let output = action.install(&[("PATH", action.path_with(&["sha256sum"]))]);
    assert_found(&output, &action.tool());
    assert_eq!((stderr(&output).as_str(), web.requests().len()), ("", 2));
}
