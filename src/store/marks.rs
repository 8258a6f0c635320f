//! What marks a directory as a root, and tells the format of what is in it.

use super::area::Area;
use super::{Error, Layer, Result};
use crate::sys::{Dir, Errno, LOST_AND_FOUND, file};

/// Told to backup tools: <https://bford.info/cachedir/>.
pub(super) const CACHEDIR_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
# This directory was made by runner-cache. All in it can be made again.\n";

/// The file that bears [`CACHEDIR_TAG`].
pub(super) const TAG_FILE: &str = "CACHEDIR.TAG";

/// The file that tells the format of the store.
pub(super) const FORMAT_FILE: &str = "format";

/// The format of the store that this version writes: where things lie below the root.
pub(super) const FORMAT: u32 = 1;

/// Bytes of a file that marks a root, at most.
const LONGEST_MARK: u64 = 4096;

/// Why a root is refused with a longer one.
const TOO_LONG: &str = "its marker file is too long; hint: set `cache-root` to another directory";

/// The file whose lock whoever cleans up holds, so that two do not free the same room twice.
pub(super) const CLEAN_LOCK: &str = "clean.lock";

/// How far a directory is marked as a root. All else in a root is made behind its marks.
pub(super) enum Marks {
    All {
        /// The format, where it is newer than this version writes.
        newer_format: Option<u32>,
    },
    /// It is ours, and not marked to the end: by a job that died or is at it, or before a power cut.
    Some,
    /// It is empty.
    None,
}

impl Marks {
    /// [`Error::UnsafeRoot`] for a directory of somebody else: what a sweep removes may be the user's there.
    pub(super) fn of(dir: &Dir) -> Result<Self> {
        let refuse = |why: &str| Err(Error::UnsafeRoot { path: dir.path().into(), why: why.into() });
        let format = match dir.read_file_up_to(FORMAT_FILE.as_bytes(), LONGEST_MARK) {
            Err(error) if error.is(Errno::ACCESS) => {
                return refuse("it was created for one user; hint: share an empty directory instead");
            }
            Err(error) if error.is(Errno::FBIG) => return refuse(TOO_LONG),
            format => format?,
        };
        if let Some(format) = format.as_ref().filter(|format| !is_blank(format)) {
            return Ok(Self::All { newer_format: newer_format(format) });
        }
        // Names before the tag: another job may be making this root, and what is seen of it came after its tag.
        let (mut is_empty, mut has_only_ours, mut was_used) = (true, true, false);
        dir.for_each_name(|name| {
            is_empty &= may_precede_marks(name);
            has_only_ours &= may_precede_marks(name) || is_of_root(name);
            was_used |= [CLEAN_LOCK, Area::Boots.name()].iter().any(|ours| name == ours.as_bytes());
        })?;
        let tag = match dir.read_file_up_to(TAG_FILE.as_bytes(), LONGEST_MARK) {
            Err(error) if error.is(Errno::FBIG) => return refuse(TOO_LONG),
            tag => tag?,
        };
        let is_ours = match &tag {
            Some(tag) if is_blank(tag) => format.is_some(),
            Some(tag) => tag == CACHEDIR_TAG,
            // Whoever cleans up /tmp removes what nobody has read for days, and our marks are files like any other.
            None => has_only_ours && was_used,
        };
        let is_of_others = tag.is_some_and(|tag| !is_blank(&tag));
        if is_ours {
            Ok(Self::Some)
        } else if is_empty && !is_of_others {
            Ok(Self::None)
        } else {
            refuse("not empty, and not a runner-cache directory; hint: set `cache-root` to another directory")
        }
    }
}

/// Whether `name` makes a directory no less empty: a file system's own, or what a job that marks it has made so far.
fn may_precede_marks(name: &[u8]) -> bool {
    [LOST_AND_FOUND, TAG_FILE, FORMAT_FILE].iter().any(|ours| name == ours.as_bytes())
        || name.starts_with(file::TEMPORARY_PREFIX.as_bytes())
}

/// Whether `name` is one that this program gives to what it makes in a root.
fn is_of_root(name: &[u8]) -> bool {
    let layers = Layer::ALL.iter().map(|layer| layer.name());
    layers.chain(Area::ALL.map(Area::name)).chain([CLEAN_LOCK]).any(|ours| name == ours.as_bytes())
}

/// Whether a power cut may have left a file like this: empty, or full of zeros.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// The format that the file tells, where it is newer than ours. What cannot be read is of no version that we know.
fn newer_format(text: &[u8]) -> Option<u32> {
    let format = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
    Some(format.unwrap_or(u32::MAX)).filter(|&format| format > FORMAT)
}
