//! One input three ways: as a flag, as an input of the action and as a host's variable it means the same, or is refused
//! in the same words, which name it, and the variable. Where all are given, the flag wins over the input, and that over the
//! variable.
#![no_main]

use std::ffi::OsString;
use std::sync::LazyLock;

use clap::CommandFactory as _;
use libfuzzer_sys::fuzz_target;
use runner_cache::cli::{self, Cli, variable};
use runner_cache::github::Environment;
use runner_cache::plan::{HostPolicy, Settings};
use runner_cache_fuzz::{job, said};

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let program = Cli::command();
    let save = program.find_subcommand("save").expect("there is a save");
    save.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
});

fuzz_target!(|given: (u8, &str, &str, &str)| {
    let (number, value, second, third) = given;
    let name = &NAMES[usize::from(number) % NAMES.len()];
    // What is empty is not given. What the action hands on is read without blanks around it, and `True` as `true`.
    let is_boolean = ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word));
    if value.is_empty() || value.trim() != value || is_boolean && value.to_lowercase() != value {
        return;
    }
    let flag = settings(name, Some(value), None, None);
    assert_eq!(flag, settings(name, None, Some(value), None), "{name}: a flag and an input");
    let host = settings(name, None, None, Some(value));
    let as_variable = format!("variable {} (input `{name}`): ", variable(name));
    let as_input = format!("input `{name}`: ");
    assert!(!matches!(&host, Err(Some(told)) if !told.starts_with(&as_variable)), "{host:?}");
    let host = host.map_err(|told| told.map(|told| told.replacen(&as_variable, &as_input, 1)));
    assert_eq!(flag, host, "{name}: a flag and a variable");
    if let Err(told) = &flag {
        let told = told.as_ref().expect("no value asks for help");
        assert!(told.starts_with(&as_input), "{told}");
    }
    if !second.is_empty() && !third.is_empty() {
        let input = settings(name, None, Some(second), None);
        let variable = settings(name, None, None, Some(third));
        if flag.is_ok() && input.is_ok() && variable.is_ok() {
            assert_eq!(flag, settings(name, Some(value), Some(second), Some(third)), "{name}: a flag wins");
            assert_eq!(input, settings(name, None, Some(second), Some(third)), "{name}: an input wins");
        }
    }
});

fn settings(
    name: &str,
    flag: Option<&str>,
    input: Option<&str>,
    host: Option<&str>,
) -> Result<Settings, Option<String>> {
    let flags: Vec<OsString> = flag.iter().map(|value| format!("--{name}={value}").into()).collect();
    let inputs = serde_json::json!({ name: input }).to_string();
    let env = Environment::from([("RUNNER_CACHE_INPUTS", &*inputs), (&*variable(name), host.unwrap_or(""))]);
    match cli::parse(&job::arguments("save", &flags), &env, &HostPolicy::default()) {
        Ok(cli) => Ok(job::settings_of(&cli).expect("a save has settings")),
        Err(error) => Err(said::of(&error)),
    }
}
