//! A runner's `.env`: the variables with which it starts. Other lines stay as they are, and so does a hook that is there: ours runs
//! it after its own work.

use std::fmt::Write as _;
use std::path::Path;

use super::shim::Moment;

/// What stands in the way of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotChained {
    /// Which hook.
    pub(super) moment: Moment,
    /// The value that is there.
    pub(super) value: String,
}

/// `text` with our hooks in `directory`.
pub(super) fn with_hooks(text: &str, directory: &Path) -> Result<String, NotChained> {
    let mut text = without_hooks(text, directory);
    for moment in Moment::ALL {
        let ours = directory.join(moment.file()).display().to_string();
        // The last line of a name holds.
        let there = value(&text, moment.variable()).map(str::to_owned).filter(|there| !there.is_empty());
        let chained = there.map(|there| if can_be_chained(&there) { Ok(there) } else { Err(there) });
        let next = chained.transpose().map_err(|value| NotChained { moment, value })?;
        text = without(&text, moment.variable());
        if let Some(next) = next {
            add(&mut text, moment.next(), &next);
        }
        add(&mut text, moment.variable(), &ours);
    }
    Ok(text)
}

/// `text` without our hooks, wherever they are, and with those that ours ran.
pub(super) fn without_hooks(text: &str, directory: &Path) -> String {
    let mut text = text.to_owned();
    for moment in Moment::ALL {
        let is_ours = value(&text, moment.variable()).is_some_and(|there| is_shim(there, moment, directory));
        let next = value(&text, moment.next()).map(str::to_owned);
        if is_ours {
            text = without(&text, moment.variable());
            if let Some(next) = next {
                text = without(&text, moment.next());
                add(&mut text, moment.variable(), &next);
            }
        }
    }
    text
}

/// Whether `text` has one of our hooks in `directory`.
pub(super) fn has_a_hook(text: &str, directory: &Path) -> bool {
    Moment::ALL.iter().any(|moment| {
        value(text, moment.variable()).is_some_and(|there| Path::new(there) == directory.join(moment.file()))
    })
}

/// Whether `value` is one of our scripts, in `directory` or where another version put it.
pub(super) fn is_shim(value: &str, moment: Moment, directory: &Path) -> bool {
    let (path, name) = (Path::new(value), Path::new("runner-cache").join(moment.file()));
    path == directory.join(moment.file()) || path.ends_with(name)
}

/// The value of a variable.
pub(super) fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let of_name = |line: &'t str| line.trim().strip_prefix(name)?.strip_prefix('=');
    text.lines().filter_map(of_name).next_back().map(str::trim)
}

/// Adds a line of its own.
fn add(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let _ = writeln!(text, "{name}={value}");
}

/// The text without the lines of a variable.
fn without(text: &str, name: &str) -> String {
    let is_its = |line: &&str| line.trim().strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    text.split_inclusive('\n').filter(|line| !is_its(line)).collect()
}

/// Whether our script can run it as the runner would: for `.js` that takes the runner's own node.
fn can_be_chained(hook: &str) -> bool {
    let path = Path::new(hook);
    let ending = path.extension().and_then(|ending| ending.to_str());
    path.is_absolute() && matches!(ending, Some("sh" | "ps1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "ACTIONS_RUNNER_HOOK_JOB_STARTED=/l/runner-cache/job-started.sh\n\
                        ACTIONS_RUNNER_HOOK_JOB_COMPLETED=/l/runner-cache/job-completed.sh\n";

    #[test]
    fn other_lines_stay_and_a_second_time_changes_nothing() {
        let directory = Path::new("/l/runner-cache");
        for text in ["", "LANG=C.UTF-8\n", "LANG=C.UTF-8", "# ours\nA=1\n\nB='x y'\n"] {
            let with = with_hooks(text, directory).unwrap();
            assert!(with.ends_with(OURS), "{with}");
            assert_eq!(with_hooks(&with, directory).unwrap(), with);
            assert_eq!(without_hooks(&with, directory).trim_end(), text.trim_end());
            assert!(has_a_hook(&with, directory) && !has_a_hook(text, directory));
        }
    }

    #[test]
    fn a_hook_that_was_there_is_run_by_ours_and_comes_back() {
        let directory = Path::new("/l/runner-cache");
        let text = "ACTIONS_RUNNER_HOOK_JOB_COMPLETED=/opt/old.sh\nACTIONS_RUNNER_HOOK_JOB_COMPLETED=/opt/clean.sh\nA=1\n";
        let with = with_hooks(text, directory).unwrap();
        assert_eq!(value(&with, Moment::Completed.next()), Some("/opt/clean.sh"), "{with}");
        assert!(has_a_hook(&with, directory));
        let moved = with_hooks(&with, Path::new("/other/runner-cache")).unwrap();
        assert_eq!(value(&moved, Moment::Completed.next()), Some("/opt/clean.sh"), "not our own: {moved}");
        assert_eq!(without_hooks(&with, directory), "A=1\nACTIONS_RUNNER_HOOK_JOB_COMPLETED=/opt/clean.sh\n");
    }

    #[test]
    fn last_line_without_an_end_stays_a_line_of_its_own() {
        let directory = Path::new("/l/runner-cache");
        let with =
            with_hooks("ACTIONS_RUNNER_HOOK_JOB_COMPLETED=/opt/clean.sh\n", directory).unwrap() + "A=1";
        assert_eq!(without_hooks(&with, directory), "A=1\nACTIONS_RUNNER_HOOK_JOB_COMPLETED=/opt/clean.sh\n");
        assert!(with_hooks(&with, directory).unwrap().starts_with("A=1\n"));
    }

    #[test]
    fn what_ours_could_not_run_as_the_runner_does_is_refused() {
        for hook in ["/opt/hook.js", "hook.sh", "/opt/hook"] {
            let text = format!("ACTIONS_RUNNER_HOOK_JOB_STARTED={hook}\n");
            let refused = with_hooks(&text, Path::new("/l/runner-cache")).unwrap_err();
            assert_eq!((refused.moment, refused.value.as_str()), (Moment::Started, hook));
        }
    }
}
