//! The runners: are they of a version that GitHub takes, do hooks save their jobs, and do these run this program?

use semver::Version;

use crate::doctor::facts::{Facts, Runner};
use crate::host::hooks::HookState;
use crate::outcome::{Check, CheckCode};

use super::number;

/// The oldest version that GitHub lets register, since September 2026.
const OLDEST: Version = Version::new(2, 329, 0);

/// The checks.
pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = found(facts);
    checks.extend(versions_of_runners(facts));
    checks.extend(facts.runners.iter().filter_map(root_owned));
    checks.extend(hooks(facts));
    checks.push(versions(facts));
    checks
}

/// Who saves after jobs without a step of their own.
fn hooks(facts: &Facts) -> Vec<Check> {
    let check = |runner: &Runner| {
        let Runner { name, hooks, .. } = runner;
        let install =
            "`runner-cache hook install` lets it save each job; end jobs with the save action otherwise";
        let Some(hooks) = hooks else {
            let text = format!("cannot read whether runner {name} has hooks");
            return Some(Check::warning(CheckCode::Hooks, text, "`sudo runner-cache doctor`"));
        };
        match hooks {
            HookState::Installed => None,
            HookState::Absent => {
                let text = format!("runner {name} has no hook: only the save action saves its jobs");
                Some(Check { hint: Some(install.to_owned()), ..Check::fine(CheckCode::Hooks, text) })
            }
            HookState::FromNextStart => {
                let text = format!("runner {name} has its hooks from its next start on");
                Some(Check::warning(CheckCode::Hooks, text, "restart it while it has no job"))
            }
            HookState::WithoutProgram(path) => {
                let text = format!("hooks of runner {name} save nothing: no program {}", path.display());
                Some(Check::problem(
                    CheckCode::Hooks,
                    text,
                    "`runner-cache hook install` with the program in place",
                ))
            }
            HookState::Gone(path) => {
                let text = format!("runner {name} fails each job: its hook {} is missing", path.display());
                Some(Check::problem(
                    CheckCode::Hooks,
                    text,
                    "`runner-cache hook install`, or remove the line from its .env",
                ))
            }
        }
    };
    let mut checks: Vec<_> = facts.runners.iter().filter_map(check).collect();
    if checks.is_empty() && !facts.runners.is_empty() {
        checks.push(Check::fine(CheckCode::Hooks, "hooks save the jobs of all runners"));
    }
    checks
}

fn found(facts: &Facts) -> Vec<Check> {
    let hint = "`sudo runner-cache doctor` sees all of them; `--runner-dir` names one that is elsewhere";
    let mut checks: Vec<_> =
        facts.unread.iter().map(|why| Check::warning(CheckCode::Runners, why.clone(), hint)).collect();
    if facts.runners.is_empty() {
        checks.push(Check { hint: Some(hint.into()), ..Check::fine(CheckCode::Runners, "no runner found") });
    } else {
        let names: Vec<_> = facts.runners.iter().map(|runner| runner.name.as_str()).collect();
        let runners = number(names.len(), "runner", "runners");
        checks.push(Check::fine(CheckCode::Runners, format!("{runners}: {}", names.join(", "))));
    }
    checks
}

fn versions_of_runners(facts: &Facts) -> Vec<Check> {
    let known = || {
        facts
            .runners
            .iter()
            .filter_map(|runner| Some((runner, Version::parse(runner.version.as_ref()?).ok()?)))
    };
    let old = known().filter(|(_, version)| *version < OLDEST);
    let told = |(runner, version): (&Runner, Version)| {
        let text =
            format!("runner {} has version {version}; GitHub registers none below {OLDEST}", runner.name);
        Check::problem(CheckCode::RunnerVersion, text, "install the newest runner, or let it update itself")
    };
    let mut checks: Vec<_> = old.map(told).collect();
    if checks.is_empty() && known().next().is_some() {
        let text = format!("runners have version {OLDEST} or a later one");
        checks.push(Check::fine(CheckCode::RunnerVersion, text));
    }
    checks
}

/// What checkout and clean-up of a runner's user cannot remove.
fn root_owned(runner: &Runner) -> Option<Check> {
    let first = runner.of_root.first.as_ref()?;
    let more = if runner.of_root.is_part { " at least" } else { "" };
    let files = number(runner.of_root.files, "file", "files");
    let text = format!("runner {}: {files}{more} of root's such as {}", runner.name, first.display());
    let user = runner.user.as_deref().unwrap_or("USER");
    let hint =
        format!("`sudo chown -R {user}: {}`; containers that run as root make them", runner.work.display());
    Some(Check::problem(CheckCode::RootOwned, text, hint))
}

fn versions(facts: &Facts) -> Check {
    let own = facts.programs.first().and_then(|program| program.version.as_deref()).unwrap_or_default();
    let others = facts.programs.iter().filter(|program| program.version.as_deref() != Some(own));
    let told = others.map(|program| {
        format!("{} in {}", program.version.as_deref().unwrap_or("an unknown version"), program.of)
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return Check::fine(CheckCode::Versions, format!("all programs are of version {own}"));
    }
    let text = format!("this is version {own}, and there is {}", told.join(", "));
    let hint = "`runner-cache self-update` and the ref of `uses:` bring them together; a newer one's entries are not changed";
    Check::warning(CheckCode::Versions, text, hint)
}
