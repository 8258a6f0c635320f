//! What a system is to have: a pure function from its facts. Nothing here reads a file.

use std::path::{Path, PathBuf};

use super::error::{Result, refused};
use super::facts::Facts;
use super::hooks;
use super::pages::pages;
use super::piece::Piece;
use super::policy;
use super::request::PlainPath;
use super::roots::{Root, Roots};
use super::runners::Runner;
use super::shown::{shown, shown_path};
use super::system::ROOT;
use super::units::{DROP_IN, Gc, Ruled, TMPFILES, UNITS, drop_in, name_or_number, tmpfiles};
use crate::cli::Timer;
use crate::plan::HOST_POLICY;
use crate::store::Access;
use crate::sys::cleaned;

/// Where archives of actions are for the runners.
const ARCHIVES: &str = "/var/lib/runner-cache/actions";

/// The variable by which a runner knows it.
const ARCHIVES_VARIABLE: &str = "ACTIONS_RUNNER_ACTION_ARCHIVE_CACHE";

/// The variable by which jobs know where their cache is.
const ROOT_VARIABLE: &str = "RUNNER_CACHE_ROOT";

/// What a system is to have.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) pieces: Vec<Piece>,
    /// Where the cache is, and why, a line each.
    pub(super) roots: Vec<String>,
    /// What only people can do.
    pub(super) notes: Vec<String>,
    /// The timers to start.
    pub(super) timers: Vec<String>,
}

/// Plans it.
pub(super) fn plan(facts: &Facts) -> Result<Plan> {
    if let Some(name) = facts.unknown_users.first() {
        return refused(format!(
            "user `{name}` does not exist; hint: make the user first, or name another in `--user`"
        ));
    }
    let roots = Roots::choose(facts)?;
    let mut plan = Plan { pieces: Vec::new(), roots: roots.told(), notes: Vec::new(), timers: Vec::new() };
    add_roots(facts, &roots, &mut plan);
    if let Some(root) = roots.of_policy() {
        let done = policy::completed(facts.policy.as_deref(), root, roots.access())?;
        let (path, before) = (PathBuf::from(HOST_POLICY), facts.policy.clone());
        plan.pieces.push(Piece::Policy { path, before, after: done.text, added: done.added });
    }
    add_archives(facts, &mut plan);
    add_variables(facts, &roots, &mut plan)?;
    add_hooks(facts, &mut plan)?;
    add_gc(facts, &roots, &mut plan)?;
    plan.pieces.extend(pages().into_iter().map(|(path, text)| Piece::File { path, text, is_page: true }));
    Ok(plan)
}

fn add_roots(facts: &Facts, roots: &Roots, plan: &mut Plan) {
    let mut ruled = Vec::new();
    for Root { path, owner, names: (user, group), home, .. } in roots.all() {
        let is_of_user =
            home.as_ref().is_some_and(|home| home.parent().is_some() && path.path().starts_with(home));
        let is_temporary = ["/tmp", "/var/tmp"].iter().any(|place| path.path().starts_with(place));
        let cleaned = cleaned(path.path(), &facts.rules);
        if let Some(emptied) = &cleaned.emptied {
            plan.notes.push(format!(
                "{emptied} is emptied at each boot; hint: set `--root` to a persistent directory"
            ));
        }
        let mode = roots.mode();
        let (owner, above) = (*owner, if is_of_user { *owner } else { ROOT });
        if facts.is_live || facts.this_user == 0 || owner.user == facts.this_user {
            plan.pieces.push(Piece::Directory { path: path.path().into(), owner, above, mode });
        } else {
            plan.notes.push(format!("only root can give {path} to {user}; the image makes it at boot"));
        }
        let is_made = !is_of_user && !is_temporary;
        let (user, group) = (name_or_number(user, owner.user), name_or_number(group, owner.group));
        ruled.push(Ruled { root: path, owner: user, group, mode, is_made, cleaned });
    }
    if let Some(text) = tmpfiles(&ruled) {
        plan.pieces.push(file(Path::new(TMPFILES), text));
    }
}

fn add_archives(facts: &Facts, plan: &mut Plan) {
    let new = facts.archives.iter().map(|archive| {
        (Path::new(ARCHIVES).join(&archive.path), archive.sha256.clone(), Some(archive.bytes.clone()))
    });
    let known = facts.record.iter().flat_map(|record| &record.archives);
    let known = known.map(|(path, sha256)| (path.clone(), sha256.clone(), None));
    for (path, sha256, bytes) in new.chain(known) {
        if !plan.pieces.iter().any(|piece| piece.path() == path) {
            plan.pieces.push(Piece::Archive { path, sha256, bytes });
        }
    }
}

/// Lays what runners have to know over their services.
fn add_variables(facts: &Facts, roots: &Roots, plan: &mut Plan) -> Result<()> {
    let archives = PlainPath::new("the directory of archives", Path::new(ARCHIVES))?;
    let has_archives = plan.pieces.iter().any(|piece| matches!(piece, Piece::Archive { .. }));
    for runner in &facts.runners {
        let root = runner.user.as_deref().and_then(|user| roots.of_variable(user));
        let mut variables: Vec<_> = root.map(|root| (ROOT_VARIABLE, root)).into_iter().collect();
        if has_archives {
            variables.push((ARCHIVES_VARIABLE, &archives));
        }
        contradict(runner, roots, &mut plan.notes);
        match &runner.unit {
            _ if variables.is_empty() => {}
            Some(unit) => {
                let path = Path::new(UNITS).join(format!("{unit}.d")).join(DROP_IN);
                plan.pieces.push(file(&path, drop_in(&variables)));
            }
            None => {
                let lines: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
                plan.notes.push(format!(
                    "no service starts the runner in {dir}: add to {dir}/.env: {lines}",
                    dir = shown_path(&runner.directory),
                    lines = lines.join(" and "),
                ));
            }
        }
    }
    Ok(())
}

/// Tells of variables that name another directory.
fn contradict(runner: &Runner, roots: &Roots, notes: &mut Vec<String>) {
    let Some((told, by)) = &runner.root else { return };
    let root = runner.user.as_deref().and_then(|user| roots.of_user(user));
    if root.is_some_and(|root| root.path() != told) {
        notes.push(format!(
            "{} sets {ROOT_VARIABLE} to {}, which is another directory; hint: remove it there",
            shown(by),
            shown_path(told)
        ));
    }
}

/// The scripts come first: a runner fails jobs whose hook is missing.
fn add_hooks(facts: &Facts, plan: &mut Plan) -> Result<()> {
    let (variables, refused) = &facts.hooks;
    plan.notes.extend(refused.iter().cloned());
    if variables.is_empty() {
        return Ok(());
    }
    if let Some(trouble) = &facts.program.trouble {
        plan.notes.push(format!("no hooks, which would run this program: {trouble}"));
        return Ok(());
    }
    let directory = PlainPath::new("the directory of hooks", Path::new(hooks::DIRECTORY))?;
    let program = PlainPath::new("the program", &facts.program.path)?;
    plan.pieces.extend(hooks::scripts(&directory, &program));
    plan.pieces.extend_from_slice(variables);
    Ok(())
}

fn add_gc(facts: &Facts, roots: &Roots, plan: &mut Plan) -> Result<()> {
    let program = PlainPath::new("the program", &facts.program.path)?;
    let uses_systemd = match facts.request.timer.unwrap_or_default() {
        Timer::Auto => facts.has_systemd,
        Timer::Systemd => true,
        Timer::None => false,
    };
    if uses_systemd && let Some(trouble) = &facts.program.trouble {
        return refused(format!("the timer would run this program: {trouble}"));
    }
    if !facts.program.is_there {
        plan.notes.push(format!(
            "{program} is missing; hint: install this program there, or name it in `--program`"
        ));
    }
    for user in &facts.users {
        let Some(root) = roots.of_user(&user.name) else { continue };
        let is_in_policy = roots.of_policy().is_some();
        let (number, access) = (user.owner.user, roots.access());
        let gc = Gc { user: &user.name, number, root, access, program: &program, is_in_policy };
        if uses_systemd {
            let (service, timer) = (format!("{}.service", gc.name()), format!("{}.timer", gc.name()));
            let path = Path::new(UNITS).join(&timer);
            plan.pieces.push(file(&Path::new(UNITS).join(service), gc.service()));
            plan.pieces.push(file(&path, gc.timer()));
            let link = Path::new(UNITS).join("timers.target.wants").join(&timer);
            plan.pieces.push(Piece::Link { path: link, target: path });
            plan.timers.push(timer);
        } else {
            plan.notes.push(format!(
                "no timer of systemd's for {}; for cron, a line of /etc/cron.d/runner-cache: `17 4 * * * {} {}`; hint: \
                 `--timer systemd` writes the timer all the same",
                user.name,
                user.name,
                gc.command()
            ));
        }
    }
    if roots.access() == Access::Group
        && let Some(group) = &facts.group
    {
        let is_outside = |user: &&super::users::User| {
            user.owner.group != group.number && !group.members.contains(&user.name)
        };
        let outside = facts.users.iter().filter(is_outside);
        plan.notes.extend(outside.map(|user| {
            format!(
                "{} is not in the group {}; hint: `usermod -aG {} {}`",
                user.name, group.name, group.name, user.name
            )
        }));
    }
    Ok(())
}

fn file(path: &Path, text: String) -> Piece {
    Piece::File { path: path.into(), text, is_page: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::facts::Program;
    use crate::host::request::Request;
    use crate::host::system::Owner;
    use crate::host::users::{Group, User};
    use crate::store::ChosenRoot;

    fn user(name: &str, number: u32) -> User {
        let owner = Owner { user: number, group: number };
        User { name: name.into(), owner, home: format!("/home/{name}").into() }
    }

    fn runner(name: &str, user: &str) -> Runner {
        Runner {
            directory: format!("/home/{user}/{name}").into(),
            user: Some(user.into()),
            unit: Some(format!("actions.runner.o.{name}.service")),
            ..Runner::default()
        }
    }

    /// An image with one runner for each of `users`, made by root, with systemd.
    fn facts(users: &[&str], root: Option<&str>) -> Facts {
        let numbers = 1000..;
        Facts {
            request: Request { root: root.map(Into::into), ..Request::default() },
            runners: users.iter().map(|name| runner(&format!("r-{name}"), name)).collect(),
            users: users.iter().zip(numbers).map(|(name, number)| user(name, number)).collect(),
            user_groups: users.iter().map(|&name| name.into()).collect(),
            chosen: Some(ChosenRoot { directory: "/var/tmp/runner-cache".into(), why: "by the rule".into() }),
            has_systemd: true,
            program: Program { path: "/usr/local/bin/runner-cache".into(), is_there: true, trouble: None },
            ..Facts::default()
        }
    }

    fn text<'p>(plan: &'p Plan, path: &str) -> &'p str {
        let piece = plan.pieces.iter().find(|piece| piece.path() == Path::new(path));
        match piece.unwrap_or_else(|| panic!("{path} is in {:?}", paths(plan))) {
            Piece::File { text, .. } | Piece::Policy { after: text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    /// The paths of all pieces but completions and manual pages.
    fn paths(plan: &Plan) -> Vec<&Path> {
        let is_page = |piece: &&Piece| !matches!(piece, Piece::File { is_page: true, .. });
        plan.pieces.iter().filter(is_page).map(Piece::path).collect()
    }

    fn why(facts: &Facts) -> String {
        plan(facts).unwrap_err().to_string()
    }

    #[test]
    fn one_user_has_one_root_in_the_policy_and_a_timer() {
        let plan = plan(&facts(&["ci"], Some("/mnt/data/rc"))).unwrap();
        let owner = Owner { user: 1000, group: 1000 };
        assert_eq!(
            plan.pieces[0],
            Piece::Directory { path: "/mnt/data/rc".into(), owner, above: ROOT, mode: 0o700 }
        );
        assert!(text(&plan, HOST_POLICY).ends_with("\ncache-root: /mnt/data/rc\n"));
        assert!(text(&plan, TMPFILES).ends_with("\nd /mnt/data/rc 0700 ci ci -\n"));
        assert!(text(&plan, "/etc/systemd/system/runner-cache-gc-ci.service").contains("User=ci\n"));
        assert_eq!((plan.timers, plan.notes), (vec!["runner-cache-gc-ci.timer".to_owned()], Vec::new()));
    }

    #[test]
    fn group_of_a_directory_service_is_named_by_its_number() {
        let mut facts = facts(&["ci"], Some("/mnt/data/rc"));
        facts.user_groups = vec!["domain users".into()];
        let plan = plan(&facts).unwrap();
        assert!(text(&plan, TMPFILES).ends_with("\nd /mnt/data/rc 0700 ci 1000 -\n"));
    }

    #[test]
    fn each_of_several_users_has_a_root_of_its_own_which_its_runners_know() {
        let plan = plan(&facts(&["public", "team"], Some("/mnt/data/rc"))).unwrap();
        assert!(!paths(&plan).contains(&Path::new(HOST_POLICY)), "one root for all is in a policy");
        for name in ["public", "team"] {
            let unit = format!("/etc/systemd/system/actions.runner.o.r-{name}.service.d/runner-cache.conf");
            let variable = format!("[Service]\nEnvironment=RUNNER_CACHE_ROOT=/mnt/data/rc/{name}\n");
            assert!(text(&plan, &unit).ends_with(&variable));
            let service = format!("/etc/systemd/system/runner-cache-gc-{name}.service");
            assert!(text(&plan, &service).contains(&format!("gc --cache-root /mnt/data/rc/{name}\n")));
        }
    }

    #[test]
    fn users_share_a_root_only_if_somebody_says_so() {
        let mut facts = facts(&["public", "team"], None);
        assert!(why(&facts).contains("several users need a cache directory"));
        facts.policy = Some("cache-root: /mnt/data/rc\n".into());
        assert!(
            why(&facts).contains("is one directory for all, and there are runners of 2 users (public, team)")
        );
        facts.request.group = Some("ci".into());
        assert!(why(&facts).contains("group `ci` does not exist"));
        facts.group = Some(Group { name: "ci".into(), number: 7, members: vec!["team".into()] });
        let plan = plan(&facts).unwrap();
        let owner = Owner { user: 0, group: 7 };
        assert!(matches!(&plan.pieces[0], Piece::Directory { owner: of, mode: 0o2770, .. } if *of == owner));
        assert!(text(&plan, HOST_POLICY).contains("root-access: group"));
        assert_eq!(plan.notes, ["public is not in the group ci; hint: `usermod -aG ci public`"]);
    }

    #[test]
    fn no_cache_is_where_the_setup_keeps_its_own() {
        for root in ["/var/lib/runner-cache", "/var/lib/runner-cache/actions", "/var/lib"] {
            assert!(why(&facts(&["ci"], Some(root))).contains("belongs to `host setup`"), "{root}");
        }
    }

    #[test]
    fn a_home_that_is_everything_is_no_users_home() {
        let mut facts = facts(&["ci"], Some("/mnt/data/rc"));
        facts.users[0].home = "/".into();
        assert!(matches!(plan(&facts).unwrap().pieces[0], Piece::Directory { above: ROOT, .. }));
    }

    #[test]
    fn what_the_policy_says_holds() {
        let mut facts = facts(&["ci"], Some("/mnt/other"));
        facts.policy = Some("cache-root: /mnt/data/rc\n".into());
        assert!(why(&facts).contains("is /mnt/data/rc, and `--root` is /mnt/other"));
        facts.policy = Some("root-access: private\n".into());
        facts.request.group = Some("ci".into());
        assert!(why(&facts).contains("`--group` contradicts `root-access: private`"));
        facts.policy = Some("max-sice: 1GB\n".into());
        assert!(why(&facts).contains("unknown name `max-sice`"));
    }

    #[test]
    fn where_nobody_says_the_rule_does_and_no_variable_of_a_runner() {
        let mut facts = facts(&["ci"], None);
        facts.rules = "q /var/tmp 1777 root root 30d\n".into();
        let by_rule = plan(&facts).unwrap();
        assert_eq!(by_rule.roots, ["/var/tmp/runner-cache for ci: by the rule"]);
        assert!(text(&by_rule, TMPFILES).ends_with("\nx /var/tmp/runner-cache\n"));
        facts.runners[0].root = Some(("/mnt/ours".into(), "/home/ci/r/.env".into()));
        let told = "/home/ci/r/.env sets RUNNER_CACHE_ROOT to /mnt/ours; hint: `--root /mnt/ours`,";
        assert!(why(&facts).starts_with(told), "jobs can write that file: {}", why(&facts));
        facts.request.root = Some("/mnt/data/rc".into());
        let told = &plan(&facts).unwrap().notes[0];
        assert!(told.contains("sets RUNNER_CACHE_ROOT to /mnt/ours, which is another directory"), "{told}");
        facts.runners[0].root = None;
        facts.request.root = Some("/tmp/rc".into());
        facts.rules = "D /tmp 1777 root root -\n".into();
        let told = &plan(&facts).unwrap().notes[0];
        assert!(told.contains("/tmp is emptied at each boot"), "{told}");
    }

    #[test]
    fn without_systemd_a_line_for_cron_is_told() {
        let mut facts = facts(&["ci"], Some("/mnt/data/rc"));
        facts.has_systemd = false;
        let plan_ = plan(&facts).unwrap();
        assert!(
            plan_.notes[0].contains("`17 4 * * * ci /usr/local/bin/runner-cache gc`"),
            "{:?}",
            plan_.notes
        );
        assert!(plan_.timers.is_empty() && !paths(&plan_).iter().any(|path| path.starts_with(UNITS)));
        facts.request.timer = Some(Timer::Systemd);
        assert_eq!(plan(&facts).unwrap().timers.len(), 1);
        facts.program.trouble = Some("everybody can write it".into());
        assert!(why(&facts).contains("the timer would run this program: everybody can write it"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(why(&facts(&[], None)).contains("no runner found"));
        assert!(why(&facts(&["ci"], Some("/mnt/a b"))).contains("not an absolute path of letters"));
        let mut unknown = facts(&["ci"], None);
        unknown.unknown_users.push("cy".into());
        assert!(why(&unknown).contains("user `cy` does not exist"));
        let mut of_one = facts(&["public", "team"], Some("/mnt/data/rc"));
        of_one.is_root_a_cache = true;
        assert!(why(&of_one).contains("is the cache of one user"));
    }
}
