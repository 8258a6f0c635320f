//! What the host is, and is called.

/// The kernel's release and the machine, as `uname -rm` tells them.
pub fn kernel() -> String {
    let uname = rustix::system::uname();
    format!("{} {}", uname.release().to_string_lossy(), uname.machine().to_string_lossy())
}

/// The name that the kernel tells, as `uname -n` does.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
