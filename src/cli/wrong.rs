//! What is said of a command line that cannot be understood: one line that names the input, its value and what is
//! allowed. The same for a flag, a variable and an input of the action.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// `error` in one line; clap's own words where it is about the command line's form rather than an input.
pub fn explain(error: &Error) -> String {
    let text = explain_input(error).unwrap_or_else(|| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("error: ").unwrap_or(first).to_owned()
    });
    // A value may hold line breaks and worse.
    let shown = |letter: char| {
        if letter.is_control() { letter.escape_debug().to_string() } else { letter.to_string() }
    };
    text.chars().map(shown).collect()
}

fn explain_input(error: &Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let input = text(ContextKind::InvalidArg)?;
    // `--save <WHEN>` is the input `save`.
    let name = input.split([' ', '=', '[']).next()?.strip_prefix("--")?.to_owned();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let near = text(ContextKind::SuggestedArg).unwrap_or_default();
            Some(format!("there is no input `{name}`{}", near_miss(near.trim_start_matches("--"))))
        }
        ErrorKind::InvalidValue => {
            let value = text(ContextKind::InvalidValue)?;
            let allowed = text(ContextKind::ValidValue)?;
            let near = text(ContextKind::SuggestedValue).unwrap_or_default();
            Some(format!("input `{name}`: `{value}` is not allowed; allowed: {allowed}{}", near_miss(&near)))
        }
        ErrorKind::ValueValidation => {
            use std::error::Error as _;
            Some(format!("input `{name}`: {}", error.source()?))
        }
        _ => None,
    }
}

fn near_miss(near: &str) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean `{near}`?") }
}
