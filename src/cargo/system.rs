//! The system whose headers and libraries a build uses: what C compilers and linkers put out is for these.

use std::path::Path;

use crate::sys::{self, file};

/// Where a system tells its name; the second where the first is absent.
/// <https://www.freedesktop.org/software/systemd/man/latest/os-release.html>
const FILES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// The system's name and version, such as `ubuntu 24.04`; `None` where it does not tell.
pub fn system() -> sys::Result<Option<String>> {
    for path in FILES {
        if let Some(bytes) = file::read_if_present(Path::new(path))? {
            return Ok(named(&String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(None)
}

/// Systems without versions are called by their name alone.
fn named(text: &str) -> Option<String> {
    let value = |name: &str| {
        // As in a shell the last one counts.
        let value = text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim().trim_matches(['"', '\''])).filter(|value| !value.is_empty())
    };
    let words: Vec<_> = ["ID", "VERSION_ID"].into_iter().filter_map(value).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_called_by_its_name_and_version() {
        for (text, name) in [
            ("NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n", Some("ubuntu 24.04")),
            ("ID='alpine'\r\nVERSION_ID=3.20.1", Some("alpine 3.20.1")),
            ("ID=arch\nBUILD_ID=rolling\n", Some("arch")),
            ("ID=a\nID=b\nVERSION_ID=\n", Some("b")),
            ("# ID=a\nNAME=x\n", None),
        ] {
            assert_eq!(named(text).as_deref(), name, "{text}");
        }
    }
}
