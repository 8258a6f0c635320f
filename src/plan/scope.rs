//! Where entries are looked up and saved: repository and ref, as on GitHub.
//!
//! Who may trigger an event decides what its job may save, and no job that has more rights reads what one with fewer wrote.
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching>

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cache_mode::CacheMode;
use crate::github::Context;
use crate::store::Scope;
use crate::store::retention::Reach;
use crate::sys::sha256_hex;

/// The ref of entries that were made outside of GitHub.
const LOCAL_REF: &str = "local";

/// The ref under which a job would find its own entries that may save none: nothing is there.
const NO_REF: &str = "none";

/// What an event lets a job do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only who may push triggers it: it reads and writes its own ref, and reads the default branch's.
    Ref,
    /// It runs code of a pull request: it reads and writes the merge ref of that alone, and reads what the base branch
    /// and the default branch made.
    MergeRef,
    /// Anybody can trigger it, or it has more rights than who did: it reads what the base branch and the default
    /// branch made, and writes nothing.
    Base,
}

/// What the events let a job do that are not [`Access::Base`]. Any other is that, also one that is not known yet.
pub const EVENTS: [(&str, Access); 9] = [
    ("push", Access::Ref),
    ("schedule", Access::Ref),
    ("workflow_dispatch", Access::Ref),
    ("repository_dispatch", Access::Ref),
    ("delete", Access::Ref),
    ("registry_package", Access::Ref),
    ("page_build", Access::Ref),
    ("merge_group", Access::Ref),
    ("pull_request", Access::MergeRef),
];

/// Events that run on the default branch only, and do not always tell which that is.
const OF_DEFAULT_BRANCH: [&str; 5] =
    ["schedule", "repository_dispatch", "delete", "registry_package", "page_build"];

/// Why a job saves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum NoWrite {
    /// Its event does not let it.
    #[error("jobs of the event `{0}` are read-only")]
    Event(String),
    /// Its `cache-mode` does not let it.
    #[error("`cache-mode` of this job forbids it")]
    Input,
    /// The host's policy does not let it.
    #[error(
        "the host policy forbids it; hint: `repositories`, `cache-mode` and `events` in /etc/runner-cache.yml"
    )]
    Host,
}

/// How a job's cache is narrowed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Modes {
    /// By the input `cache-mode`.
    pub input: CacheMode,
    /// By the host's policy.
    pub host: CacheMode,
}

/// Where a job reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes {
    /// Where to look, the job's own scope first.
    pub read: Vec<Scope>,
    /// Where to save, or why nowhere.
    pub write: Result<Scope, NoWrite>,
    /// Whose entries go by the limits that the job gives.
    pub reach: Option<Reach>,
    /// Whether it saves to the scope that all others fall back on: the default branch's, or the only one.
    pub is_of_default_branch: bool,
    /// `owner/name`.
    pub repository: String,
}

impl Scopes {
    /// Those of the job of `context`, as far as `modes` let it. `directory` tells one local project from another.
    pub fn new(context: &Context, directory: &Path, modes: Modes) -> Self {
        let repository = context.repository.clone().unwrap_or_else(|| local_repository(directory));
        let scope = |reference: String| Scope { repository: repository.clone(), reference };
        let own = own_ref(context);
        let default_branch = context.default_branch.as_ref().map(|branch| format!("refs/heads/{branch}"));
        let default_branch = default_branch.or_else(|| {
            let event = context.event.as_deref().unwrap_or_default();
            own.clone().filter(|_| OF_DEFAULT_BRANCH.contains(&event))
        });
        let base_branch = context.base_branch.as_ref().map(|branch| format!("refs/heads/{branch}"));
        let mut read: Vec<Scope> = Vec::new();
        for reference in [&own, &base_branch, &default_branch].into_iter().flatten() {
            if read.iter().all(|scope| scope.reference != *reference) {
                read.push(scope(reference.clone()));
            }
        }
        let is_of_default_branch = match (&own, &default_branch) {
            (Some(own), Some(branch)) => own == branch,
            (own, None) => own.as_deref() == Some(LOCAL_REF),
            (None, Some(_)) => false,
        };
        if !modes.input.and(modes.host).reads() {
            read.clear();
        }
        let write = match own.map(scope) {
            None => Err(NoWrite::Event(context.event.clone().unwrap_or_else(|| "unknown".into()))),
            Some(_) if !modes.host.writes() => Err(NoWrite::Host),
            Some(_) if !modes.input.writes() => Err(NoWrite::Input),
            Some(scope) => Ok(scope),
        };
        let reach = write.as_ref().ok().map(|write| match access(context) {
            Access::Ref => Reach::Repository(repository.clone()),
            Access::MergeRef | Access::Base => Reach::Scope(write.clone()),
        });
        Self { read, write, reach, is_of_default_branch, repository }
    }

    /// The one that the job's own entries have, or would have.
    pub fn own(&self) -> Scope {
        let none = || Scope { repository: self.repository.clone(), reference: NO_REF.to_owned() };
        self.write.clone().unwrap_or_else(|_| none())
    }
}

/// What the job of `context` may do.
pub fn access(context: &Context) -> Access {
    if !context.is_actions {
        return Access::Ref;
    }
    if context.event_trouble.is_some() {
        return Access::Base;
    }
    let event = context.event.as_deref().unwrap_or_default();
    EVENTS.iter().find(|(name, _)| *name == event).map_or(Access::Base, |(_, access)| *access)
}

/// The ref that the job writes to, if it may.
fn own_ref(context: &Context) -> Option<String> {
    match access(context) {
        Access::Ref => match (&context.reference, context.is_actions) {
            (None, false) => Some(LOCAL_REF.to_owned()),
            (reference, _) => reference.clone(),
        },
        Access::MergeRef => {
            let told = context.pull_request.map(|number| format!("refs/pull/{number}/merge"));
            // The runner's own variable, but for a pull request that was closed.
            told.or_else(|| context.reference.clone().filter(|reference| reference.starts_with("refs/pull/")))
        }
        Access::Base => None,
    }
}

fn local_repository(directory: &Path) -> String {
    let digest = sha256_hex(directory.as_os_str().as_encoded_bytes());
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    format!("local/{name}-{}", &digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::Environment;

    /// What GitHub tells of an event: its name, the ref, and what of the payload matters.
    fn scopes(event: &str, reference: &str, payload: &str) -> Scopes {
        let env = Environment::from([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", reference),
            ("GITHUB_REPOSITORY", "o/r"),
        ]);
        Scopes::new(&Context::new(&env, Ok(Some(payload.as_bytes()))), Path::new("/w"), Modes::default())
    }

    fn refs(scopes: &Scopes) -> (Vec<&str>, Option<&str>) {
        let read = scopes.read.iter().map(|scope| scope.reference.as_str()).collect();
        (read, scopes.write.as_ref().ok().map(|scope| scope.reference.as_str()))
    }

    const MAIN: &str = "refs/heads/main";
    const REPOSITORY: &str = r#""repository": {"full_name": "o/r", "default_branch": "main"}"#;

    #[test]
    fn who_may_push_reads_and_writes_its_ref() {
        for (event, payload) in [
            ("push", r#""ref": "refs/heads/main", "before": "0", "after": "1", "commits": []"#),
            ("schedule", r#""schedule": "0 0 * * *""#),
            ("workflow_dispatch", r#""inputs": null, "ref": "refs/heads/main", "workflow": "ci.yml""#),
            ("repository_dispatch", r#""action": "go", "branch": "main", "client_payload": {}"#),
            ("delete", r#""ref": "topic", "ref_type": "branch", "pusher_type": "user""#),
            ("registry_package", r#""action": "published", "registry_package": {"id": 1}"#),
            ("page_build", r#""id": 1, "build": {"status": "built"}"#),
        ] {
            let of_main = scopes(event, MAIN, &format!("{{{payload}, {REPOSITORY}}}"));
            assert_eq!(refs(&of_main), (vec![MAIN], Some(MAIN)), "{event}");
            assert!(of_main.is_of_default_branch, "{event}");
        }
        let topic = scopes("push", "refs/heads/topic", &format!("{{{REPOSITORY}}}"));
        assert_eq!(refs(&topic), (vec!["refs/heads/topic", MAIN], Some("refs/heads/topic")));
        assert!(!topic.is_of_default_branch);
        let queue = "refs/heads/gh-readonly-queue/main/pr-7-0";
        let payload = format!(r#"{{"merge_group": {{"base_ref": "refs/heads/main"}}, {REPOSITORY}}}"#);
        assert_eq!(refs(&scopes("merge_group", queue, &payload)), (vec![queue, MAIN], Some(queue)));
        // Some events do not tell the default branch, which they run on.
        assert!(scopes("schedule", MAIN, r#"{"schedule": "0 0 * * *"}"#).is_of_default_branch);
        assert!(!scopes("push", MAIN, "{}").is_of_default_branch);
    }

    #[test]
    fn a_pull_request_writes_to_its_merge_ref_only() {
        let payload = format!(
            r#"{{"action": "opened", "number": 7, "pull_request": {{"number": 7, "base": {{"ref": "stable"}},
                "head": {{"ref": "main", "repo": {{"fork": true}}}}}}, {REPOSITORY}}}"#
        );
        // One that was closed runs on the base branch.
        for reference in ["refs/pull/7/merge", "refs/heads/stable"] {
            let found = scopes("pull_request", reference, &payload);
            let merge = "refs/pull/7/merge";
            assert_eq!(refs(&found), (vec![merge, "refs/heads/stable", MAIN], Some(merge)));
            assert!(!found.is_of_default_branch);
        }
        assert_eq!(refs(&scopes("pull_request", MAIN, &format!("{{{REPOSITORY}}}"))), (vec![MAIN], None));
    }

    #[test]
    fn what_anybody_triggers_reads_the_base_and_writes_nothing() {
        let of_request = r#""pull_request": {"number": 7, "base": {"ref": "stable"}}"#;
        for event in ["pull_request_target", "pull_request_review", "pull_request_review_comment"] {
            let found = scopes(event, "refs/heads/stable", &format!("{{{of_request}, {REPOSITORY}}}"));
            assert_eq!(refs(&found), (vec!["refs/heads/stable", MAIN], None), "{event}");
        }
        for (event, payload) in [
            (
                "issue_comment",
                r#""issue": {"number": 7, "pull_request": {"url": "u"}}, "comment": {"id": 1}"#,
            ),
            ("issues", r#""action": "opened", "issue": {"number": 8}"#),
            ("workflow_run", r#""workflow_run": {"event": "push", "head_branch": "main"}"#),
            ("workflow_call", r#""inputs": {}"#),
            ("fork", r#""forkee": {"full_name": "x/r"}"#),
            ("watch", r#""action": "started""#),
            ("star", r#""action": "created""#),
            ("check_run", r#""check_run": {"pull_requests": [{"number": 7}]}"#),
            ("check_suite", r#""check_suite": {"head_branch": "main"}"#),
            ("status", r#""state": "success", "branches": [{"name": "main"}]"#),
            ("discussion", r#""discussion": {"number": 8}"#),
            ("discussion_comment", r#""discussion": {"number": 8}, "comment": {"id": 1}"#),
            ("deployment_status", r#""deployment": {"ref": "main"}"#),
            ("release", r#""action": "published", "release": {"tag_name": "v1"}"#),
            ("gollum", r#""pages": []"#),
            ("an_event_of_tomorrow", r#""x": 1"#),
            ("", r#""x": 1"#),
        ] {
            let found = scopes(event, MAIN, &format!("{{{payload}, {REPOSITORY}}}"));
            assert_eq!(refs(&found), (vec![MAIN], None), "{event}");
            assert!(!found.is_of_default_branch, "{event}");
        }
    }

    #[test]
    fn an_event_that_cannot_be_read_is_not_trusted() {
        for payload in ["", "{\"repository\": {", r#"{"pull_request": {"number": "7"}}"#] {
            for event in ["push", "pull_request", "pull_request_target"] {
                assert_eq!(refs(&scopes(event, MAIN, payload)), (vec![], None), "{event}: {payload}");
            }
        }
    }

    #[test]
    fn outside_of_a_workflow_the_ref_decides() {
        let of = |context: &Context| Scopes::new(context, Path::new("/w"), Modes::default());
        let local = of(&Context::default());
        assert_eq!(refs(&local), (vec![LOCAL_REF], Some(LOCAL_REF)));
        assert!(local.is_of_default_branch);
        let branch = Context { reference: Some("refs/heads/x".into()), ..Context::default() };
        assert_eq!(refs(&of(&branch)).1, Some("refs/heads/x"));
    }

    #[test]
    fn local_projects_of_one_name_are_apart() {
        let scope =
            |directory| Scopes::new(&Context::default(), Path::new(directory), Modes::default()).own();
        assert_ne!(scope("/a/project"), scope("/b/project"));
        assert!(scope("/a/project").repository.starts_with("local/project-"));
    }
    #[test]
    fn a_mode_narrows_and_tells_whose_it_is() {
        use CacheMode::{Auto, None, Read, Write, WriteOnly};
        let context = Context { reference: Some("refs/heads/x".into()), ..Context::default() };
        let of = |input, host| Scopes::new(&context, Path::new("/w"), Modes { input, host });
        for (input, host, reads, writes) in [
            (Auto, Auto, true, Ok(())),
            (Write, Auto, true, Ok(())),
            (Read, Write, true, Err(NoWrite::Input)),
            (Write, Read, true, Err(NoWrite::Host)),
            (WriteOnly, Auto, false, Ok(())),
            (WriteOnly, Read, false, Err(NoWrite::Host)),
            (None, Auto, false, Err(NoWrite::Input)),
        ] {
            let found = of(input, host);
            assert_eq!(!found.read.is_empty(), reads, "{input:?}, {host:?}");
            assert_eq!(found.write.map(drop), writes, "{input:?}, {host:?}");
        }
        // No mode lets a job do what its event does not.
        let payload = format!("{{{REPOSITORY}}}");
        assert!(scopes("issue_comment", MAIN, &payload).write.is_err());
    }

    #[test]
    fn limits_of_a_pull_request_reach_its_own_entries_only() {
        let payload =
            format!(r#"{{"pull_request": {{"number": 7, "base": {{"ref": "main"}}}}, {REPOSITORY}}}"#);
        let request = scopes("pull_request", "refs/pull/7/merge", &payload);
        assert_eq!(request.reach, request.write.ok().map(Reach::Scope));
        let push = scopes("push", "refs/heads/topic", &format!("{{{REPOSITORY}}}"));
        assert_eq!(push.reach, Some(Reach::Repository("o/r".into())));
        assert_eq!(scopes("issue_comment", MAIN, &format!("{{{REPOSITORY}}}")).reach, None);
    }
}
