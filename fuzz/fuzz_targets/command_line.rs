//! Any command line, its words separated by NUL: a command, or one line of what is wrong.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use libfuzzer_sys::fuzz_target;
use runner_cache::cli::{self, Command};
use runner_cache::github::Environment;
use runner_cache::plan::HostPolicy;
use runner_cache_fuzz::{job, said};

fuzz_target!(|bytes: &[u8]| {
    let words = bytes.split(|&byte| byte == 0).map(|word| OsStr::from_bytes(word).to_owned());
    let arguments: Vec<OsString> = std::iter::once("runner-cache".into()).chain(words).collect();
    let env = Environment::from([("HOME", "/h")]);
    let cli = match cli::parse(&arguments, &env, &HostPolicy::default()) {
        Ok(cli) => cli,
        Err(error) => {
            said::of(&error);
            return;
        }
    };
    if let Some(settings) = job::settings_of(&cli) {
        assert!(settings.cache_root.is_absolute(), "{}", settings.cache_root.display());
        assert_ne!(settings.key.as_deref(), Some(""));
    }
    match cli.command {
        Command::Run { command, .. } => assert!(!command.is_empty(), "there is nothing to run"),
        Command::Remove { keys, root, .. } => {
            assert!(!keys.is_empty(), "there is nothing to remove");
            assert!(root.directory(&env).is_absolute());
        }
        _ => {}
    }
});
