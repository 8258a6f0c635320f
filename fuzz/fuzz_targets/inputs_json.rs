//! The variable in which the action hands over its inputs, on any text: settings, or one line of what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runner_cache::cli;
use runner_cache::github::Environment;
use runner_cache::plan::{HostPolicy, Settings, build};
use runner_cache_fuzz::{job, said};

fuzz_target!(|json: &str| {
    let env = Environment::from([("RUNNER_CACHE_INPUTS", json)]);
    let [restore, save] = ["restore", "save"].map(|command| settings(command, &env));
    // The action gives both of its steps the same inputs. One of a restore alone is none of a save's.
    if let (Some(restore), Some(save)) = (&restore, &save) {
        assert_eq!(restore, save);
    }
    if let Some(settings) = restore
        && let Err(contradiction) = build(&settings, &job::facts())
    {
        let told = contradiction.to_string();
        assert!(told.starts_with("input `") && told.contains("; hint: "), "{told}");
    }
});

fn settings(command: &str, env: &Environment) -> Option<Settings> {
    match cli::parse(&job::arguments(command, &[]), env, &HostPolicy::default()) {
        Ok(cli) => Some(job::settings_of(&cli).expect("a restore and a save have settings")),
        Err(error) => {
            assert!(said::of(&error).is_some(), "inputs ask for no help");
            None
        }
    }
}
