//! The policy of the host: read once, before anything else, and only from a file that jobs cannot write.

use std::path::Path;

use rustix::process::geteuid;

use crate::job::chain;
use crate::plan::{HOST_POLICY, HostPolicy};
use crate::sys::file;

/// Permission bits of a file that others than its owner can write.
const WRITABLE: u32 = 0o022;

/// Reads the policy of this host; an empty one where there is none. Why not, where it cannot be read or is none: then nobody
/// knows what it would forbid.
pub fn host_policy() -> Result<HostPolicy, String> {
    let path = Path::new(HOST_POLICY);
    let told = |why: String| format!("{HOST_POLICY}: {why}");
    let Some((owner, mode)) = file::owner_and_mode(path).map_err(|error| chain(&error))? else {
        return Ok(HostPolicy::default());
    };
    let user = geteuid();
    let is_of_job = owner == user.as_raw() && !user.is_root();
    if is_of_job || mode & WRITABLE != 0 {
        let hint = format!("hint: `chown root {HOST_POLICY}`, `chmod 644 {HOST_POLICY}`");
        return Err(told(format!("not trusted: jobs can write to it; {hint}")));
    }
    let bytes = file::read(path).map_err(|error| chain(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| told("not valid UTF-8".to_owned()))?;
    HostPolicy::parse(&text).map_err(|error| told(error.to_string()))
}
