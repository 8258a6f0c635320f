//! Which lines of a `path` are cargo's own directories, which the cargo preset caches by its own rules.

/// What a line of `path` is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Downloads in cargo's home.
    Downloads,
    /// Installed tools in cargo's home, and cargo's list of them.
    Tools,
    /// All of cargo's home.
    Home,
    /// The target directory of the workspace in this directory, if it is one.
    Target(String),
    /// The target directories of workspaces that are not named.
    Targets,
    /// A part of one of these that is not to be cached.
    Excluded,
    /// Something else.
    Other,
}

/// How the path of cargo's home is written; the last two are those of GitHub's runners and of most containers.
const HOMES: [&str; 6] = [
    "~/.cargo",
    "$HOME/.cargo",
    "${{ env.HOME }}/.cargo",
    "${{ env.CARGO_HOME }}",
    "/home/runner/.cargo",
    "/root/.cargo",
];

impl Line {
    /// Reads a line, which is not blank.
    pub(super) fn read(line: &str) -> Self {
        if let Some(excluded) = line.strip_prefix('!') {
            return match Self::read(excluded.trim_start()) {
                Self::Other if below_target(excluded.trim_start()).is_none() => Self::Other,
                _ => Self::Excluded,
            };
        }
        let plain = without_patterns(line);
        let below = HOMES.iter().find_map(|home| plain.strip_prefix(home));
        if let Some(below) = below.filter(|below| below.is_empty() || below.starts_with('/')) {
            let mut names = below.split('/').filter(|name| !name.is_empty());
            return match names.next() {
                None => Self::Home,
                Some("registry" | "git") => Self::Downloads,
                Some("bin" | ".crates.toml" | ".crates2.json") => Self::Tools,
                Some(_) => Self::Other,
            };
        }
        match plain.strip_suffix("target").map(|directory| directory.trim_end_matches('/')) {
            Some(directory) if directory.ends_with('*') => Self::Targets,
            // `my-target` is no `target`.
            Some(_) if plain != "target" && !plain.ends_with("/target") => Self::Other,
            Some(directory)
                if directory.contains(['*', '?', '[', '{', '$', '~']) || directory.starts_with('/') =>
            {
                Self::Other
            }
            Some(directory) => Self::Target(if directory.is_empty() { "." } else { directory }.to_owned()),
            None => Self::Other,
        }
    }
}

/// The path before a pattern for all that is in it, relative to the workspace.
fn without_patterns(line: &str) -> &str {
    let mut plain = line.trim();
    for end in ["/**/*", "/**", "/*", "/"] {
        plain = plain.strip_suffix(end).unwrap_or(plain);
    }
    for workspace in ["${{ github.workspace }}/", "${{github.workspace}}/", "./"] {
        plain = plain.strip_prefix(workspace).unwrap_or(plain);
    }
    plain
}

/// What a path names in a target directory, if it leads there.
fn below_target(path: &str) -> Option<&str> {
    let plain = without_patterns(path);
    plain.strip_prefix("target/").or_else(|| plain.split_once("/target/").map(|(_, below)| below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_directories_are_known_in_all_their_forms() {
        let target = |directory: &str| Line::Target(directory.to_owned());
        let cases = [
            ("~/.cargo/registry/index/", Line::Downloads),
            ("${{ env.CARGO_HOME }}/git/db", Line::Downloads),
            ("~/.cargo/registry/**", Line::Downloads),
            ("~/.cargo/bin/", Line::Tools),
            ("~/.cargo/.crates2.json", Line::Tools),
            ("~/.cargo", Line::Home),
            ("~/.cargo/advisory-db", Line::Other),
            ("~/.cargo-other", Line::Other),
            ("target", target(".")),
            ("./target/", target(".")),
            ("${{ github.workspace }}/target", target(".")),
            ("fuzz/target/**", target("fuzz")),
            ("../lib/target", target("../lib")),
            ("**/target/", Line::Targets),
            ("target/release/tool", Line::Other),
            ("my-target", Line::Other),
            ("/mnt/target", Line::Other),
            ("${{ matrix.dir }}/target", Line::Other),
            ("!~/.cargo/registry/src", Line::Excluded),
            ("!target/tmp", Line::Excluded),
            ("!node_modules/.cache", Line::Other),
            ("node_modules", Line::Other),
        ];
        for (line, expected) in cases {
            assert_eq!(Line::read(line), expected, "{line}");
        }
    }
}
