//! The program in what was downloaded, once that is the release's.

use std::io::Read as _;

use flate2::read::GzDecoder;

use super::error::Error;
use super::manifest::Packed;
use crate::sys::sha256_hex;

/// Bytes of a program, at most: few packed ones can be very many.
const MOST: u64 = 512 << 20;

/// Verifies `bytes`, which came from `url`, and unpacks the program.
pub(super) fn unpack(bytes: &[u8], packed: &Packed, url: &str) -> Result<Vec<u8>, Error> {
    check(bytes, &packed.sha256, url)?;
    let other = || Error::WrongContents(url.to_owned());
    let mut program = Vec::new();
    GzDecoder::new(bytes).take(MOST).read_to_end(&mut program).map_err(|_| other())?;
    if sha256_hex(&program) == packed.binary_sha256 { Ok(program) } else { Err(other()) }
}

/// That `bytes`, which came from `url`, have this hash.
pub(super) fn check(bytes: &[u8], expected: &str, url: &str) -> Result<(), Error> {
    let got = sha256_hex(bytes);
    if got == expected {
        Ok(())
    } else {
        Err(Error::WrongHash { url: url.to_owned(), got, expected: expected.to_owned() })
    }
}
