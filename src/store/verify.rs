//! What an entry's files held when they were last read in depth. A save does not read what it links, so the first
//! reading is the reference; from then on rot on the disk is found.

use super::{Lease, Result};
use crate::sys::{Digest, sha256_hex};

/// The file with the digests in an entry: a line with the SHA-256 of what follows, then 32 bytes a file, in the order of
/// roots and nodes.
const DIGESTS: &str = "digests";

impl Lease {
    /// The digests of an earlier reading, file by file; `None` where there was none, or a power cut spoilt its record.
    pub fn recorded_digests(&self) -> Result<Option<Vec<Digest>>> {
        let Some(bytes) = self.dir().read_file_if_present(DIGESTS.as_bytes())? else { return Ok(None) };
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
        let (checksum, digests) = (&bytes[..end], &bytes[end + 1..]);
        if sha256_hex(digests).as_bytes() != checksum {
            return Ok(None);
        }
        Ok(digests.chunks(32).map(Digest::from_bytes).collect())
    }

    /// Records what the files hold. The entry's last use stays as it is, which takes its owner: others record nothing.
    pub fn record_digests(&self, digests: &[Digest]) -> Result<()> {
        let stat = self.dir().stat_self()?;
        let user = rustix::process::geteuid();
        if stat.owner != user.as_raw() && !user.is_root() {
            return Ok(());
        }
        let body: Vec<u8> = digests.iter().flat_map(|digest| *digest.bytes()).collect();
        let bytes = [sha256_hex(&body).as_bytes(), b"\n", &body].concat();
        self.dir().write_atomic(DIGESTS.as_bytes(), &bytes, self.store().access().file_mode())?;
        Ok(self.dir().finish_self(None, stat.mtime)?)
    }
}
