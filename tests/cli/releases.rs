//! A release server on this machine, with answers in the form of GitHub's.

use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use runner_cache::sys::sha256_hex;
use serde_json::{Value, json};
use test_support::web::{Answer, Request, Web};
use test_support::{Job, Said};

use crate::PROGRAM;

/// The path of the list's first page.
pub(crate) const LIST: &str = "/repos/btcdecoded/runner-cache/releases?per_page=100";

/// The file for this machine.
pub(crate) fn packed_name() -> String {
    format!("runner-cache-{}-linux.gz", std::env::consts::ARCH)
}

/// What is on the page of one release.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) version: String,
    /// The program, a script.
    pub(crate) program: Vec<u8>,
    pub(crate) packed: Vec<u8>,
}

impl Release {
    /// One whose program does `more` before it tells its version.
    pub(crate) fn doing(version: &str, more: &str) -> Self {
        // Some that cannot be packed to nothing, as of a real program.
        let ballast = (0..20_000_u32).map(|number| char::from(b'a' + (number * number % 8191 % 26) as u8));
        let ballast: String = ballast.collect();
        let program =
            format!("#!/bin/sh\n{more}\necho runner-cache {version}\nexit\n{ballast}\n").into_bytes();
        let packed = packed(&program);
        Self { version: version.to_owned(), program, packed }
    }

    pub(crate) fn new(version: &str) -> Self {
        Self::doing(version, ":")
    }

    /// `release.json`, as `scripts/release.sh` writes it.
    pub(crate) fn manifest(&self) -> String {
        let entry = json!({
            "file": packed_name(), "size": self.packed.len(), "sha256": sha256_hex(&self.packed),
            "binary_sha256": sha256_hex(&self.program),
        });
        let target = format!("{}-linux", std::env::consts::ARCH);
        json!({
            "version": self.version, "source": "0".repeat(40), "rustc": "rustc 1.95.0",
            "url": "https://github.com/btcdecoded/runner-cache/releases/download/v{version}/{file}",
            "targets": { target: entry },
        })
        .to_string()
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            "release.json" => Some(self.manifest().into_bytes()),
            "attestation.jsonl" => Some(b"{}\n".to_vec()),
            name if name == packed_name() => Some(self.packed.clone()),
            _ => None,
        }
    }

    /// As the API lists it, at `host`.
    pub(crate) fn listed(&self, host: &str) -> Value {
        let asset = |(id, name): (usize, &str)| {
            let bytes = self.file(name).unwrap();
            json!({
                "url": format!("http://{host}/repos/btcdecoded/runner-cache/releases/assets/{}-{name}", self.version),
                "id": id, "node_id": "RA_kwDO", "name": name, "label": "", "uploader": { "login": "github-actions[bot]", "id": 41_898_282 },
                "content_type": "application/octet-stream", "state": "uploaded", "size": bytes.len(),
                "digest": format!("sha256:{}", sha256_hex(&bytes)), "download_count": 7,
                "created_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-01T10:00:01Z",
                "browser_download_url": format!("http://{host}/download/v{}/{name}", self.version),
            })
        };
        let names = [&*packed_name(), "release.json", "attestation.jsonl"];
        json!({
            "url": format!("http://{host}/repos/btcdecoded/runner-cache/releases/1"), "id": 1, "node_id": "RE_kwDO",
            "html_url": format!("http://{host}/btcdecoded/runner-cache/releases/tag/v{}", self.version),
            "author": { "login": "github-actions[bot]", "id": 41_898_282, "type": "Bot", "site_admin": false },
            "tag_name": format!("v{}", self.version), "target_commitish": "main", "name": self.version, "draft": false,
            "immutable": true, "prerelease": false, "created_at": "2026-11-01T10:00:00Z", "published_at": "2026-11-01T10:00:02Z",
            "assets": names.into_iter().enumerate().map(asset).collect::<Vec<_>>(),
            "tarball_url": null, "zipball_url": null, "body": "### Added\n\n- \u{201c}All\u{201d}",
        })
    }
}

/// As `gzip` does it.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A page of the list, with a tag of its own.
pub(crate) fn list(releases: &[Value], headers: &[(&'static str, String)]) -> Answer {
    let mut all = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    all.extend_from_slice(headers);
    Answer::Full(200, all, serde_json::to_vec(releases).unwrap())
}

/// The host that was asked.
pub(crate) fn host(request: &Request) -> String {
    request.header("host").unwrap().to_owned()
}

/// Whether it is for the packed program.
pub(crate) fn is_packed(request: &Request) -> bool {
    request.path.ends_with(&packed_name())
}

/// What a server with this one release answers.
pub(crate) fn usual(release: &Release, request: &Request) -> Answer {
    if request.path == LIST {
        return list(&[release.listed(&host(request))], &[("ETag", "W/\"one\"".to_owned())]);
    }
    let of_page = request.path.strip_prefix(&format!("/download/v{}/", release.version));
    let start = format!("/repos/btcdecoded/runner-cache/releases/assets/{}-", release.version);
    let name = of_page.or_else(|| request.path.strip_prefix(&start));
    name.and_then(|name| release.file(name)).map_or(Answer::Status(404), Answer::Whole)
}

/// A host that asks this server.
pub(crate) struct Server {
    pub(crate) job: Job,
    pub(crate) web: Web,
}

impl Server {
    /// One with answers of its own, and the usual ones of `release` where it has none. They are told how often the path was
    /// asked for before.
    pub(crate) fn new(
        release: &Release,
        answer: impl Fn(usize, &Request) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let release = release.clone();
        let before = std::sync::Mutex::new(std::collections::BTreeMap::<String, usize>::new());
        let web = Web::new(move |_, request| {
            let number = {
                let mut before = before.lock().unwrap();
                let number = before.entry(request.path.clone()).or_default();
                *number += 1;
                *number - 1
            };
            answer(number, request).unwrap_or_else(|| usual(&release, request))
        });
        let mut job = Job::new(PROGRAM);
        job.set("GITHUB_API_URL", web.url(""));
        job.set("RUNNER_TOOL_CACHE", job.path("tools").display());
        // Without `gh`, whatever the host of the tests has.
        job.set("PATH", job.path("bin").display());
        Self { job, web }
    }

    /// The server of a release, where all goes well.
    pub(crate) fn usual(release: &Release) -> Self {
        Self::new(release, |_, _| None)
    }

    /// The paths that were asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.web.requests().into_iter().map(|request| request.path).collect()
    }

    /// Requests for this file of the release page.
    pub(crate) fn requests_for(&self, name: &str) -> Vec<Request> {
        self.web.requests().into_iter().filter(|request| request.path.ends_with(name)).collect()
    }

    /// The place in the tool cache.
    pub(crate) fn tool(&self, version: &str) -> PathBuf {
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        self.job.path("tools/runner-cache").join(version).join(arch).join("runner-cache")
    }

    /// All files in the tool cache.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let tools = self.job.path("tools");
        if !tools.is_dir() {
            return Vec::new();
        }
        let files = test_support::files::walk(&tools).into_iter();
        files.filter(|(_, metadata)| !metadata.is_dir()).map(|(path, _)| tools.join(path)).collect()
    }

    /// That the command failed with this reason, and put nothing anywhere.
    pub(crate) fn assert_refused(&self, said: &Said, reason: &str) {
        assert_eq!((said.code, &*said.stdout), (1, ""), "{said:?}");
        assert!(said.log.contains(reason), "{reason:?} is not in: {}", said.log);
        assert_eq!(self.left(), Vec::<PathBuf>::new());
    }
}
