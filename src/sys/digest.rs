//! SHA-256.

use std::os::fd::AsFd;

use rustix::fs::fstat;
use rustix::io::{self, Errno};
use sha2::{Digest as _, Sha256};

/// What is read of a file at a time.
const BUFFER: usize = 256 * 1024;

/// How many bytes a file may have that tells to have `size` of them: files grow while they are read, and those of `/proc` tell 0.
pub(super) fn readable(size: u64) -> u64 {
    size.saturating_add(16 << 20)
}

/// A SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of all that can be read from `file`. One that does not end, as some in `/proc`, is an error ([`Errno::FBIG`]).
    pub fn of_file(file: impl AsFd) -> Result<Self, Errno> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        let mut left = readable(u64::try_from(fstat(&file)?.st_size).unwrap_or(0));
        loop {
            match io::retry_on_intr(|| io::read(&file, &mut buffer))? {
                0 => return Ok(Self(hasher.finalize().into())),
                count => {
                    left = left.checked_sub(count as u64).ok_or(Errno::FBIG)?;
                    hasher.update(&buffer[..count]);
                }
            }
        }
    }

    /// It in 64 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The digest itself.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest that `text` tells in 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Vec<u8> = digits.chunks(2).map(byte).collect::<Option<_>>()?;
        Self::from_bytes(&bytes)
    }

    /// The digest whose bytes these are.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// The SHA-256 of `bytes` in 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Digest::of(bytes).hex()
}
