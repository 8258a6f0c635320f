//! The policy of the host: read once, before anything else, and only from a file that jobs cannot write.

use std::path::Path;

use rustix::process::geteuid;

use crate::job::chain;
use crate::plan::{HOST_POLICY, HostPolicy};
use crate::sys::file;

/// Permission bits of a file that others than its owner can write.
const WRITABLE: u32 = 0o022;

/// Whether jobs can write to what is at `path`, as far as owner and mode tell. A directory is to be root's: whose the jobs of
/// other users are nobody knows here.
fn may_be_written(path: &Path, is_file: bool) -> bool {
    let user = geteuid();
    file::owner_and_mode(path).ok().flatten().is_none_or(|(owner, mode)| {
        let is_of_job = if is_file { owner == user.as_raw() && !user.is_root() } else { owner != 0 };
        is_of_job || mode & WRITABLE != 0
    })
}

/// Reads the policy of this host; an empty one where there is none. Why not, where it cannot be read or is none: then nobody
/// knows what it would forbid.
pub fn host_policy() -> Result<HostPolicy, String> {
    let path = Path::new(HOST_POLICY);
    let told = |why: String| format!("{HOST_POLICY}: {why}");
    if !file::is_present(path) {
        return Ok(HostPolicy::default());
    }
    // It may be a link, of a configuration manager: then whoever can write to a directory on the way decides what it is.
    let real = file::canonicalize(path).map_err(|_| told("a link to nothing".to_owned()))?;
    let on_the_way = real.ancestors().skip(1).filter(|_| real != path);
    let writable = |path: &&Path| may_be_written(path, *path == real);
    if let Some(of) = std::iter::once(&*real).chain(on_the_way).find(writable) {
        let (mode, of) = (if of == real { "644" } else { "755" }, of.display());
        let hint = format!("hint: `chown root {of}`, `chmod {mode} {of}`");
        return Err(told(format!("not trusted: jobs can write to {of}; {hint}")));
    }
    let bytes = file::read(path).map_err(|error| chain(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| told("not valid UTF-8".to_owned()))?;
    HostPolicy::parse(&text).map_err(|error| told(error.to_string()))
}
