//! What `setup` adds to the policy of a host, and takes away again. Whatever it says already stays.

use super::error::{Result, refused};
use super::mark::{self, Mark};
use super::request::PlainPath;
use crate::plan::{HOST_POLICY, HostPolicy};
use crate::store::Access;

/// The policy as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Completed {
    pub(super) text: String,
    /// The lines that were added to what was there.
    pub(super) added: Vec<String>,
}

/// Reads a policy; nothing is said where there is none.
pub(super) fn read(text: Option<&str>) -> Result<HostPolicy> {
    HostPolicy::parse(text.unwrap_or_default())
        .or_else(|error| refused(format!("{HOST_POLICY}: {error}; hint: correct it first")))
}

/// The policy `before`, completed so that all jobs have their cache in `root`.
pub(super) fn completed(before: Option<&str>, root: &PlainPath, access: Access) -> Result<Completed> {
    let known = read(before)?;
    let mut lines = Vec::new();
    if known.cache_root.is_none() {
        lines.push(format!("cache-root: {root}"));
    }
    if known.root_access.is_none() && access == Access::Group {
        lines.push("root-access: group".to_owned());
    }
    let Some(before) = before else {
        let about = "# What holds for all jobs of this host; docs/disk.md of runner-cache tells what else it can say.\n";
        let text = mark::marked("#", &format!("{about}{}\n", lines.join("\n")));
        return Ok(Completed { text, added: Vec::new() });
    };
    if lines.is_empty() {
        return Ok(Completed { text: before.to_owned(), added: lines });
    }
    let is_ours = mark::read(before.as_bytes()) == Mark::Whole;
    let mut text = if is_ours { mark::unmarked(before) } else { before.to_owned() };
    if !is_ours {
        lines =
            lines.into_iter().map(|line| format!("{line}   # added by `runner-cache host setup`")).collect();
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in &lines {
        text.push_str(line);
        text.push('\n');
    }
    // A policy in braces, for one, does not go on in a new line.
    let is_understood = HostPolicy::parse(&text).is_ok_and(|policy| {
        policy.cache_root.as_deref() == Some(root.path())
            && policy.inputs().count() == known.inputs().count() + lines.len()
    });
    if !is_understood {
        return refused(format!(
            "{HOST_POLICY} has a form that cannot be extended; hint: add these lines yourself: {}",
            lines.join(", ")
        ));
    }
    Ok(if is_ours {
        Completed { text: mark::marked("#", &text), added: Vec::new() }
    } else {
        Completed { text, added: lines }
    })
}

/// The policy `text` without `lines` where they still stand as they were added, and those that do not.
pub(super) fn without(text: &str, lines: &[String]) -> (String, Vec<String>) {
    let mut changed = lines.to_vec();
    let is_kept = |line: &&str| {
        let found = changed.iter().position(|added| added == line.trim_end_matches('\n'));
        found.map(|found| changed.remove(found)).is_none()
    };
    let kept = text.split_inclusive('\n').filter(is_kept).collect();
    (kept, changed)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn root() -> PlainPath {
        PlainPath::new("", Path::new("/mnt/data/rc")).unwrap()
    }

    #[test]
    fn settings_and_comments_stay_and_what_is_missing_is_added_and_taken_away() {
        let before = "# of the team\nmax-size: 200GB # enough\nevents: { pull_request: read }";
        let done = completed(Some(before), &root(), Access::Group).unwrap();
        assert!(
            done.text.starts_with(&format!("{before}\ncache-root: /mnt/data/rc   # added by")),
            "{}",
            done.text
        );
        assert_eq!(done.added.len(), 2);
        let again = completed(Some(&done.text), &root(), Access::Group).unwrap();
        assert_eq!(again, Completed { text: done.text.clone(), added: Vec::new() });
        assert_eq!(without(&done.text, &done.added), (format!("{before}\n"), Vec::new()));
        let edited = done.text.replace("root-access: group", "root-access: private");
        let (left, changed) = without(&edited, &done.added);
        assert!(left.contains("root-access: private") && !left.contains("cache-root"), "{left}");
        assert_eq!(changed, [done.added[1].clone()]);
    }

    #[test]
    fn a_policy_of_our_own_stays_our_own() {
        let new = completed(None, &root(), Access::Private).unwrap();
        assert_eq!(mark::read(new.text.as_bytes()), Mark::Whole);
        assert_eq!(read(Some(&new.text)).unwrap().cache_root.as_deref(), Some(Path::new("/mnt/data/rc")));
        let shared = completed(Some(&new.text), &root(), Access::Group).unwrap();
        assert_eq!(mark::read(shared.text.as_bytes()), Mark::Whole);
        assert_eq!(read(Some(&shared.text)).unwrap().root_access, Some(Access::Group));
        assert!(shared.added.is_empty());
    }

    #[test]
    fn a_policy_that_takes_no_line_is_refused() {
        for text in ["{ max-size: 1GB }", "max-sice: 1GB", "repositories:\n  [a/b,"] {
            assert!(completed(Some(text), &root(), Access::Private).is_err(), "{text}");
        }
    }
}
