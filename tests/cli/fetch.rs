//! `fetch`: what a release server may answer, and that nothing is put anywhere or run that is not the release's.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use test_support::files::write_executable;
use test_support::web::{Answer, Web};

use crate::releases::{LIST, Release, Server, host, is_packed, list, packed, packed_name, usual};

#[test]
fn newest_release_lands_in_the_tool_cache_and_is_downloaded_once() {
    let release = Release::new("1.10.0");
    let of_list = release.clone();
    let server = Server::new(&release, move |_, request| {
        if request.path != LIST {
            return None;
        }
        let host = host(request);
        if request.header("if-none-match") == Some("W/\"all\"") {
            return Some(Answer::Full(304, Vec::new(), Vec::new()));
        }
        let mut others =
            ["2.0.0", "2.0.0-rc.1", "1.9.9", "3.0.0"].map(|other| Release::new(other).listed(&host));
        others[0]["prerelease"] = json!(true);
        others[3]["draft"] = json!(true);
        let all = [&others[..], &[of_list.listed(&host)]].concat();
        Some(list(&all, &[("ETag", "W/\"all\"".to_owned())]))
    });
    let said = server.job.ok(&["fetch"]);
    let tool = server.tool("1.10.0");
    assert_eq!(said.stdout, format!("{}\n", tool.display()));
    assert!(
        said.log.contains("verified size and SHA-256; gh is missing, so not who built it"),
        "{}",
        said.log
    );
    assert_eq!(std::fs::read(&tool).unwrap(), release.program);
    assert_eq!(std::fs::metadata(&tool).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(server.left(), [tool.as_path()]);

    let again = server.job.ok(&["fetch"]);
    assert!(again.log.contains("is there already"), "{}", again.log);
    assert_eq!(again.stdout, said.stdout);
    assert_eq!(server.requests_for(&packed_name()).len(), 1);
    let tags: Vec<_> = server
        .requests_for(LIST)
        .into_iter()
        .map(|request| request.header("if-none-match").map(str::to_owned))
        .collect();
    assert_eq!(tags, [None, Some("W/\"all\"".to_owned())], "the second one was answered with 304");
    let told: Value = serde_json::from_str(&server.job.ok(&["fetch", "--json"]).stdout).unwrap();
    let result = json!({ "version": "1.10.0", "path": tool, "downloaded": false, "attested": false });
    assert_eq!((&told["command"], &told["result"]), (&json!("fetch"), &result));

    // One that is not the release's is replaced, and not run.
    let marker = server.job.path("the-wrong-one-ran");
    write_executable(&tool, &format!("#!/bin/sh\n: >{}\necho runner-cache 1.10.0\n", marker.display()));
    server.job.ok(&["fetch"]);
    assert_eq!(std::fs::read(&tool).unwrap(), release.program);
    assert!(!marker.exists());
}

#[test]
fn kept_list_of_another_user_is_not_believed() {
    let server = Server::usual(&Release::new("1.2.3"));
    server.job.ok(&["fetch"]);
    let directory = server.job.path("home/.cache/runner-cache-lists");
    let [kept] = &test_support::files::inside(&directory)[..] else { panic!("one list is kept") };
    std::fs::set_permissions(kept, std::fs::Permissions::from_mode(0o622)).unwrap();
    server.job.ok(&["fetch"]);
    let asked: Vec<_> =
        server.requests_for(LIST).iter().map(|request| request.header("if-none-match").is_some()).collect();
    assert_eq!(asked, [false, false]);
    server.job.ok(&["fetch"]);
    assert!(server.requests_for(LIST)[2].header("if-none-match").is_some());
}

#[test]
fn list_is_read_page_by_page() {
    let release = Release::new("1.2.3");
    let of_list = release.clone();
    let server = Server::new(&release, move |_, request| {
        let host = host(request);
        let second = "/repos/btcdecoded/runner-cache/releases?per_page=100&page=2";
        if request.path == LIST {
            let mut preview = Release::new("2.0.0").listed(&host);
            preview["prerelease"] = json!(true);
            let link =
                format!("<http://{host}{second}>; rel=\"next\", <http://{host}{second}>; rel=\"last\"");
            return Some(list(&[preview], &[("Link", link)]));
        }
        (request.path == second).then(|| list(&[of_list.listed(&host)], &[]))
    });
    assert_eq!(server.job.ok(&["fetch"]).stdout, format!("{}\n", server.tool("1.2.3").display()));
}

#[test]
fn next_page_at_another_host_is_not_asked_for() {
    let elsewhere = Web::new(|_, _| Answer::Status(404));
    let next =
        elsewhere.url("/repos/btcdecoded/runner-cache/releases?page=2").replace("127.0.0.1", "localhost");
    let server = Server::new(&Release::new("1.2.3"), move |_, request| {
        (request.path == LIST).then(|| list(&[], &[("Link", format!("<{next}>; rel=\"next\""))]))
    });
    server.assert_refused(&server.job.run(&["fetch"]), "its next page is said to be at localhost");
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn used_up_rate_limit_tells_when_it_begins_anew() {
    let server = Server::new(&Release::new("1.2.3"), |_, request| {
        let headers =
            vec![("X-RateLimit-Remaining", "0".to_owned()), ("X-RateLimit-Reset", "4102444800".to_owned())];
        let body = json!({ "message": "API rate limit exceeded for 203.0.113.7.", "documentation_url": "https://docs.github.com/" });
        (request.path == LIST).then(|| Answer::Full(403, headers, body.to_string().into_bytes()))
    });
    let said = server.job.run(&["fetch"]);
    server.assert_refused(&said, "the rate limit of 127.0.0.1 is used up until 2100-01-01T00:00:00Z");
    assert!(said.log.contains("hint: GITHUB_TOKEN or `--token-file` has a limit"), "{}", said.log);
    assert_eq!(server.paths(), [LIST], "it is not asked again");
}

#[test]
fn absent_releases_and_files_are_told() {
    let server = Server::usual(&Release::new("1.2.3"));
    server.assert_refused(&server.job.run(&["fetch", "1.2.4"]), "has no release 1.2.4; the newest is 1.2.3");
    server.assert_refused(
        &server.job.run(&["fetch", "--repository", "o/r"]),
        "/repos/o/r/releases answered 404 Not Found",
    );
    let lacking =
        Server::new(&Release::new("1.2.3"), |_, request| is_packed(request).then_some(Answer::Status(404)));
    lacking
        .assert_refused(&lacking.job.run(&["fetch"]), &format!("{} answered 404 Not Found", packed_name()));
    assert_eq!(lacking.requests_for(".gz").len(), 1, "404 is final");
    let other = if cfg!(target_arch = "aarch64") { "x86_64" } else { "aarch64" };
    let said = server.job.run(&["fetch", "--target", other]);
    server.assert_refused(&said, &format!("release 1.2.3 was not made for {other}-linux"));
}

#[test]
fn failing_server_is_asked_again() {
    let server =
        Server::new(&Release::new("1.2.3"), |number, _| (number == 0).then_some(Answer::Status(500)));
    let said = server.job.ok(&["fetch"]);
    assert_eq!(
        said.log.matches("answered 500 Internal Server Error; trying again in 0.5 s").count(),
        3,
        "{}",
        said.log
    );
    assert!(server.tool("1.2.3").is_file());
}

#[test]
fn token_goes_to_the_api_and_nowhere_else() {
    let release = Release::new("1.2.3");
    let of_storage = release.clone();
    let storage = Web::new(move |_, request| {
        let mut plain = request.clone();
        plain.path = request.path.split('?').next().unwrap().to_owned();
        usual(&of_storage, &plain)
    });
    let port = storage.port;
    let mut server = Server::new(&release, move |_, request| {
        let name = request.path.strip_prefix("/repos/btcdecoded/runner-cache/releases/assets/1.2.3-")?;
        Some(Answer::Redirect(format!(
            "http://localhost:{port}/download/v1.2.3/{name}?signature=signed-secret"
        )))
    });
    server.job.write("token", "ghp_from_a_file\n");
    let file = server.job.path("token").display().to_string();
    server.job.set("GITHUB_TOKEN", "ghp_from_the_environment");
    for (args, token) in [
        (&["fetch"][..], "Bearer ghp_from_the_environment"),
        (&["fetch", "--to", "there", "--token-file", &file], "Bearer ghp_from_a_file"),
    ] {
        let said = server.job.ok(args);
        let text = format!("{}{}", said.log, said.stdout);
        assert!(!text.contains("ghp_") && !text.contains("secret"), "{text}");
        let last = server.web.requests().pop().unwrap();
        assert_eq!(last.header("authorization"), Some(token), "{last:?}");
    }
    let redirected = storage.requests();
    assert_eq!(redirected.len(), 4);
    for request in redirected {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
}

#[test]
fn token_that_is_none_is_refused_unseen() {
    let server = Server::usual(&Release::new("1.2.3"));
    server.job.write("token", "ghp_secret\nX-Other: 1\n");
    let file = server.job.path("token").display().to_string();
    let said = server.job.run(&["fetch", "--token-file", &file]);
    server.assert_refused(&said, "holds no token");
    assert!(!said.log.contains("ghp_secret") && server.paths().is_empty(), "{}", said.log);
}

#[test]
fn truncated_download_goes_on_where_it_stopped() {
    let release = Release::new("1.2.3");
    let bytes = release.packed.clone();
    let server = Server::new(&release, move |number, request| {
        (number == 0 && is_packed(request)).then(|| Answer::Part(bytes.clone(), 1000))
    });
    let said = server.job.ok(&["fetch"]);
    assert!(said.log.contains("trying again"), "{}", said.log);
    let [first, second] = &server.requests_for(".gz")[..] else { panic!("{:?}", server.paths()) };
    assert_eq!(first.header("range"), None);
    assert_eq!(second.header("range"), Some("bytes=1000-"));
    assert!(second.header("if-range").is_some());
    assert_eq!(std::fs::read(server.tool("1.2.3")).unwrap(), release.program);
}

#[test]
fn changed_file_is_not_put_together_from_two() {
    let release = Release::new("1.2.3");
    let server = Server::new(&release, move |number, request| {
        (number == 0 && is_packed(request)).then(|| Answer::Part(vec![7; 3000], 1000))
    });
    // The sizes differ, and that is told at once; of the same size it would be told by the hash.
    server.assert_refused(&server.job.run(&["fetch"]), "has 3000 bytes, the release has");
    let size = release.packed.len();
    let server = Server::new(&release, move |number, request| {
        (number == 0 && is_packed(request)).then(|| Answer::Part(vec![7; size], 1000))
    });
    server.job.ok(&["fetch"]);
    assert_eq!(std::fs::read(server.tool("1.2.3")).unwrap(), release.program);
}

#[test]
fn other_bytes_are_neither_put_anywhere_nor_run() {
    let marker = tempfile::tempdir().unwrap();
    let ran = marker.path().join("ran");
    let release = Release::new("1.2.3");
    let evil = packed(&Release::doing("1.2.3", &format!(": >{}", ran.display())).program);
    let size = release.packed.len();
    let of_size = |size: usize| [&evil[..], &vec![0; size]].concat()[..size].to_vec();
    for (body, reason) in [
        (Answer::Whole(of_size(size)), "has the SHA-256"),
        (Answer::Whole(of_size(size + 1)), "bytes, the release has"),
        (Answer::Whole(of_size(size - 1)), "bytes, the release has"),
        (Answer::Endless(vec![7; 1000]), "is larger than the"),
    ] {
        let server = Server::new(&release, move |_, request| is_packed(request).then(|| body.clone()));
        let said = server.job.run(&["fetch"]);
        server.assert_refused(&said, reason);
        assert!(said.log.contains("the download is not used: http://127.0.0.1"), "{}", said.log);
        assert_eq!(server.requests_for(".gz").len(), 1, "it is not asked for again");
    }
    assert!(!ran.exists());
}

#[test]
fn manifest_is_what_the_api_says_of_it() {
    let release = Release::new("1.2.3");
    let other = Release::doing("1.2.3", "exit 1");
    let server = Server::new(&release, move |_, request| {
        request.path.ends_with("release.json").then(|| Answer::Whole(other.manifest().into_bytes()))
    });
    server.assert_refused(&server.job.run(&["fetch"]), "release.json has the SHA-256");
    // What is packed is not what the manifest says.
    let mut other = Release::new("1.2.3");
    other.program = Release::doing("1.2.3", "exit 1").program;
    let server = Server::usual(&other);
    server.assert_refused(&server.job.run(&["fetch"]), "what is packed in http");
    // Another release under this one's name.
    let mut wrong = Release::new("1.2.3");
    wrong.version = "1.2.2".to_owned();
    let text = wrong.manifest();
    let server = Server::new(&release, move |_, _| Some(Answer::Whole(text.clone().into_bytes())));
    let url = server.web.url("/{version}/{file}");
    let said = server.job.run(&["fetch", "1.2.3", "--download-url", &url]);
    server.assert_refused(&said, "release.json is of release 1.2.2, not 1.2.3");
}

#[test]
fn mirror_has_what_the_api_says_of_the_newest_release() {
    let (release, planted) = (Release::new("1.2.3"), Release::doing("1.2.3", "touch $HOME/planted"));
    let server = Server::new(&release, move |_, request| {
        let name = request.path.strip_prefix("/mirror/1.2.3/")?;
        Some(match name {
            "release.json" => Answer::Whole(planted.manifest().into_bytes()),
            _ => Answer::Whole(planted.packed.clone()),
        })
    });
    let url = server.web.url("/mirror/{version}/{file}");
    server
        .assert_refused(&server.job.run(&["fetch", "--download-url", &url]), "release.json has the SHA-256");
}

#[test]
fn program_that_does_not_run_stays_out() {
    let server = Server::usual(&Release::doing("1.2.3", "exit 1"));
    server.assert_refused(&server.job.run(&["fetch"]), "runner-cache 1.2.3 does not run in");
}

#[test]
fn server_that_cannot_be_reached_is_named() {
    let mut server = Server::usual(&Release::new("1.2.3"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    server.job.set("GITHUB_API_URL", format!("http://{free}"));
    let said = server.job.run(&["fetch"]);
    server.assert_refused(
        &said,
        &format!("http://{free}/repos/btcdecoded/runner-cache/releases cannot be reached: "),
    );
    assert!(said.log.contains("Connection refused"), "{}", said.log);
}

#[test]
fn signal_ends_a_download_at_once() {
    let (asked, is_asked) = std::sync::mpsc::channel();
    let server = Server::new(&Release::new("1.2.3"), move |_, request| {
        let is_it = is_packed(request);
        is_it.then(|| {
            asked.send(()).unwrap();
            Answer::Slow(Release::new("1.2.3").packed)
        })
    });
    let fetch = server.job.command(&["fetch"]).stderr(Stdio::piped()).spawn().unwrap();
    is_asked.recv().unwrap();
    kill_process(Pid::from_child(&fetch), Signal::INT).unwrap();
    assert_eq!(fetch.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(server.left(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn server_that_says_nothing_is_given_up() {
    let mut server = Server::new(&Release::new("1.2.3"), |_, request| {
        is_packed(request).then(|| Answer::Slow(Release::new("1.2.3").packed))
    });
    server.job.set("RUNNER_CACHE_DOWNLOAD_SECONDS", 1);
    server.assert_refused(&server.job.run(&["fetch"]), "not downloaded within 1 s");
}

#[test]
fn nothing_comes_without_tls_from_elsewhere() {
    let mut server = Server::usual(&Release::new("1.2.3"));
    for url in ["http://mirror.example/{file}", "ftp://127.0.0.1/{file}", "http://127.0.0.1.example/{file}"] {
        server.assert_refused(&server.job.run(&["fetch", "--download-url", url]), "is not an https URL");
    }
    server.job.set("GITHUB_API_URL", "http://api.example");
    server.assert_refused(&server.job.run(&["fetch"]), "http://api.example/ is not an https URL");
    let elsewhere = Server::new(&Release::new("1.2.3"), |_, request| {
        is_packed(request).then(|| Answer::Redirect("ftp://127.0.0.1/x?secret".to_owned()))
    });
    let said = elsewhere.job.run(&["fetch"]);
    elsewhere.assert_refused(&said, "it redirects to ftp://127.0.0.1/x, which is not an https URL");
    assert!(!said.log.contains("secret") && elsewhere.requests_for(".gz").len() == 1, "{}", said.log);
}

#[test]
fn mirror_needs_no_api() {
    let release = Release::new("1.2.3");
    let mut server = Server::usual(&release);
    let url = server.web.url("/download/v1.2.3/{file}");
    server.job.set("GITHUB_API_URL", "https://api.invalid");
    let said = server.job.ok(&["fetch", "--download-url", &url, "--to", "bin/"]);
    assert_eq!(said.stdout, "bin/runner-cache\n");
    assert_eq!(std::fs::read(server.job.path("work/project/bin/runner-cache")).unwrap(), release.program);
    let said = server.job.ok(&["fetch", "--download-url", &url, "--to", "named"]);
    assert_eq!(said.stdout, "named\n");
    assert!(server.job.path("work/project/named").is_file() && !server.paths().contains(&LIST.to_owned()));
    let said = server.job.run(&["fetch", "--download-url", &server.web.url("/runner-cache.gz")]);
    server.assert_refused(&said, "has no `{file}` in it");
}

#[test]
fn full_disk_is_told_and_leaves_nothing() {
    let server = Server::usual(&Release::new("1.2.3"));
    let program = server.job.command(&["fetch"]);
    // A limit of the size of files that fails a write as a full disk does.
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "ulimit -f 2; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args());
    command.current_dir(program.get_current_dir().unwrap()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && log.contains("cannot write "), "{log}");
    assert_eq!(server.left(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn two_at_once_both_have_a_whole_program() {
    let release = Release::new("1.2.3");
    let both = Arc::new(Barrier::new(2));
    let server = Server::new(&release, move |_, request| {
        if is_packed(request) {
            both.wait();
        }
        None
    });
    let start =
        || server.job.command(&["fetch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for fetch in [start(), start()] {
        let output = fetch.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(server.left(), [server.tool("1.2.3")]);
    assert_eq!(std::fs::read(server.tool("1.2.3")).unwrap(), release.program);
}

#[test]
fn gh_has_a_say_where_it_is() {
    let release = Release::new("1.2.3");
    for (script, is_fine) in [
        (
            "[ \"$*\" = \"attestation verify $3 --repo btcdecoded/runner-cache --bundle $7 --signer-workflow btcdecoded/runner-cache/.github/workflows/release.yml\" ] && [ -s \"$3\" ] && [ -s \"$7\" ]",
            true,
        ),
        ("echo 'not this one' >&2; exit 1", false),
    ] {
        let server = Server::usual(&release);
        write_executable(&server.job.path("bin/gh"), &format!("#!/bin/sh\n{script}\n"));
        let said = server.job.run(&["fetch"]);
        if is_fine {
            assert!(said.is_success() && said.log.contains("by gh who built it"), "{said:?}");
        } else {
            server.assert_refused(&said, "does not confirm that btcdecoded/runner-cache built runner-cache-");
            assert!(server.job.run(&["fetch", "--no-attestation"]).is_success());
        }
    }
    // A page without attestations is not better than one with wrong ones.
    let server = Server::new(&release, |_, request| {
        request.path.ends_with("attestation.jsonl").then_some(Answer::Status(404))
    });
    write_executable(&server.job.path("bin/gh"), "#!/bin/sh\n");
    server.assert_refused(&server.job.run(&["fetch"]), "attestation.jsonl answered 404");
}

#[test]
fn proxy_is_asked_unless_the_host_is_excepted() {
    let proxy = Web::new(|_, _| Answer::Status(403));
    let mut server = Server::usual(&Release::new("1.2.3"));
    server.job.set("GITHUB_API_URL", "https://api.invalid");
    server.job.set("HTTPS_PROXY", proxy.url(""));
    server.assert_refused(
        &server.job.run(&["fetch"]),
        "https://api.invalid/repos/btcdecoded/runner-cache/releases cannot be reached",
    );
    let asked = proxy.requests();
    assert!(!asked.is_empty() && asked.iter().all(|request| request.path == "api.invalid:443"), "{asked:?}");
    server.job.set("NO_PROXY", ".invalid");
    assert!(!server.job.run(&["fetch"]).is_success());
    assert_eq!(proxy.requests().len(), asked.len());
    // From this machine itself nothing goes through a proxy.
    server.job.set("GITHUB_API_URL", server.web.url(""));
    server.job.set("HTTP_PROXY", proxy.url(""));
    server.job.ok(&["fetch"]);
    assert_eq!(proxy.requests().len(), asked.len());
}

#[test]
fn list_that_is_none_is_told() {
    let server = Server::new(&Release::new("1.2.3"), |_, request| {
        (request.path == LIST).then(|| Answer::Whole(b"<html>sign in to the network</html>".to_vec()))
    });
    server.assert_refused(&server.job.run(&["fetch"]), "answered what is not understood: ");
    let server = Server::new(&Release::new("1.2.3"), |_, request| {
        let empty: [Value; 0] = [];
        (request.path == LIST).then(|| list(&empty, &[]))
    });
    server.assert_refused(&server.job.run(&["fetch"]), "has no release yet");
}

/// A server with a certificate that only `certificate.pem` of the host vouches for. It has what is in a directory.
struct TlsServer {
    process: Child,
    port: u16,
}

impl TlsServer {
    fn new(server: &Server, name: &str) -> Self {
        let settings = format!(
            "[req]\ndistinguished_name = dn\nx509_extensions = ext\nprompt = no\n[dn]\nCN = {name}\n[ext]\n\
             subjectAltName = DNS:{name}\nbasicConstraints = critical, CA:FALSE\n"
        );
        server.job.write("tls/settings", &settings);
        let directory = server.job.path("tls");
        let args =
            "req -x509 -newkey rsa:2048 -nodes -days 2 -config settings -keyout key.pem -out certificate.pem";
        let made = Command::new("openssl").args(args.split(' ')).current_dir(&directory).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let script = r#"
import functools, http.server, ssl
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="page")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("certificate.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;
        let mut process = Command::new("python3")
            .args(["-c", script])
            .current_dir(&directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn names_and_certificates_are_the_hosts() {
    let release = Release::new("1.2.3");
    let mut server = Server::usual(&release);
    server.job.write("tls/page/release.json", &release.manifest());
    test_support::files::write(&server.job.path("tls/page").join(packed_name()), &release.packed);
    let tls = TlsServer::new(&server, "release.test");
    // A name that no other way leads to an address.
    let answer = "[ \"$1 $2\" = 'ahosts release.test' ] && echo '127.0.0.1  STREAM release.test'";
    write_executable(&server.job.path("bin/getent"), &format!("#!/bin/sh\n{answer}\n"));
    let url = format!("https://release.test:{}/{{file}}", tls.port);
    let said = server.job.run(&["fetch", "--download-url", &url]);
    server.assert_refused(&said, "invalid peer certificate: UnknownIssuer");
    server.job.set("SSL_CERT_FILE", server.job.path("tls/certificate.pem").display());
    server.job.ok(&["fetch", "--download-url", &url]);
    assert_eq!(std::fs::read(server.tool("1.2.3")).unwrap(), release.program);
    let other = format!("https://other.test:{}/{{file}}", tls.port);
    server.job.remove("tools");
    server.assert_refused(&server.job.run(&["fetch", "--download-url", &other]), "https://other.test");
}
