//! `gc --closed`: entries of closed pull requests and deleted branches go, and nothing else does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runner_cache::store::{Access, Store};
use serde_json::{Value, json};
use test_support::Job;
use test_support::web::{Answer, Request, Web};

use crate::PROGRAM;
use crate::releases::host;

const PUSH: &str = r#"{"repository": {"default_branch": "main"}}"#;

/// A host with entries of five refs, and the API of a server that answers so.
fn job(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> (Job, Web) {
    let mut job = Job::new(PROGRAM);
    let web = Web::new(move |_, request| answer(request));
    job.set("GITHUB_API_URL", web.url(""));
    job.set("GITHUB_SERVER_URL", web.url(""));
    job.write("work/project/data/file", "1");
    let pull = |number: u64| {
        let event = json!({ "repository": { "default_branch": "main" }, "pull_request": { "number": number, "base": { "ref": "main" } } });
        (format!("refs/pull/{number}/merge"), event.to_string())
    };
    let branches = ["main", "kept", "gone"].map(|name| (format!("refs/heads/{name}"), PUSH.to_owned()));
    for (reference, event) in branches.into_iter().chain([7, 8].map(pull)) {
        job.event(&reference, &event);
        job.ok(&["save", "--preset", "none", "--path", "data", "--key", "k", "--save", "always"]);
    }
    (job, web)
}

fn refs(job: &Job) -> Vec<String> {
    let json: Value = serde_json::from_str(&job.ok(&["list", "--json"]).stdout).unwrap();
    let refs = json["result"].as_array().unwrap().iter();
    let mut refs: Vec<_> = refs.map(|entry| entry["ref"].as_str().unwrap().to_owned()).collect();
    refs.sort();
    refs
}

/// A page with a tag of its own, as the API has it.
fn page(items: &Value, next: Option<String>) -> Answer {
    let mut headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    headers.push(("ETag", tag(items)));
    headers.extend(next.map(|url| ("Link", format!("<{url}>; rel=\"next\""))));
    Answer::Full(200, headers, items.to_string().into_bytes())
}

fn tag(items: &Value) -> String {
    format!("W/\"{}\"", items.to_string().len())
}

/// Pull request 7 is open, the branches are on two pages.
fn usual(request: &Request) -> Answer {
    match &*request.path {
        "/repos/o/r/pulls?state=open&per_page=100" => page(&json!([{ "number": 7, "state": "open" }]), None),
        "/repos/o/r/branches?per_page=100" => {
            let next = format!("http://{}/repos/o/r/branches?per_page=100&page=2", host(request));
            page(&json!([{ "name": "main", "protected": true }]), Some(next))
        }
        "/repos/o/r/branches?per_page=100&page=2" => page(&json!([{ "name": "kept" }]), None),
        _ => Answer::Status(404),
    }
}

#[test]
fn entries_of_closed_pull_requests_and_deleted_branches_go() {
    let (job, _web) = job(usual);
    let all = ["gone", "kept", "main"].map(|name| format!("refs/heads/{name}"));
    assert_eq!(refs(&job)[..3], all);
    let shown = job.ok(&["gc", "--closed", "--dry-run"]).stdout;
    assert!(shown.contains("refs/heads/gone") && shown.contains("refs/pull/8/merge"), "{shown}");
    assert!(shown.contains("pull request closed or branch deleted") && shown.contains("2 of 5"), "{shown}");
    assert_eq!(refs(&job).len(), 5);
    let said = job.ok(&["gc", "--closed"]);
    assert!(said.stdout.starts_with("2 entries removed"), "{said:?}");
    assert_eq!(refs(&job), ["refs/heads/kept", "refs/heads/main", "refs/pull/7/merge"]);
}

/// Entries go under their own locks, whoever else cleans up.
#[test]
fn what_went_is_told_also_while_another_process_cleans_up() {
    let (job, _web) = job(usual);
    let store = Store::open(&job.path("root"), Access::Private).unwrap();
    let _lock = store.lock_cleaning(Duration::ZERO).unwrap().unwrap();
    let said = job.ok(&["gc", "--closed"]);
    assert!(said.stdout.starts_with("2 entries removed"), "{said:?}");
    assert!(said.log.contains("another process is cleaning up"), "{said:?}");
}

#[test]
fn entries_of_repositories_that_cannot_be_asked_stay() {
    for status in [404, 403, 401] {
        let (job, _web) = job(move |_| Answer::Status(status));
        let said = job.run(&["gc", "--closed"]);
        assert_eq!((said.code, said.warnings()), (0, 1), "{said:?}");
        assert!(said.log.contains("cannot tell what is closed in o/r, all of it stays"), "{said:?}");
        assert_eq!(refs(&job).len(), 5);
    }
    // What has come of a list is not all of it.
    let (job, _web) = job(|request| match &*request.path {
        "/repos/o/r/branches?per_page=100&page=2" => Answer::Status(404),
        _ => usual(request),
    });
    assert_eq!(job.run(&["gc", "--closed"]).warnings(), 1);
    assert_eq!(refs(&job).len(), 5);
}

#[test]
fn the_default_branch_stays_although_the_api_does_not_name_it() {
    let (job, _web) = job(|_| page(&json!([]), None));
    job.ok(&["gc", "--closed"]);
    assert_eq!(refs(&job), ["refs/heads/main"]);
}

#[test]
fn without_entries_of_a_repository_nothing_is_asked() {
    let (job, web) = job(usual);
    job.ok(&["remove", "k"]);
    job.ok(&["gc", "--closed"]);
    assert!(web.requests().is_empty());
}

/// A host of the first users has fifteen repositories, and its timer asks each night.
#[test]
fn several_repositories_are_asked_and_what_has_not_changed_costs_no_question() {
    let branches = |request: &Request| match &*request.path {
        "/repos/o/r/branches?per_page=100" => Some(json!([{ "name": "main" }])),
        "/repos/o/second/branches?per_page=100" => Some(json!([{ "name": "main" }, { "name": "next" }])),
        path if path.contains("/pulls?") => Some(json!([])),
        _ => None,
    };
    let (mut job, web) = job(move |request| match branches(request) {
        Some(items) if request.header("if-none-match") == Some(&tag(&items)) => Answer::Status(304),
        Some(items) => page(&items, None),
        None => Answer::Status(404),
    });
    job.set("GITHUB_REPOSITORY", "o/second");
    for branch in ["next", "gone"] {
        job.event(&format!("refs/heads/{branch}"), PUSH);
        job.ok(&["save", "--preset", "none", "--path", "data", "--key", "k", "--save", "always"]);
    }
    let first = job.ok(&["gc", "--closed"]);
    assert!(first.stdout.starts_with("5 entries removed"), "{first:?}");
    assert_eq!(refs(&job), ["refs/heads/main", "refs/heads/next"]);
    let asked = web.requests().len();
    assert_eq!(asked, 4, "pull requests and branches of two repositories");
    let again = job.ok(&["gc", "--closed"]);
    assert_eq!((again.warnings(), refs(&job).len()), (0, 2), "{again:?}");
    let with_tags = web.requests().into_iter().filter(|request| request.header("if-none-match").is_some());
    assert_eq!(with_tags.count(), 4);
    // What has changed since is told, also beside what has not.
    job.event("refs/heads/later", PUSH);
    job.ok(&["save", "--preset", "none", "--path", "data", "--key", "k", "--save", "always"]);
    job.ok(&["gc", "--closed"]);
    assert_eq!(refs(&job), ["refs/heads/main", "refs/heads/next"]);
}

/// Such as a server behind a proxy that does not rewrite its links: what is not read must not look closed.
#[test]
fn of_a_list_that_goes_on_elsewhere_nothing_is_known() {
    let (job, _web) = job(|request| match &*request.path {
        "/repos/o/r/branches?per_page=100" => {
            let next = "http://api.example/repos/o/r/branches?per_page=100&page=2".to_owned();
            page(&json!([{ "name": "main" }]), Some(next))
        }
        _ => usual(request),
    });
    let said = job.run(&["gc", "--closed"]);
    assert_eq!((said.code, said.warnings()), (0, 1), "{said:?}");
    assert!(said.log.contains("its next page is said to be at api.example"), "{said:?}");
    assert_eq!(refs(&job).len(), 5);
}

/// Enterprise Server, Forgejo or Gitea: a timer does not know which, and GitHub may have a repository of the same name.
#[test]
fn entries_of_another_server_stay() {
    let (mut job, web) = job(usual);
    let other = Web::new(|_, _| page(&json!([]), None));
    job.set("GITHUB_API_URL", other.url(""));
    let said = job.ok(&["gc", "--closed"]);
    assert!(said.log.contains(&format!("entries of {} stay", web.url(""))), "{said:?}");
    assert!(other.requests().is_empty());
    assert_eq!(refs(&job).len(), 5);
}

/// The tag of a page is that of what is on it: with a hundred branches, one more is on a page of its own.
#[test]
fn branch_behind_a_full_page_is_found_although_that_page_is_the_same() {
    let all: Vec<_> =
        std::iter::once("main".to_owned()).chain((1..100).map(|n| format!("b{n:02}"))).collect();
    let has_more = Arc::new(AtomicBool::new(false));
    let more = Arc::clone(&has_more);
    let (mut job, _web) = job(move |request| {
        let items = match &*request.path {
            "/repos/o/r/branches?per_page=100" => {
                json!(all.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>())
            }
            "/repos/o/r/branches?per_page=100&page=2" => json!([{ "name": "zz" }]),
            _ => json!([]),
        };
        if request.header("if-none-match") == Some(&tag(&items)) {
            return Answer::Status(304);
        }
        let is_first = request.path.starts_with("/repos/o/r/branches") && !request.path.ends_with("page=2");
        let next = || format!("http://{}/repos/o/r/branches?per_page=100&page=2", host(request));
        page(&items, (is_first && more.load(Ordering::Relaxed)).then(next))
    });
    job.ok(&["gc", "--closed"]);
    assert_eq!(refs(&job), ["refs/heads/main"]);
    has_more.store(true, Ordering::Relaxed);
    job.event("refs/heads/zz", PUSH);
    job.ok(&["save", "--preset", "none", "--path", "data", "--key", "k", "--save", "always"]);
    job.ok(&["gc", "--closed"]);
    assert_eq!(refs(&job), ["refs/heads/main", "refs/heads/zz"]);
}
