//! What the program says of words that it does not understand.

use clap::error::ErrorKind;
use runner_cache::cli::Refused;

/// What is said of `refused`; nothing where it is no error but the help or the version. Claims: it is one line, which
/// begins with the input where the error is about one.
pub fn of(refused: &Refused) -> Option<String> {
    if matches!(
        refused.error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return None;
    }
    let said = refused.explain();
    is_one_line(&said);
    is_one_line(&refused.hint());
    Some(said)
}

/// Claims that `said` is a line, and not an empty one.
pub fn is_one_line(said: &str) {
    assert!(!said.trim().is_empty(), "nothing is said");
    assert!(!said.contains(['\n', '\r']), "more than one line: {said:?}");
}

/// Claims that `said` is about the input `name`.
pub fn names(said: &str, name: &str) {
    assert!(said.contains(name), "`{name}` is not named: {said:?}");
}
