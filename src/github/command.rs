//! Workflow commands: lines that the runner reads from a step's output.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fmt;

/// GitHub shows no more of an annotation.
const LONGEST_MESSAGE: usize = 4000;

/// A line for the runner. Displays without a newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// An annotation of the run that does not fail it.
    Warning(&'a str),
    /// An annotation of the run; the exit code decides whether the step fails.
    Error(&'a str),
    /// A line that only a run with debug logging shows.
    Debug(&'a str),
    /// From here on lines are folded behind this one.
    Group(&'a str),
    /// Up to here.
    EndGroup,
}

impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, message) = match self {
            Self::Warning(message) => ("warning", message),
            Self::Error(message) => ("error", message),
            Self::Debug(message) => return write!(f, "::debug::{}", escape(message)),
            Self::Group(title) => return write!(f, "::group::{}", escape(title)),
            Self::EndGroup => return f.write_str("::endgroup::"),
        };
        write!(f, "::{name} title=runner-cache::{}", escape(cut(message)))
    }
}

/// Escapes a command's data. `%` comes first, or it would be escaped twice.
fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text for the log in which no line is a command: the runner looks for `::` at a line's start, behind blanks, and for
/// the older `##[` anywhere.
pub fn defuse(text: &str) -> String {
    let defused: Vec<_> =
        text.split('\n').map(|line| line.replace("::", ":\u{200b}:").replace("##[", "#\u{200b}#[")).collect();
    defused.join("\n").replace('\r', " ")
}

fn cut(message: &str) -> &str {
    let end = message.char_indices().nth(LONGEST_MESSAGE).map_or(message.len(), |(at, _)| at);
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        let warning = Command::Warning("100%\n::error::gotcha\r").to_string();
        assert_eq!(warning, "::warning title=runner-cache::100%25%0A::error::gotcha%0D");
    }

    #[test]
    fn a_file_name_in_the_log_is_no_command() {
        let text = defuse("saved a\n::add-path::/evil\n ##[error]x");
        assert!(!text.contains("::") && !text.contains("##["), "{text}");
    }

    #[test]
    fn a_message_is_as_long_as_github_shows() {
        assert!(Command::Error(&"é".repeat(9000)).to_string().chars().count() < 4096);
    }
}
