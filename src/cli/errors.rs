//! What is said of a command line that cannot be understood: one line that names the input, its value and what is
//! allowed, and a hint. The same for a flag, a variable and an input of the action.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::{Cli, is_input, variable};
use crate::github::Environment;

/// A command line that was not taken: it cannot be understood, or it asks for help.
#[derive(Debug)]
pub struct Refused {
    /// As the parser has it.
    pub error: Error,
    /// The command, if the first word is one.
    command: Option<String>,
    /// The command in a later word.
    late_command: Option<String>,
    /// The variable that holds the wrong value.
    variable: Option<String>,
}

impl Refused {
    /// `error` of the command line `args` with the variables in `env`.
    pub(super) fn new(error: Error, args: &[OsString], env: &Environment) -> Self {
        let cli = Cli::command();
        let is_command = |word: &&str| cli.find_subcommand(word).is_some();
        let mut words = args.iter().skip(1).map(|word| word.to_str().unwrap_or_default());
        let command = words.next().filter(is_command).map(ToOwned::to_owned);
        let late_command = words.find(is_command).map(ToOwned::to_owned);
        // Variables are read first: one that holds this value is the one that is wrong.
        let name = flag(&error).filter(|name| is_input(name));
        let variable = name.map(|name| variable(&name));
        let variable =
            variable.filter(|name| env.get(name) == text(&error, ContextKind::InvalidValue).as_deref());
        Self { error, command, late_command, variable }
    }

    /// What is wrong, in one line; the parser's own words where nothing better is known.
    pub fn explain(&self) -> String {
        in_one_line(&self.what().unwrap_or_else(|| {
            let text = self.error.to_string();
            let first = text.lines().next().unwrap_or_default();
            first.strip_prefix("error: ").unwrap_or(first).to_owned()
        }))
    }

    /// What to do, in one line.
    pub fn hint(&self) -> String {
        let command = self.command.as_deref();
        let misplaced = text(&self.error, ContextKind::InvalidArg).unwrap_or_default();
        in_one_line(&match (command, self.error.kind()) {
            (Some("run"), ErrorKind::MissingRequiredArgument) => {
                "hint: put `--` before the command: `runner-cache run -- cargo build`".to_owned()
            }
            (Some("run"), ErrorKind::UnknownArgument) if !misplaced.starts_with('-') => {
                format!("hint: put `--` before the command: `runner-cache run -- {misplaced} …`")
            }
            (Some(command), _) if has_inputs(command) => {
                format!(
                    "hint: `runner-cache {command} --help` and docs/inputs-and-outputs.md list all inputs"
                )
            }
            (Some(command), _) => format!("hint: `runner-cache {command} --help` shows its arguments"),
            (None, ErrorKind::UnknownArgument) if self.late_command.is_some() => {
                let command = self.late_command.as_deref().unwrap_or_default();
                format!("hint: `runner-cache {command} --help` shows its arguments")
            }
            (None, _) => "hint: `runner-cache --help` lists all commands".to_owned(),
        })
    }

    fn what(&self) -> Option<String> {
        let context = |kind| text(&self.error, kind);
        let near = |kind| near_miss(&nearest(&self.error, kind).unwrap_or_default());
        let arg = || context(ContextKind::InvalidArg);
        match self.error.kind() {
            ErrorKind::InvalidSubcommand => {
                let name = context(ContextKind::InvalidSubcommand)?;
                Some(format!("unknown command `{name}`{}", near(ContextKind::SuggestedSubcommand)))
            }
            ErrorKind::MissingRequiredArgument => {
                Some(format!("`{}` requires {}", self.command.as_ref()?, arg()?))
            }
            ErrorKind::UnknownArgument => Some(self.unknown(&arg()?)),
            ErrorKind::TooManyValues => {
                let (flag, value) = (flag(&self.error)?, context(ContextKind::InvalidValue)?);
                Some(format!("{} takes no value, got `{value}`", self.named(&flag)))
            }
            ErrorKind::InvalidValue => {
                let name = self.named(&flag(&self.error)?);
                let value = context(ContextKind::InvalidValue)?;
                let allowed = context(ContextKind::ValidValue).filter(|allowed| !allowed.is_empty());
                if value.is_empty() {
                    let allowed = allowed.or_else(|| Some(arg()?.split_once(' ')?.1.to_owned()))?;
                    return Some(format!("{name} requires a value; allowed: {allowed}"));
                }
                let near = near(ContextKind::SuggestedValue);
                Some(format!("{name}: `{value}` is not allowed; allowed: {}{near}", allowed?))
            }
            ErrorKind::ValueValidation => {
                use std::error::Error as _;
                Some(format!("{}: {}", self.named(&flag(&self.error)?), self.error.source()?))
            }
            _ => None,
        }
    }

    fn unknown(&self, arg: &str) -> String {
        let near = nearest(&self.error, ContextKind::SuggestedArg).unwrap_or_default();
        let name = flag(&self.error);
        match (self.command.as_deref(), name) {
            (Some(command), Some(name)) if has_inputs(command) => {
                format!("unknown input `{name}`{}", near_miss(near.trim_start_matches('-')))
            }
            (Some("run"), None) if !arg.starts_with('-') => {
                format!("missing `--` before the command `{arg}`")
            }
            (Some(command), _) => format!("`{command}` does not take `{arg}`{}", near_miss(&near)),
            (None, Some(name)) if is_of_a_command(&name) => format!("`--{name}` must follow the command"),
            (None, _) => format!("unexpected `{arg}` before the command{}", near_miss(&near)),
        }
    }

    /// A flag in the words of whoever gave it.
    fn named(&self, flag: &str) -> String {
        match &self.variable {
            Some(variable) => format!("variable {variable} (input `{flag}`)"),
            None if is_input(flag) => format!("input `{flag}`"),
            None => format!("`--{flag}`"),
        }
    }
}

fn is_of_a_command(flag: &str) -> bool {
    let is_it = |arg: &clap::Arg| arg.get_long() == Some(flag);
    Cli::command().get_subcommands().any(|command| command.get_arguments().any(is_it))
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    }
}

/// The most similar of what `error` suggests: clap gives it last.
fn nearest(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.last().cloned(),
        _ => text(error, kind),
    }
}

/// The flag that `error` is about. `--save <WHEN>` is `save`.
fn flag(error: &Error) -> Option<String> {
    let arg = text(error, ContextKind::InvalidArg)?;
    Some(arg.split([' ', '=', '[']).next()?.strip_prefix("--")?.to_owned())
}

/// A value may hold line breaks and worse.
fn in_one_line(text: &str) -> String {
    let shown = |letter: char| {
        if letter.is_control() { letter.escape_debug().to_string() } else { letter.to_string() }
    };
    text.chars().map(shown).collect()
}

fn near_miss(near: &str) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean `{near}`?") }
}

/// Whether the flags of a command are the action's inputs.
fn has_inputs(command: &str) -> bool {
    let cli = Cli::command();
    let mut flags = cli.find_subcommand(command).into_iter().flat_map(clap::Command::get_arguments);
    flags.any(|flag| flag.get_long() == Some("cache-mode"))
}
