//! A cargo workspace, as the user names it.

use std::path::PathBuf;
use std::str::FromStr;

use super::parse::Unreadable;

/// A workspace as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSpec {
    /// Its directory, relative to the job's directory.
    pub path: PathBuf,
    /// Its target directory, relative to its own; cargo tells it where this is absent.
    pub target: Option<PathBuf>,
}

impl FromStr for WorkspaceSpec {
    type Err = Unreadable;

    /// Reads `path` or `path -> target`.
    fn from_str(line: &str) -> Result<Self, Unreadable> {
        let (path, target) = match line.split_once("->") {
            Some((path, target)) => (path.trim(), Some(target.trim())),
            None => (line.trim(), None),
        };
        if path.is_empty() || target == Some("") {
            return Err(Unreadable(format!("`{line}` is not `path` or `path -> target`")));
        }
        Ok(Self { path: path.into(), target: target.map(PathBuf::from) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_may_name_its_target() {
        let spec: WorkspaceSpec = "../blvm-consensus -> out".parse().unwrap();
        assert_eq!(spec, WorkspaceSpec { path: "../blvm-consensus".into(), target: Some("out".into()) });
        assert!("-> x".parse::<WorkspaceSpec>().is_err() && "x ->".parse::<WorkspaceSpec>().is_err());
    }
}
