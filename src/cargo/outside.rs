//! Inputs that lie in no directory of the job's sources, as they are found.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::host::Host;
use crate::store::{Outside, OutsideInput};

/// Whether nobody but cargo and rustup changes what is at `path`, and by a new name: downloads and compilers.
pub(super) fn is_settled(path: &Path, home: Option<&Path>) -> bool {
    let is_in_home =
        home.is_some_and(|home| ["registry", "git"].iter().any(|part| path.starts_with(home.join(part))));
    is_in_home || path.as_os_str().as_bytes().starts_with(b"/rustc/")
}

/// Where the system keeps what changes by itself, or with its packages: nobody's inputs by name alone.
const OF_HOST: [&str; 10] =
    ["/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/rustc", "/sys", "/usr"];

/// Whether what is at `path` is the system's.
pub(super) fn is_of_host(path: &Path) -> bool {
    !path.starts_with("/usr/local") && OF_HOST.iter().any(|place| path.starts_with(place))
}

/// Collects what lies outside, each once.
pub(super) struct OutsideList<'e> {
    pub(super) host: Host<'e>,
    pub(super) list: Vec<Outside>,
    known: HashMap<OutsideInput, u32>,
}

impl<'e> OutsideList<'e> {
    pub(super) fn new(host: Host<'e>) -> Self {
        Self { host, list: Vec::new(), known: HashMap::new() }
    }

    pub(super) fn number(&mut self, input: OutsideInput) -> u32 {
        if let Some(&number) = self.known.get(&input) {
            return number;
        }
        let number = u32::try_from(self.list.len()).expect("there are few");
        self.list.push(Outside { state: self.host.state(&input), input: input.clone() });
        self.known.insert(input, number);
        number
    }
}
