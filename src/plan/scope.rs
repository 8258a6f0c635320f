//! Where entries are looked up and saved: repository and ref, as on GitHub.
//!
//! A run reads its own ref, then the branch a pull request is to be merged into, then the default branch. It writes to
//! its own ref only. What is about a pull request has `refs/pull/N/merge` for its own, also where GitHub runs it on the
//! base branch (`pull_request_target`, comments), and a `workflow_run` that follows one has a scope of its own: code of
//! a pull request must not write what others read. Source:
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching>

use std::path::Path;

use crate::github::Context;
use crate::store::Scope;
use crate::sys::sha256_hex;

/// The ref of entries that were made outside of GitHub.
const LOCAL_REF: &str = "local";

/// The scopes to look in, own first. `folder` tells one local project from another.
pub(super) fn chain(context: &Context, folder: &Path) -> Vec<Scope> {
    let repository = context.repository.clone().unwrap_or_else(|| local_repository(folder));
    let own = match (context.pull_request, &context.follows_pull_request_of, &context.reference) {
        (Some(number), ..) => format!("refs/pull/{number}/merge"),
        (None, Some(branch), _) => format!("after/{branch}"),
        (None, None, Some(reference)) => reference.clone(),
        (None, None, None) => LOCAL_REF.to_owned(),
    };
    let mut references = vec![own];
    let branches = [&context.base_branch, &context.default_branch];
    references.extend(branches.into_iter().flatten().map(|branch| format!("refs/heads/{branch}")));
    let mut scopes: Vec<Scope> = Vec::new();
    for reference in references {
        if scopes.iter().all(|scope| scope.reference != reference) {
            scopes.push(Scope { repository: repository.clone(), reference });
        }
    }
    scopes
}

/// Whether the job's own scope is the one that all others fall back on.
pub(super) fn is_default_branch(context: &Context) -> bool {
    let is_of_pull_request = context.pull_request.is_some() || context.follows_pull_request_of.is_some();
    let own = context.reference.as_deref().unwrap_or(LOCAL_REF);
    match &context.default_branch {
        Some(branch) => !is_of_pull_request && own.strip_prefix("refs/heads/") == Some(branch),
        None => own == LOCAL_REF,
    }
}

fn local_repository(folder: &Path) -> String {
    let digest = sha256_hex(folder.as_os_str().as_encoded_bytes());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("local/{name}-{}", &digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(context: &Context) -> Vec<String> {
        chain(context, Path::new("/w")).into_iter().map(|scope| scope.reference).collect()
    }

    fn context(reference: &str) -> Context {
        Context {
            repository: Some("o/r".into()),
            reference: Some(reference.into()),
            default_branch: Some("main".into()),
            ..Context::default()
        }
    }

    #[test]
    fn a_branch_reads_its_own_and_the_default_branch() {
        assert_eq!(references(&context("refs/heads/topic")), ["refs/heads/topic", "refs/heads/main"]);
        assert_eq!(references(&context("refs/heads/main")), ["refs/heads/main"]);
    }

    #[test]
    fn a_pull_request_writes_to_its_merge_ref_only_whatever_the_event() {
        let base_branch = Some("stable".into());
        for reference in ["refs/pull/7/merge", "refs/heads/stable"] {
            let context =
                Context { pull_request: Some(7), base_branch: base_branch.clone(), ..context(reference) };
            assert_eq!(references(&context), ["refs/pull/7/merge", "refs/heads/stable", "refs/heads/main"]);
        }
    }

    #[test]
    fn only_the_default_branch_itself_is_it() {
        assert!(is_default_branch(&context("refs/heads/main")) && is_default_branch(&Context::default()));
        assert!(!is_default_branch(&context("refs/heads/topic")));
        assert!(!is_default_branch(&Context { pull_request: Some(7), ..context("refs/heads/main") }));
    }

    #[test]
    fn local_projects_of_one_name_are_apart() {
        let scope = |folder| chain(&Context::default(), Path::new(folder)).remove(0);
        assert_ne!(scope("/a/project"), scope("/b/project"));
        assert!(scope("/a/project").repository.starts_with("local/project-"));
    }
}
