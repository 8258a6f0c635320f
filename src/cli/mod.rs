//! The user's words: commands, inputs, and what is said when they are wrong.

mod command;
mod inputs;
mod values;
mod wrong;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser as _};

pub use command::{Cli, Command, Order};
pub use inputs::{Inputs, Root};
pub use wrong::explain;

use crate::github::Environment;

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

/// Reads the command line `args`, program name first, completed by the action's inputs and the host's variables in `env`.
/// A flag wins over an input, an input over a variable, and that over the default. What is empty is not given.
pub fn parse(mut args: Vec<OsString>, env: &Environment) -> Result<Cli, clap::Error> {
    let cli = Cli::command();
    if let Some(command) = args.get(1).and_then(|name| cli.find_subcommand(name)) {
        let names = command.get_arguments().filter_map(clap::Arg::get_long);
        let of_host = names.filter_map(|name| Some(format!("--{name}={}", env.get(&variable(name))?).into()));
        let mut flags: Vec<OsString> = of_host.collect();
        if TAKE_INPUTS.contains(&command.get_name())
            && let Some(inputs) = env.get(ALL_INPUTS)
        {
            flags.extend(flags_of(inputs)?);
        }
        // Flags override themselves: those that the user gave come last.
        args.splice(2..2, flags);
    }
    Cli::try_parse_from(args)
}

/// The flags for a JSON object of inputs. Those that are empty are not given.
fn flags_of(inputs: &str) -> Result<Vec<OsString>, clap::Error> {
    let wrong = |what: String| {
        clap::Error::raw(clap::error::ErrorKind::InvalidValue, format!("{ALL_INPUTS}: {what}\n"))
    };
    let inputs: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(inputs).map_err(|error| wrong(format!("is no JSON object ({error})")))?;
    let mut flags = Vec::new();
    for (name, value) in inputs {
        // The runner takes inputs' names in any case and hands them on as they were written.
        let name = name.to_lowercase();
        match value {
            serde_json::Value::String(value) if value.is_empty() => {}
            serde_json::Value::String(value) => flags.push(format!("--{name}={value}").into()),
            serde_json::Value::Bool(value) => flags.push(format!("--{name}={value}").into()),
            serde_json::Value::Number(value) => flags.push(format!("--{name}={value}").into()),
            serde_json::Value::Null => {}
            other => return Err(wrong(format!("`{name}` is neither text, number nor truth value: {other}"))),
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{SaveMoment, Settings};

    fn settings(args: &[&str], inputs: &str) -> Result<Settings, clap::Error> {
        let args = [&["runner-cache", "restore"], args].concat().into_iter().map(OsString::from).collect();
        match parse(args, &Environment::from([(ALL_INPUTS, inputs)]))?.command {
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
        let told = |inputs| explain(&settings(&[], inputs).unwrap_err());
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
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
