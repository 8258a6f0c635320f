//! What a host allows of its unit pool, how long units stay in it, and what is told of them.

use crate::pool::{build, host, repository};

#[test]
fn a_workflow_shares_no_more_than_the_host_allows() {
    let mut job = host();
    let told = "input `share`: `host` is more than this host allows, so `repository` holds; hint: RUNNER_CACHE_SHARE";
    job.set("RUNNER_CACHE_INPUTS", r#"{"share": "host"}"#);
    for name in ["first", "second"] {
        repository(&mut job, name, &["beta"]);
        let (restored, compiled, _) = build(&job, &[], "cargo build");
        assert!(restored.log.contains(told), "{}", restored.log);
        assert_eq!(compiled.len(), 4, "{name} has nothing of another repository: {compiled:?}");
    }
    job.set("RUNNER_CACHE_SHARE", "host");
    for (name, count) in [("third", 4), ("fourth", 1)] {
        repository(&mut job, name, &["beta"]);
        let (restored, compiled, _) = build(&job, &[], "cargo build");
        assert!(!restored.log.contains("input `share`"), "{}", restored.log);
        assert_eq!(compiled.len(), count, "{compiled:?}");
    }
}
