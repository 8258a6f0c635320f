//! What cleans up directories of temporary files: systemd's tmpfiles, see tmpfiles.d(5).

use std::path::Path;

use super::file;

/// Where it has its rules.
pub const CLEANERS: [&str; 3] = ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d"];

/// All rules of this host's cleaner, one a line.
pub fn cleaner_rules() -> String {
    let mut rules = String::new();
    for directory in CLEANERS.map(Path::new) {
        for name in file::names(directory).unwrap_or_default() {
            let path = directory.join(name);
            let text = file::read(&path).unwrap_or_default();
            rules.push_str(&String::from_utf8_lossy(&text));
            rules.push('\n');
        }
    }
    rules
}

/// What the cleaner does with a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// After what time without use files go, and the directory of which the rule is.
    pub aged: Option<(String, String)>,
    /// The directory that is emptied at each boot.
    pub emptied: Option<String>,
}

impl Cleaned {
    /// What it does, for people; nothing where it leaves the directory alone.
    pub fn told(&self) -> Option<String> {
        let aged = self.aged.as_ref();
        let aged = aged.map(|(age, path)| format!("removes files unused for {age} from {path}"));
        aged.or_else(|| Some(format!("empties {} at each boot", self.emptied.as_ref()?)))
    }
}

/// What the cleaner does with `directory`, by its `rules`. Exclusions hold for what is old: at a boot `D` empties a directory
/// with all that is in it (tried with systemd 252).
pub fn cleaned(directory: &Path, rules: &str) -> Cleaned {
    let mut found = Cleaned::default();
    let mut is_excluded = false;
    for rule in rules.lines() {
        let mut fields = rule.split_whitespace();
        let (Some(kind), Some(path)) = (fields.next(), fields.next()) else { continue };
        if !directory.starts_with(path) {
            continue;
        }
        let age = fields.nth(3).unwrap_or("-");
        let kind = kind.chars().next().unwrap_or_default();
        is_excluded |= matches!(kind, 'x' | 'X');
        if matches!(kind, 'd' | 'D' | 'e' | 'v' | 'q' | 'Q') && age != "-" {
            found.aged = Some((age.to_owned(), path.to_owned()));
        }
        if kind == 'D' {
            found.emptied = Some(path.to_owned());
        }
    }
    found.aged = found.aged.filter(|_| !is_excluded);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleaner_of_old_files_is_told() {
        let directory = "/var/tmp/runner-cache";
        let of_debian = "# comment\nD /tmp 1777 root root -\nq /var/tmp 1777 root root 30d\nx /tmp/systemd-private-%b-*\n";
        let told = |directory: &str, rules: &str| cleaned(Path::new(directory), rules).told();
        assert_eq!(told(directory, of_debian).unwrap(), "removes files unused for 30d from /var/tmp");
        assert_eq!(told("/tmp/runner-cache", of_debian).unwrap(), "empties /tmp at each boot");
        assert_eq!(told("/home/u/.cache/runner-cache", of_debian), None);
        assert_eq!(told(directory, &format!("{of_debian}x /var/tmp/runner-cache\n")), None);
        let excluded = format!("{of_debian}x /tmp/runner-cache\n");
        assert_eq!(told("/tmp/runner-cache", &excluded).unwrap(), "empties /tmp at each boot");
    }
}
