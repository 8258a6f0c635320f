//! The facts of the presets that a job names: their paths, key files and tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::geteuid;

use crate::cargo::Host;
use crate::facts::{NoPlan, matching};
use crate::job::Job;
use crate::plan::path_lines::{self, Bases};
use crate::plan::{
    self, Access, Facts, FileDigest, OWN_PRESETS, Preset, Settings, Tells, Unreadable, access,
    built_in_presets, choose, parse_own_presets,
};
use crate::sys::{self, Dir, FileType, Stat, file};

/// Most tools tell their version in tenths of a second.
const PATIENCE: Duration = Duration::from_secs(4);

/// Bytes of a repository's own presets, at most.
const LONGEST_OWN: u64 = 1 << 20;

/// Adds what the presets `settings` names tell of this job.
pub(crate) fn gather(job: &Job, settings: &Settings, facts: &mut Facts) -> Result<(), NoPlan> {
    let names = settings.presets.others();
    if names.is_empty() {
        return Ok(());
    }
    let wrong = |error: Unreadable| NoPlan::WrongInput(format!("input `preset`: {error}"));
    let mut names = names.to_vec();
    let own = if access(&job.context) == Access::Base {
        leave_out_own(job, &facts.directory, &mut names);
        BTreeMap::new()
    } else {
        own(&facts.directory)?
    };
    let asked = OfJob { job, directory: facts.directory.clone() };
    for (name, preset) in choose(&names, own).map_err(wrong)? {
        facts.preset_paths.extend(preset.paths_in(&name, &job.env, &asked));
        facts.unset.extend(
            preset.unset_in(&job.env).into_iter().map(|variable| (name.clone(), variable.to_owned())),
        );
        if plan::needs_parts(settings) {
            let has_key_files = !settings.key_files.is_empty();
            gather_key(job, &name, &preset, has_key_files, facts)?;
        }
    }
    Ok(())
}

/// What the tools and files of this job tell.
struct OfJob<'a> {
    job: &'a Job,
    directory: PathBuf,
}

impl Tells for OfJob<'_> {
    fn answer(&self, command: &[String]) -> Option<String> {
        // Tools read files of the checkout to answer, and newer ones may run some.
        if access(&self.job.context) == Access::Base {
            return None;
        }
        let started = Instant::now();
        let said = ask(self.job, &self.directory, command);
        if said.is_none() && started.elapsed() >= PATIENCE {
            self.job.console.say(format!(
                "preset: `{}` gave no answer in {} s: its default directory is used; hint: set the tool's variable",
                command.join(" "),
                PATIENCE.as_secs()
            ));
        }
        said.filter(|said| !said.is_empty() && !said.contains('\n'))
    }

    fn note(&self, file: &str, key: &str) -> Option<String> {
        // Whoever wrote the file is not to say where a job with more rights restores to.
        if access(&self.job.context) == Access::Base {
            return None;
        }
        let text = file::read_if_present(&self.directory.join(file)).ok().flatten()?;
        let values: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_slice(&text).ok()?;
        values.get(key)?.as_str().map(str::to_owned)
    }

    fn is_root(&self) -> bool {
        geteuid().is_root()
    }
}

/// Takes out of `names` what only the repository in `directory` can describe: a job that has more rights than who wrote that
/// must neither run a command of it nor restore to where it says.
fn leave_out_own(job: &Job, directory: &Path, names: &mut Vec<String>) {
    if !file::is_present(&directory.join(OWN_PRESETS)) {
        return;
    }
    let event = job.context.event.as_deref().unwrap_or("unknown");
    job.console.say(format!("preset: {OWN_PRESETS} does not count for jobs of the event `{event}`"));
    let built_in: Vec<_> = built_in_presets().into_iter().map(|(name, _)| name).collect();
    names.retain(|name| built_in.contains(&&**name));
}

/// The presets of the repository in `directory`. No link leads to them: what is wrong in them is quoted in the log.
fn own(directory: &Path) -> Result<BTreeMap<String, Preset>, NoPlan> {
    let (above, name) = OWN_PRESETS.rsplit_once('/').expect("it lies in a directory");
    let link = || {
        let what = "a symlink, or behind one; hint: commit the file itself";
        NoPlan::WrongInput(format!("{OWN_PRESETS}: {what}"))
    };
    let checkout = Dir::open(directory)?;
    let is_directory = |stat: &Stat| stat.kind == FileType::Directory;
    let above = match checkout.stat_if_present(above.as_bytes())? {
        Some(stat) if stat.kind == FileType::Symlink => return Err(link()),
        Some(stat) if is_directory(&stat) => checkout.open_dir(above.as_bytes())?,
        _ => return Ok(BTreeMap::new()),
    };
    let bytes = match above.stat_if_present(name.as_bytes())? {
        None => return Ok(BTreeMap::new()),
        Some(stat) if stat.kind == FileType::Symlink => return Err(link()),
        Some(stat) if stat.kind != FileType::RegularFile => {
            return Err(NoPlan::Trouble(anyhow::anyhow!("{OWN_PRESETS}: not a file")));
        }
        Some(_) => above.read_file_up_to(name.as_bytes(), LONGEST_OWN)?.unwrap_or_default(),
    };
    parse_own_presets(&String::from_utf8_lossy(&bytes))
        .map_err(|error| NoPlan::WrongInput(format!("{OWN_PRESETS}: {error}; hint: see docs/presets.md")))
}

fn gather_key(
    job: &Job,
    name: &str,
    preset: &Preset,
    has_key_files: bool,
    facts: &mut Facts,
) -> Result<(), NoPlan> {
    let found = key_files(Bases::of(facts), name, &preset.key_files)?;
    // Whoever has followed the hint is not told again.
    if found.is_empty() && !preset.key_files.is_empty() && !has_key_files {
        let files = preset.key_files.join(", ");
        job.console.say(format!(
            "preset {name}: no lock file found; the key will not change when dependencies do; looked for \
             {files}; hint: `key-files`"
        ));
    }
    // Two presets may look at one file, and ask one tool.
    add_new(&mut facts.key_files, found);
    add_new(&mut facts.variables, version(job, &facts.directory, &preset.version));
    Ok(())
}

fn add_new(items: &mut Vec<(String, String)>, more: impl IntoIterator<Item = (String, String)>) {
    for item in more {
        if !items.contains(&item) {
            items.push(item);
        }
    }
}

/// The files that a preset names, as far as they are there.
fn key_files(bases: Bases<'_>, preset: &str, lines: &[String]) -> Result<Vec<FileDigest>, NoPlan> {
    let mut digests = Vec::new();
    for named in path_lines::named(lines, bases) {
        add_new(&mut digests, matching(bases, &named, &format!("preset `{preset}`: `key-files`"))?);
    }
    Ok(digests)
}

/// What a tool says of its version, beside the words of the question; nothing where it is absent, lies in the checkout, fails
/// or does not answer.
fn version(job: &Job, directory: &Path, command: &[String]) -> Option<(String, String)> {
    Some((command.join(" "), ask(job, directory, command)?))
}

/// What a tool says, without blanks around it; nothing where it is absent, lies in the checkout, fails or does not answer.
fn ask(job: &Job, directory: &Path, command: &[String]) -> Option<String> {
    let (program, args) = command.split_first()?;
    let mut asked = Host::new(&job.env).command_outside(program, directory)?;
    if access(&job.context) == Access::Base {
        // A manager of versions reads in the checkout which one is meant, and that may be a program of it.
        asked.current_dir("/");
    }
    // Neither corepack nor a tool's own manager of its versions is to download what the checkout names.
    let offline = [
        ("COREPACK_ENABLE_NETWORK", "0"),
        ("GOTOOLCHAIN", "local"),
        ("npm_config_manage_package_manager_versions", "false"),
        ("pnpm_config_manage_package_manager_versions", "false"),
    ];
    let said = sys::ask(asked.args(args).envs(offline), PATIENCE)?;
    Some(String::from_utf8_lossy(&said).trim().to_owned())
}
