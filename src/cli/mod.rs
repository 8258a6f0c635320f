//! The user's words: commands, inputs, and what is said when they are wrong.

mod command;
mod inputs;
mod values;
mod wrong;

use std::ffi::OsString;

use clap::{Args as _, CommandFactory as _, Parser as _, ValueEnum as _};

pub use command::{Cli, Command, Order};
pub use inputs::{Inputs, Root};
pub use wrong::Refused;

use crate::github::Environment;
use crate::plan::Share;

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

/// Reads the command line `args`, program name first, completed by the action's inputs and the host's variables in `env`.
/// A flag wins over an input, an input over a variable, and that over the default. What is empty is not given. An input
/// does not widen what the host shares.
pub fn parse(args: &[OsString], env: &Environment) -> Result<Cli, Refused> {
    completed(args.to_vec(), env).map_err(|error| Refused::new(error, args, env))
}

fn completed(mut args: Vec<OsString>, env: &Environment) -> Result<Cli, clap::Error> {
    let cli = Cli::command();
    let mut narrowed = Vec::new();
    if let Some(command) = args.get(1).and_then(|name| cli.find_subcommand(name)) {
        let names = command.get_arguments().filter_map(clap::Arg::get_long);
        let of_host = names.filter_map(|name| Some((name, env.get(&variable(name))?)));
        // Last, since it looks through all inputs.
        let of_host = of_host.filter(|(name, _)| is_input(name));
        let mut flags: Vec<OsString> =
            of_host.map(|(name, value)| format!("--{name}={value}").into()).collect();
        if TAKE_INPUTS.contains(&command.get_name())
            && let Some(inputs) = env.get(ALL_INPUTS)
        {
            for (name, value) in values_of(inputs)? {
                let (value, note) = if name == "share" { allowed(value, env) } else { (value, None) };
                flags.push(format!("--{name}={value}").into());
                narrowed.extend(note);
            }
        }
        // Flags override themselves: those that the user gave come last.
        args.splice(2..2, flags);
    }
    Ok(Cli { narrowed, ..Cli::try_parse_from(args)? })
}

/// What holds of a workflow's input `share`, and what to tell where that is less: with whom a host shares is its owner's to
/// decide, and no workflow's.
fn allowed(share: String, env: &Environment) -> (String, Option<String>) {
    let name = variable("share");
    let read = |text: &str| Share::from_str(text, false).ok();
    let most = env.get(&name).filter(|text| read(text).is_some()).unwrap_or("repository");
    // What cannot be read is clap's to tell of.
    if read(&share) <= read(most) {
        return (share, None);
    }
    let note = format!(
        "input `share`: `{share}` is more than this host allows, so `{most}` holds; hint: {name} in the runner's .env \
         tells the most"
    );
    (most.to_owned(), Some(note))
}

/// The values in a JSON object of inputs, by name. Those that are empty are not given.
fn values_of(inputs: &str) -> Result<Vec<(String, String)>, clap::Error> {
    let wrong = |what: String| {
        clap::Error::raw(clap::error::ErrorKind::InvalidValue, format!("{ALL_INPUTS}: {what}\n"))
    };
    let inputs: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(inputs).map_err(|error| wrong(format!("is no JSON object ({error})")))?;
    let mut values = Vec::new();
    for (name, value) in inputs {
        // The runner takes inputs' names in any case and hands them on as they were written.
        let name = name.to_lowercase();
        match value {
            serde_json::Value::String(value) if value.is_empty() => {}
            serde_json::Value::String(value) => values.push((name, value)),
            serde_json::Value::Bool(value) => values.push((name, value.to_string())),
            serde_json::Value::Number(value) => values.push((name, value.to_string())),
            serde_json::Value::Null => {}
            other => return Err(wrong(format!("`{name}` is neither text, number nor truth value: {other}"))),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{SaveMoment, Settings};

    fn settings(args: &[&str], inputs: &str) -> Result<Settings, Refused> {
        let args: Vec<_> =
            [&["runner-cache", "restore"], args].concat().into_iter().map(OsString::from).collect();
        match parse(&args, &Environment::from([(ALL_INPUTS, inputs)]))?.command {
            Command::Restore { inputs, .. } => Ok(inputs.settings(&Environment::default())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_input_of_the_action_is_a_flag_and_a_flag_wins() {
        let inputs = r#"{"save": "never", "path": "a\n!b\n", "fail-on-cache-miss": "true", "key": ""}"#;
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
        assert_eq!(told(r#"{"layer": "cargo"}"#), "there is no input `layer`; did you mean `layers`?");
        assert_eq!(
            told(r#"{"keep": "tagret=3"}"#),
            "input `keep`: `tagret` is no layer; allowed: cargo, target, builds, paths, bins; did you mean `target`?"
        );
        assert_eq!(
            told(r#"{"lookup-only": "yes"}"#),
            "input `lookup-only`: `yes` is not allowed; allowed: true, false"
        );
        assert!(told("[1]").contains("is no JSON object"));
        for inputs in [r#"{"max-size": "1\n2"}"#, r#"{"save": "a\r\nb"}"#, r#"{"x\ny": "z"}"#] {
            assert!(!told(inputs).contains(['\n', '\r']), "{inputs}");
        }
        assert_eq!(
            told("{\"save\": \"a\\nb\"}"),
            "input `save`: `a\\nb` is not allowed; allowed: auto, always, success, never"
        );
    }

    #[test]
    fn a_workflow_shares_no_more_than_the_host_allows() {
        let shared = |host: &str, input: &str, flags: &[&str]| {
            let inputs = format!(r#"{{"Share": "{input}"}}"#);
            let env = Environment::from([(ALL_INPUTS, inputs.as_str()), (&variable("share"), host)]);
            let args = [&["runner-cache", "restore"], flags].concat().into_iter().map(OsString::from);
            let cli = parse(&args.collect::<Vec<_>>(), &env).unwrap();
            let Command::Restore { inputs, .. } = cli.command else { panic!("it is a restore") };
            (inputs.settings(&env).share, cli.narrowed)
        };
        for (host, input, holds) in [
            ("", "owner", Share::Repository),
            ("", "host", Share::Repository),
            ("repository", "owner", Share::Repository),
            ("owner", "host", Share::Owner),
            ("off", "repository", Share::Off),
        ] {
            let (share, narrowed) = shared(host, input, &[]);
            let [note] = narrowed.as_slice() else { panic!("{host}, {input}: {narrowed:?}") };
            let said = format!("input `share`: `{input}` is more than this host allows");
            assert!(share == holds && note.starts_with(&said), "{share:?}: {note}");
        }
        for (host, input, flags, holds) in [
            ("", "", &[][..], Share::Repository),
            ("host", "", &[], Share::Host),
            ("host", "owner", &[], Share::Owner),
            ("host", "host", &[], Share::Host),
            ("", "off", &[], Share::Off),
            ("", "", &["--share", "host"], Share::Host),
        ] {
            assert_eq!(shared(host, input, flags), (holds, Vec::new()), "{host}, {input}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
