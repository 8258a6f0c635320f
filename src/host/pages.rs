//! Shell completions and manual pages, made from the command line that the program reads.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::mark::marked;
use crate::cli::Cli;

/// The program's name.
const NAME: &str = "runner-cache";

/// Where what the owner of a system adds is.
pub(super) const SHARE: &str = "/usr/local/share";

/// Each file's path and text.
pub(super) fn pages() -> Vec<(PathBuf, String)> {
    let shells = [
        (Shell::Bash, "bash-completion/completions/runner-cache"),
        (Shell::Zsh, "zsh/site-functions/_runner-cache"),
        (Shell::Fish, "fish/vendor_completions.d/runner-cache.fish"),
    ];
    let mut pages: Vec<_> = shells
        .map(|(shell, path)| {
            let mut text = Vec::new();
            generate(shell, &mut Cli::command(), NAME, &mut text);
            (Path::new(SHARE).join(path), marked("#", &String::from_utf8_lossy(&text)))
        })
        .into();
    let mut cli = Cli::command();
    cli.build();
    add_manual(&cli, &mut pages);
    pages
}

/// Adds the pages of a command and of those below it.
fn add_manual(command: &Command, pages: &mut Vec<(PathBuf, String)>) {
    let man = Man::new(command.clone().version(env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    // A text in memory takes all.
    if man.render(&mut text).is_ok() {
        let path = Path::new(SHARE).join("man/man1").join(man.get_filename());
        pages.push((path, marked(".\\\"", &String::from_utf8_lossy(&text))));
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        add_manual(below, pages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::mark::{self, Mark};

    #[test]
    fn each_command_has_a_page_and_each_shell_its_completions() {
        let pages = pages();
        let has = |path: &str| {
            let (_, text) =
                pages.iter().find(|(page, _)| page.ends_with(path)).unwrap_or_else(|| panic!("{path}"));
            assert_eq!(mark::read(text.as_bytes()), Mark::Whole, "{path}");
            text
        };
        assert!(has("man1/runner-cache.1").contains("runner\\-cache\\-gc(1)"));
        assert!(has("man1/runner-cache-host-setup.1").contains("destdir"));
        assert!(has("zsh/site-functions/_runner-cache").starts_with("#compdef runner-cache\n"));
        has("bash-completion/completions/runner-cache");
        has("fish/vendor_completions.d/runner-cache.fish");
        assert_eq!(pages, super::pages(), "the same each time");
    }
}
