//! Random numbers from the kernel, for names that must not meet.

use std::path::Path;

use rustix::rand::{GetRandomFlags, getrandom};

use super::error::{Named, Result};

/// A random number.
pub fn random() -> Result<u32> {
    let mut bytes = [0; 4];
    getrandom(&mut bytes, GetRandomFlags::empty())
        .named("read random bytes from", || Path::new("the kernel").into())?;
    Ok(u32::from_ne_bytes(bytes))
}
