//! The runners of a system: their directories, and the services that start them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::shown::{shown, shown_path};
use super::system::System;
use super::users::Users;
use crate::job::chain;
use crate::sys::{Dir, FileType, Result, Stat, file};

/// What `config.sh` writes into a runner's directory.
const SETTINGS: &[u8] = b".runner";

/// Where runners are besides the homes of people.
const USUAL: [&str; 10] = [
    "/home",
    "/opt",
    "/srv",
    "/mnt",
    "/data",
    "/var/lib",
    "/actions-runner",
    "/runner",
    "/runners",
    "/usr/local",
];

/// How far below those a runner's directory is, at most.
const DEPTH: usize = 2;

/// Where units are, those that hold first.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// Bytes of a runner's own files, at most.
const MOST: u64 = 16 << 20;

/// A runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runner {
    /// Where it is.
    pub(crate) directory: PathBuf,
    /// Its name on GitHub, if it is registered.
    pub(crate) name: Option<String>,
    /// Whose runner it is.
    pub(crate) url: Option<String>,
    /// The directory of its workspaces.
    pub(crate) work: PathBuf,
    /// Its version.
    pub(crate) version: Option<String>,
    /// Its user, if that is known.
    pub(crate) user: Option<String>,
    /// The number of its user.
    pub(crate) owner: Option<u32>,
    /// The unit that starts it.
    pub(crate) unit: Option<String>,
    /// Whether the system's owner named its directory.
    pub(crate) is_named: bool,
    /// Where its variables tell the cache to be, and what tells it.
    pub(crate) root: Option<(PathBuf, String)>,
    /// The variables with which its service starts, a line each, and what sets them; its own `.env` is laid over them.
    pub(crate) service: Vec<(String, String)>,
}

/// The runners of `system` with those in the directories `named`, and what could not be read of them.
pub(crate) fn runners(system: &System, named: &[PathBuf]) -> Result<(Vec<Runner>, Vec<String>)> {
    let (runners, mut troubles) = find(system, &Users::read(system)?, named);
    let (runners, strangers) = without_strangers(runners, &[]);
    troubles.extend(strangers);
    Ok((runners, troubles.iter().map(|trouble| shown(trouble)).collect()))
}

/// Whether `directory` lies below a runner's directory, as workspaces do unless they were moved elsewhere.
pub(crate) fn is_in_work_of_a_runner(directory: &Path) -> bool {
    let settings = Path::new(OsStr::from_bytes(SETTINGS));
    directory.ancestors().skip(2).any(|above| file::is_file(&above.join(settings)))
}

/// The directories of runners that services start.
pub(super) fn of_services(system: &System) -> impl Iterator<Item = PathBuf> {
    units(system).into_iter().filter_map(|unit| unit.directory)
}

impl Runner {
    /// That it has to be started again, since it reads its variables when it starts.
    pub(super) fn restart(&self) -> String {
        let name = self.name.as_deref().map_or_else(|| shown_path(&self.directory), shown);
        let how = match &self.unit {
            Some(unit) => format!("`systemctl restart {}`", shown(unit)),
            None => "stop it and start it again".to_owned(),
        };
        format!("runner {name} has its new variables from its next start on; hint: {how} while it has no job")
    }
}

/// The runners of `system`, and what could not be read of them. `more` are directories that are named.
pub(super) fn find(system: &System, users: &Users, more: &[PathBuf]) -> (Vec<Runner>, Vec<String>) {
    let (mut runners, mut troubles) = (Vec::<Runner>::new(), Vec::new());
    let mut seen: Vec<((u32, u32), u64)> = Vec::new();
    for unit in units(system) {
        let Some(directory) = unit.directory.clone() else { continue };
        match system.look_into(&directory).and_then(|dir| Ok((dir.stat_self()?, dir))) {
            Ok((stat, dir)) => {
                seen.push((stat.device, stat.inode));
                runners.push(look(system, users, directory, &dir, Some(unit), &mut troubles));
            }
            Err(error) => troubles.push(format!("{}: {}", unit.name, chain(&error))),
        }
    }
    let mut directories = Vec::new();
    for directory in more {
        match system.look_into(directory).and_then(|dir| dir.stat_if_present(SETTINGS)) {
            Ok(Some(_)) => directories.push(directory.clone()),
            Ok(None) => troubles.push(format!(
                "{} is not a runner's directory: .runner is missing; hint: name the user of a later runner in `--user`",
                directory.display()
            )),
            Err(error) => troubles.push(chain(&error)),
        }
    }
    for place in users.homes().chain(USUAL.map(Path::new)) {
        search(system, place, DEPTH, &mut directories);
    }
    for directory in directories {
        let Ok(dir) = system.look_into(&directory) else { continue };
        let Ok(Stat { device, inode, .. }) = dir.stat_self() else { continue };
        if !seen.contains(&(device, inode)) {
            seen.push((device, inode));
            let runner = look(system, users, directory, &dir, None, &mut troubles);
            runners.push(Runner { is_named: more.contains(&runner.directory), ..runner });
        }
    }
    runners.sort_by(|a, b| a.directory.cmp(&b.directory));
    (runners, troubles)
}

/// Takes out of `runners` those that may be strangers', and tells of each. Everybody can write a `.runner` file into a
/// directory of theirs: where services or the system's owner tell whose the runners are, files of others tell nothing.
/// `named` are the users that the owner named.
pub(super) fn without_strangers(runners: Vec<Runner>, named: &[String]) -> (Vec<Runner>, Vec<String>) {
    let of_owner = runners.iter().filter(|runner| runner.unit.is_some() || runner.is_named);
    let known: Vec<_> = of_owner.filter_map(|runner| runner.user.clone()).chain(named.to_vec()).collect();
    let is_known = |runner: &Runner| {
        let is_users = runner.user.as_ref().is_some_and(|user| known.contains(user));
        known.is_empty() || is_users || runner.unit.is_some() || runner.is_named
    };
    let (runners, strangers): (Vec<_>, Vec<_>) = runners.into_iter().partition(is_known);
    let told = |runner: &Runner| {
        let user = runner.user.as_deref().unwrap_or("unknown");
        let directory = runner.directory.display();
        format!(
            "{directory} is left out: no service starts it, and no other runner is of its user ({user}); hint: `--runner-dir` if it is one"
        )
    };
    let strangers = strangers.iter().map(told).collect();
    (runners, strangers)
}

/// Adds the directories of runners in `place` and below. Those of one runner hold no other.
fn search(system: &System, place: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(dir) = system.look_into(place) else { return };
    if matches!(dir.stat_if_present(SETTINGS), Ok(Some(_))) {
        found.push(place.to_path_buf());
        return;
    }
    if depth == 0 {
        return;
    }
    for name in system.names(place) {
        let is_directory = || dir.stat(name.as_bytes()).is_ok_and(|stat| stat.kind == FileType::Directory);
        if !name.as_bytes().starts_with(b".") && is_directory() {
            search(system, &place.join(&name), depth - 1, found);
        }
    }
}

/// What `config.sh` wrote that matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    agent_name: Option<String>,
    git_hub_url: Option<String>,
    work_folder: Option<String>,
}

/// Reads what is known of the runner in `directory`.
fn look(
    system: &System,
    users: &Users,
    directory: PathBuf,
    dir: &Dir,
    unit: Option<Unit>,
    troubles: &mut Vec<String>,
) -> Runner {
    let settings = match dir.read_file_up_to(SETTINGS, MOST) {
        Ok(Some(bytes)) => settings(&bytes).unwrap_or_else(|why| {
            troubles.push(format!("{}/.runner cannot be understood: {why}", directory.display()));
            Settings::default()
        }),
        Ok(None) => Settings::default(),
        Err(error) => {
            troubles.push(chain(&error));
            Settings::default()
        }
    };
    let owner = dir.stat(SETTINGS).or_else(|_| dir.stat_self()).ok().map(|stat| stat.owner);
    let of_unit = unit.as_ref().map(|unit| unit.user.clone().unwrap_or_else(|| "root".to_owned()));
    // Units may have a user's number in the place of the name.
    let name_of =
        |user: String| user.parse().ok().and_then(|number| users.user_of(number)).map_or(user, |of| of.name);
    let of_unit = of_unit.map(name_of);
    let user = of_unit.or_else(|| Some(users.user_of(owner?)?.name));
    let number = user.as_ref().and_then(|user| Some(users.user(user)?.owner.user)).or(owner);
    if user.is_none() {
        let hint = "hint: `--user` names the user";
        troubles.push(format!("{}: cannot tell whose runner this is; {hint}", directory.display()));
    }
    let own = dir.read_file_up_to(b".env", MOST).ok().flatten().unwrap_or_default();
    let own = (String::from_utf8_lossy(&own).into_owned(), directory.join(".env").display().to_string());
    let mut service = Vec::new();
    for file in unit.iter().flat_map(|unit| &unit.environment_files) {
        service.push((system.text(file).ok().flatten().unwrap_or_default(), file.display().to_string()));
    }
    service.extend(unit.iter().map(|unit| (unit.environment.clone(), unit.name.clone())));
    let root = [&own].into_iter().chain(&service).find_map(|(text, of)| Some((root_in(text)?, of.clone())));
    let work = directory.join(settings.work_folder.as_deref().unwrap_or("_work"));
    Runner {
        name: settings.agent_name,
        url: settings.git_hub_url,
        version: version(dir),
        user,
        owner: number,
        unit: unit.map(|unit| unit.name),
        is_named: false,
        root,
        service,
        work,
        directory,
    }
}

fn settings(bytes: &[u8]) -> std::result::Result<Settings, String> {
    // .NET begins its texts with a mark of their encoding.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// The version, from what .NET's loader reads: `"Runner.Listener/2.336.0": {`.
fn version(dir: &Dir) -> Option<String> {
    let bin = dir.open_dir(b"bin").or_else(|_| {
        // A runner that updated itself has a symlink to `bin.2.336.0`.
        let target = dir.read_symlink(b"bin")?;
        let target = Path::new(OsStr::from_bytes(&target)).file_name().unwrap_or_default();
        dir.open_dir(target.as_bytes())
    });
    let text = bin.ok()?.read_file_up_to(b"Runner.Listener.deps.json", MOST).ok()??;
    let text = String::from_utf8_lossy(&text);
    let (_, version) = text.split_once("\"Runner.Listener/")?;
    let (version, _) = version.split_once('"')?;
    let is_version = version.chars().all(|letter| letter.is_ascii_alphanumeric() || ".+-".contains(letter));
    is_version.then(|| version.to_owned())
}

/// Where the cache is by the variables of an environment file.
fn root_in(text: &str) -> Option<PathBuf> {
    let value = text.lines().filter_map(|line| line.trim().strip_prefix("RUNNER_CACHE_ROOT=")).next_back()?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.into())
}

/// A runner's service.
#[derive(Debug, Default, PartialEq, Eq)]
struct Unit {
    name: String,
    user: Option<String>,
    directory: Option<PathBuf>,
    environment_files: Vec<PathBuf>,
    /// Its variables, a line each.
    environment: String,
}

/// The services of runners.
fn units(system: &System) -> Vec<Unit> {
    let mut texts = BTreeMap::<String, Vec<String>>::new();
    for place in UNITS.map(Path::new) {
        for name in system.names(place) {
            let Some(name) = name.to_str().filter(|name| is_of_runner(name)) else { continue };
            if let Ok(Some(text)) = system.text(&place.join(name)) {
                texts.entry(name.to_owned()).or_insert_with(|| vec![text]);
            }
        }
    }
    for (name, texts) in &mut texts {
        for place in UNITS.map(Path::new).iter().rev() {
            let drop_ins = place.join(format!("{name}.d"));
            let names = system.names(&drop_ins).into_iter().filter(|name| name != super::units::DROP_IN);
            texts.extend(names.filter_map(|name| system.text(&drop_ins.join(name)).ok().flatten()));
        }
    }
    texts.into_iter().map(|(name, texts)| unit(name, &texts.join("\n"))).collect()
}

fn is_of_runner(name: &str) -> bool {
    name.starts_with("actions.runner.") && Path::new(name).extension().is_some_and(|of| of == "service")
}

/// Reads a unit and what is laid over it: of values that hold once, the last one.
fn unit(name: String, text: &str) -> Unit {
    let mut unit = Unit { name, ..Unit::default() };
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| section == "[Service]") else { continue };
        let value = value.trim();
        match key.trim() {
            "User" => unit.user = Some(value.to_owned()).filter(|user| !user.is_empty()),
            "WorkingDirectory" => unit.directory = Some(value.trim_start_matches('-').into()),
            "ExecStart" if unit.directory.is_none() => {
                let program = value.split_whitespace().next().unwrap_or_default();
                unit.directory = Path::new(program).parent().map(Path::to_path_buf);
            }
            "EnvironmentFile" if value.is_empty() => unit.environment_files.clear(),
            "EnvironmentFile" => unit.environment_files.push(value.trim_start_matches('-').into()),
            "Environment" => {
                for word in value.split_whitespace() {
                    unit.environment += word.trim_matches('"');
                    unit.environment.push('\n');
                }
            }
            _ => {}
        }
    }
    unit.directory = unit.directory.filter(|directory| directory.is_absolute());
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_tells_user_directory_and_variables() {
        let text = "[Unit]\nUser=nobody\n[Service]\nExecStart=/opt/r/runsvc.sh\nUser=ci\nWorkingDirectory=/opt/r\n\
                    EnvironmentFile=-/etc/ci.env\nEnvironment=A=1 \"RUNNER_CACHE_ROOT=/c\"\n[Install]\nUser=x\n[Service]\nUser=team\n";
        let read = unit("actions.runner.o-r.n.service".into(), text);
        assert_eq!(read.user.as_deref(), Some("team"));
        assert_eq!(read.directory.as_deref(), Some(Path::new("/opt/r")));
        assert_eq!(read.environment_files, [Path::new("/etc/ci.env")]);
        assert_eq!(read.environment, "A=1\nRUNNER_CACHE_ROOT=/c\n");
        let other = unit("n".into(), "[Service]\nExecStart=/opt/s/runsvc.sh\n");
        assert_eq!((other.directory.as_deref(), other.user), (Some(Path::new("/opt/s")), None));
    }

    #[test]
    fn strangers_file_counts_only_where_nothing_else_tells_whose_the_runners_are() {
        let runner = |directory: &str, user: &str, unit: bool, is_named| Runner {
            directory: directory.into(),
            user: Some(user.into()),
            unit: unit.then(|| "actions.runner.o.n.service".into()),
            is_named,
            ..Runner::default()
        };
        let (ours, strange) =
            (runner("/srv/r", "ci", true, false), runner("/home/eve/r", "eve", false, false));
        let by_hand = runner("/home/ci/r", "ci", false, false);
        let (kept, told) = without_strangers(vec![ours.clone(), by_hand.clone(), strange.clone()], &[]);
        assert_eq!(kept, [ours.clone(), by_hand.clone()], "one of a user who has another is theirs");
        assert!(told.len() == 1 && told[0].starts_with("/home/eve/r is left out"), "{told:?}");
        let both = vec![by_hand, strange];
        assert_eq!(without_strangers(both.clone(), &[]).0, both, "nothing tells which are the host's");
        assert_eq!(without_strangers(both.clone(), &["ci".into()]).0, both[..1]);
        let named = runner("/home/eve/r", "eve", false, true);
        assert_eq!(without_strangers(vec![ours.clone(), named.clone()], &[]).0, [ours, named]);
    }

    #[test]
    fn a_runners_settings_are_read_as_dotnet_writes_them() {
        let text = "\u{feff}{\n  \"agentId\": 3,\n  \"agentName\": \"one\",\n  \"gitHubUrl\": \"https://github.com/o/r\",\n  \
                    \"workFolder\": \"_work\"\n}";
        let read = settings(text.as_bytes()).unwrap();
        assert_eq!((read.agent_name.as_deref(), read.work_folder.as_deref()), (Some("one"), Some("_work")));
        assert_eq!(read.git_hub_url.as_deref(), Some("https://github.com/o/r"));
        assert!(settings(b"not json").is_err());
        assert_eq!(root_in("A=1\nRUNNER_CACHE_ROOT='/c'\n"), Some("/c".into()));
        assert_eq!(root_in("RUNNER_CACHE_ROOT=\n"), None);
    }
}
