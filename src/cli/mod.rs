//! The user's words: commands, inputs, and what is said when they are wrong.

mod command;
mod errors;
mod hook;
mod host;
mod inputs;
mod report;
mod stats;
mod top;
mod updates;
mod values;

use std::ffi::OsString;

use clap::{Args as _, CommandFactory as _, Parser as _};

pub use command::{Cli, Command, ListForm, Order};
pub use errors::Refused;
pub use hook::{HookCommand, HookPlaces};
pub use host::{HostCommand, HostSetup, Timer};
pub use inputs::{Inputs, Limits, Root};
pub use report::Report;
pub use stats::Stats;
pub use top::Top;
pub use updates::{Fetch, Releases, SelfUpdate};

use crate::github::Environment;
use crate::plan::HostPolicy;

/// The variable in which the action hands over all its inputs as one JSON object.
const ALL_INPUTS: &str = "RUNNER_CACHE_INPUTS";

/// Commands that take the action's inputs.
const TAKE_INPUTS: [&str; 2] = ["restore", "save"];

/// The variable that holds a host's default of the input `name`.
pub fn variable(name: &str) -> String {
    match name {
        "cache-root" => "RUNNER_CACHE_ROOT".to_owned(),
        name => format!("RUNNER_CACHE_{}", name.replace('-', "_").to_uppercase()),
    }
}

/// Whether the flag `name` is an input of the action, for which a host can have a default.
fn is_input(name: &str) -> bool {
    let inputs = Inputs::augment_args(clap::Command::new(""));
    inputs.get_arguments().any(|arg| arg.get_long() == Some(name))
}

/// Reads the command line `args`, program name first, completed by the action's inputs, the host's variables in `env` and its
/// `policy`. A flag wins over an input, an input over a variable, that over the policy and the policy over the default. What is
/// empty is not given. But a job goes no further than the policy lets it.
pub fn parse(args: &[OsString], env: &Environment, policy: &HostPolicy) -> Result<Cli, Refused> {
    completed(args.to_vec(), env, policy).map_err(|error| Refused::new(error, args, env))
}

fn completed(mut args: Vec<OsString>, env: &Environment, policy: &HostPolicy) -> Result<Cli, clap::Error> {
    let cli = Cli::command();
    // Flags such as `--json` may stand before the command.
    let is_flag = |arg: &&OsString| arg.as_encoded_bytes().starts_with(b"-");
    let at = 1 + args.iter().skip(1).take_while(is_flag).count();
    if let Some(command) = args.get(at).and_then(|name| cli.find_subcommand(name)) {
        let names: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        let flag = |name: &str, value: &str| OsString::from(format!("--{name}={value}"));
        let of_policy = policy.inputs().filter(|(name, _)| names.contains(name));
        let of_policy = of_policy.map(|(name, value)| flag(name, value));
        let of_host = names.iter().filter_map(|name| Some((*name, env.get(&variable(name))?)));
        // Last, since it looks through all inputs.
        let of_host = of_host.filter(|(name, _)| is_input(name));
        let of_host = of_host.map(|(name, value)| flag(name, value));
        // A job's variables narrow what the policy says. To other commands, which act on all, a workflow's are not to say
        // anything else.
        let mut flags: Vec<OsString> = if names.contains(&"share") {
            of_policy.chain(of_host).collect()
        } else {
            of_host.chain(of_policy).collect()
        };
        if TAKE_INPUTS.contains(&command.get_name())
            && let Some(inputs) = env.get(ALL_INPUTS)
        {
            flags.extend(values_of(inputs)?.iter().map(|(name, value)| flag(name, value)));
        }
        // Flags override themselves: those that the user gave come last.
        args.splice(at + 1..=at, flags);
    }
    let mut cli = Cli::try_parse_from(args)?;
    let is_actions = env.get("GITHUB_ACTIONS") == Some("true");
    if let Some(inputs) = cli.command.inputs_mut() {
        (cli.narrowed, cli.variables) = (inputs.narrow(policy, is_actions), inputs.variables());
    }
    Ok(cli)
}

/// The values in a JSON object of inputs, by name. Those that are empty are not given.
fn values_of(inputs: &str) -> Result<Vec<(String, String)>, clap::Error> {
    let wrong = |what: String| {
        clap::Error::raw(clap::error::ErrorKind::InvalidValue, format!("{ALL_INPUTS}: {what}\n"))
    };
    let inputs: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(inputs).map_err(|error| wrong(format!("is not a JSON object ({error})")))?;
    let mut values = Vec::new();
    for (name, value) in inputs {
        // The runner takes inputs' names in any case and hands them on as they were written.
        let name = name.to_lowercase();
        match value {
            // As the toolkit of JavaScript actions reads them (`getInput`).
            serde_json::Value::String(value) if value.trim().is_empty() => {}
            serde_json::Value::String(value) => {
                let value = value.trim();
                let is_boolean = ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word));
                values.push((name, if is_boolean { value.to_lowercase() } else { value.to_owned() }));
            }
            serde_json::Value::Bool(value) => values.push((name, value.to_string())),
            serde_json::Value::Number(value) => values.push((name, value.to_string())),
            serde_json::Value::Null => {}
            other => return Err(wrong(format!("`{name}` is not a string, number or boolean: {other}"))),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{SaveMoment, Settings, Share};
    use crate::store::Access;

    fn settings(args: &[&str], inputs: &str) -> Result<Settings, Refused> {
        let args: Vec<_> =
            [&["runner-cache", "restore"], args].concat().into_iter().map(OsString::from).collect();
        match parse(&args, &Environment::from([(ALL_INPUTS, inputs)]), &HostPolicy::default())?.command {
            Command::Restore { inputs, .. } => Ok(inputs.settings(&Environment::default())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_input_of_the_action_is_a_flag_and_a_flag_wins() {
        let inputs = r#"{"save": "never\n", "path": "a\n!b\n", "fail-on-cache-miss": "True ", "key": "\n"}"#;
        let of_action = settings(&[], inputs).unwrap();
        assert_eq!(of_action.save, SaveMoment::Never);
        assert_eq!(of_action.path, ["a", "!b"]);
        assert!(of_action.fail_on_cache_miss);
        assert_eq!(of_action.key, None);
        assert_eq!(settings(&["--save", "always"], inputs).unwrap().save, SaveMoment::Always);
    }

    #[test]
    fn a_wrong_input_is_told_with_what_is_allowed_and_a_near_miss() {
        let told = |inputs| settings(&[], inputs).unwrap_err().explain();
        assert_eq!(
            told(r#"{"save": "alway"}"#),
            "input `save`: `alway` is not allowed; allowed: auto, always, success, never; did you mean `always`?"
        );
        assert_eq!(told(r#"{"layer": "cargo"}"#), "unknown input `layer`; did you mean `layers`?");
        assert_eq!(
            told(r#"{"keep": "tagret=3"}"#),
            "input `keep`: `tagret` is not a layer; allowed: cargo, target, builds, paths, bins; did you \
             mean `target`?"
        );
        assert_eq!(
            told(r#"{"lookup-only": "yes"}"#),
            "input `lookup-only`: `yes` is not allowed; allowed: true, false"
        );
        assert!(told("[1]").contains("is not a JSON object"));
        for inputs in [r#"{"max-size": "1\n2"}"#, r#"{"save": "a\r\nb"}"#, r#"{"x\ny": "z"}"#] {
            assert!(!told(inputs).contains(['\n', '\r']), "{inputs}");
        }
        assert_eq!(
            told("{\"save\": \"a\\nb\"}"),
            "input `save`: `a\\nb` is not allowed; allowed: auto, always, success, never"
        );
    }

    /// What holds of `flags` and `inputs` with the variables `host`, and what is told.
    fn held(policy: &str, host: (&str, &str), inputs: &str, flags: &[&str]) -> (Settings, Vec<String>) {
        let policy = HostPolicy::parse(policy).unwrap();
        let env = Environment::from([("GITHUB_ACTIONS", "true"), (ALL_INPUTS, inputs), host]);
        let args = [&["runner-cache", "restore"], flags].concat().into_iter().map(OsString::from);
        let cli = parse(&args.collect::<Vec<_>>(), &env, &policy).unwrap();
        let Command::Restore { inputs, .. } = cli.command else { panic!("it is a restore") };
        (inputs.settings(&env), cli.narrowed)
    }

    #[test]
    fn nobody_but_the_host_widens_what_is_shared() {
        let variable = ("RUNNER_CACHE_SHARE", "host");
        for (policy, host, inputs, flags, holds, is_told) in [
            ("", ("", ""), r#"{"Share": "owner"}"#, &[][..], Share::Repository, true),
            ("", variable, "{}", &[], Share::Repository, true),
            ("", ("", ""), "{}", &["--share", "host"], Share::Repository, true),
            ("share: owner", variable, "{}", &[], Share::Owner, true),
            ("share: off", ("", ""), r#"{"share": "repository"}"#, &[], Share::Off, true),
            ("", ("", ""), "{}", &[], Share::Repository, false),
            ("share: owner", ("", ""), "{}", &[], Share::Owner, false),
            ("share: host", ("", ""), r#"{"share": "owner"}"#, &[], Share::Owner, false),
            ("share: host", ("RUNNER_CACHE_SHARE", "off"), "{}", &[], Share::Off, false),
        ] {
            let (settings, narrowed) = held(policy, host, inputs, flags);
            assert_eq!(
                (settings.share, narrowed.len() == 1),
                (holds, is_told),
                "{policy}, {host:?}, {inputs}, {flags:?}"
            );
        }
        let (_, narrowed) = held("", ("", ""), r#"{"share": "host"}"#, &[]);
        assert_eq!(
            narrowed,
            ["input `share`: `host` exceeds the host policy; using `repository`; hint: `share` in \
              /etc/runner-cache.yml sets the limit"]
        );
    }

    #[test]
    fn where_the_host_has_its_cache_all_jobs_have_theirs() {
        let policy = "cache-root: /data/cache\nroot-access: group\nmax-age: 7d\n";
        let (settings, narrowed) = held(policy, ("", ""), "{}", &[]);
        assert_eq!((settings.cache_root, settings.maintenance.access), ("/data/cache".into(), Access::Group));
        assert_eq!(settings.maintenance.policy.max_age, Some(jiff::SignedDuration::from_hours(7 * 24)));
        assert!(narrowed.is_empty(), "{narrowed:?}");
        for (host, inputs) in
            [(("RUNNER_CACHE_ROOT", "/mine"), "{}"), (("", ""), r#"{"cache-root": "/mine"}"#)]
        {
            let (settings, narrowed) = held(policy, host, inputs, &[]);
            assert_eq!(settings.cache_root, std::path::Path::new("/data/cache"));
            assert_eq!(
                narrowed,
                ["input `cache-root`: `/mine` conflicts with the host policy; using `/data/cache`; hint: \
                  `cache-root` in /etc/runner-cache.yml"]
            );
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
