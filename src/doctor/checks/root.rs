//! The cache directory: is it there, is it where it lasts, and can its files be shared?

use crate::doctor::facts::{Containers, Facts, State};
use crate::outcome::{Check, CheckCode, Fix};

use super::number;

/// The checks.
pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![state(facts)];
    checks.extend([memory(facts), cleaner(facts)]);
    checks.extend(reflinks(facts));
    checks.extend(containers(facts));
    checks
}

fn state(facts: &Facts) -> Check {
    let path = facts.root.path.display();
    match &facts.root.state {
        State::Absent => {
            Check::fine(CheckCode::Root, format!("no cache in {path} yet: the first save makes it"))
        }
        State::There(contents) => Check::fine(
            CheckCode::Root,
            format!("{} in {path}", number(contents.entries, "entry", "entries")),
        ),
        State::OfUser(user) => Check {
            hint: Some(format!("`sudo -u '#{user}' runner-cache doctor` looks into it")),
            ..Check::fine(CheckCode::Root, format!("{path} is the cache of user {user}"))
        },
        State::Refused(why) => {
            let (what, hint) =
                why.split_once("; hint: ").unwrap_or((why, "run this as the user of the runners"));
            Check::problem(CheckCode::Root, format!("jobs get no cache: {what}"), hint)
        }
    }
}

fn memory(facts: &Facts) -> Check {
    let path = facts.root.path.display();
    if facts.root.is_in_memory {
        let hint = "set `cache-root` in the host policy to a directory on a disk";
        Check::warning(
            CheckCode::Memory,
            format!("{path} is in memory: lost at a reboot, and taken from the builds"),
            hint,
        )
    } else {
        Check::fine(CheckCode::Memory, "the cache is on a disk")
    }
}

fn cleaner(facts: &Facts) -> Check {
    let Some(rule) = facts.root.cleaned.told() else {
        return Check::fine(CheckCode::Cleaner, "systemd-tmpfiles leaves the cache alone");
    };
    let text = format!("systemd-tmpfiles {rule}, which holds the cache");
    if facts.root.cleaned.aged.is_some() {
        let hint = "`sudo runner-cache host setup` takes the cache out of that";
        Check::warning(CheckCode::Cleaner, text, hint).with_fix(Fix::Exclude)
    } else {
        // No exclusion holds at a boot.
        let hint = "set `cache-root` in the host policy to a directory that stays";
        Check::warning(CheckCode::Cleaner, text, hint)
    }
}

fn reflinks(facts: &Facts) -> Option<Check> {
    Some(if facts.root.has_reflinks? {
        Check::fine(CheckCode::Reflinks, "the file system of the cache has reflinks")
    } else {
        let hint =
            "xfs or btrfs share the contents of all files; this one only whole files that nobody rewrites";
        Check::warning(
            CheckCode::Reflinks,
            "the file system of the cache has no reflinks: more is copied",
            hint,
        )
    })
}

fn containers(facts: &Facts) -> Option<Check> {
    let path = &facts.root.path;
    let is_in_work = facts.runners.iter().any(|runner| path.starts_with(&runner.work));
    match facts.containers {
        Containers::Inside { is_mounted: false } => Some(Check::warning(
            CheckCode::Containers,
            format!("{} is in this container, and ends with it", path.display()),
            volume(facts),
        )),
        Containers::Inside { is_mounted: true } => {
            Some(Check::fine(CheckCode::Containers, "the cache comes into this container from outside"))
        }
        Containers::Engine if is_in_work => {
            Some(Check::fine(CheckCode::Containers, "job containers see the cache in the work directory"))
        }
        Containers::Engine => Some(Check {
            hint: Some(volume(facts)),
            ..Check::fine(CheckCode::Containers, "job containers see the cache only as a volume")
        }),
        Containers::None => None,
    }
}

fn volume(facts: &Facts) -> String {
    let path = facts.root.path.display();
    format!("in the workflow: `container: {{ volumes: [\"{path}:{path}\"] }}`")
}
