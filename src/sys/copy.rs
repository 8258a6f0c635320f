//! The contents of one file into another: shared extents, or a copy inside the kernel; and its user attributes.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{self, SeekFrom, XattrFlags};
use rustix::io::{self, Errno};

/// Buffer for file systems between which the kernel cannot copy.
const BUFFER: usize = 256 * 1024;

/// Longest list of attributes' names, and longest attribute, that the kernel allows.
const LONGEST_ATTRIBUTE: usize = 64 * 1024;

/// Lets `to` share the extents of `from`. `Err` with `OPNOTSUPP`, `XDEV`, `INVAL` or `NOTTY` means that these file
/// systems cannot.
pub fn clone_contents(from: impl AsFd, to: impl AsFd) -> Result<(), Errno> {
    fs::ioctl_ficlone(to, from)
}

/// Whether files in `directory` can share extents: tried with two that have no name. `None` where none can be made.
pub fn can_reflink(directory: &Path) -> Option<bool> {
    let file = || tempfile::tempfile_in(directory).ok();
    Some(clone_contents(file()?, file()?).is_ok())
}

/// Copies up to `size` bytes from the start of `from` to the start of the empty file `to` and returns how many there
/// were: fewer when `from` ended early. With `is_sparse`, holes stay holes.
pub fn copy_contents(from: impl AsFd, to: impl AsFd, size: u64, is_sparse: bool) -> Result<u64, Errno> {
    if !is_sparse {
        return copy_range(&from, &to, size);
    }
    let mut at = 0;
    while at < size {
        let start = match fs::seek(&from, SeekFrom::Data(at)) {
            Ok(start) => start,
            // A hole to the end.
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error),
        };
        let end = fs::seek(&from, SeekFrom::Hole(start))?.min(size);
        fs::seek(&from, SeekFrom::Start(start))?;
        fs::seek(&to, SeekFrom::Start(start))?;
        let copied = copy_range(&from, &to, end - start)?;
        at = start + copied;
        if at < end {
            return Ok(at);
        }
    }
    if fs::fstat(&to)?.st_size.unsigned_abs() < size {
        // By its last byte: a size that is set by itself reaches the disk before the contents do, and a power cut would
        // leave a file of the right size and time without them.
        io::pwrite(&to, &[0], size - 1)?;
    }
    Ok(size)
}

/// Copies from both files' own positions on.
fn copy_range(from: impl AsFd, to: impl AsFd, size: u64) -> Result<u64, Errno> {
    let mut copied = 0;
    while copied < size {
        let chunk = usize::try_from(size - copied).unwrap_or(usize::MAX);
        match fs::copy_file_range(&from, None, &to, None, chunk) {
            Ok(0) => break,
            Ok(count) => copied += count as u64,
            // Different file systems (older kernels), or one that cannot: through our own memory.
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM)
                if copied == 0 =>
            {
                return copy_through_memory(from, to, size);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(copied)
}

fn copy_through_memory(from: impl AsFd, to: impl AsFd, size: u64) -> Result<u64, Errno> {
    let mut buffer = vec![0; BUFFER.min(usize::try_from(size).unwrap_or(BUFFER)).max(1)];
    let mut copied = 0;
    while copied < size {
        let wanted = usize::try_from(size - copied).unwrap_or(usize::MAX).min(buffer.len());
        let count = io::retry_on_intr(|| io::read(&from, &mut buffer[..wanted]))?;
        if count == 0 {
            break;
        }
        write_all(&to, &buffer[..count])?;
        copied += count as u64;
    }
    Ok(copied)
}

/// Whether both files, read from where they stand, hold the same.
pub fn same_contents(one: impl AsFd, other: impl AsFd) -> Result<bool, Errno> {
    let (mut a, mut b) = (vec![0; BUFFER], vec![0; BUFFER]);
    loop {
        let (count_a, count_b) = (read_full(&one, &mut a)?, read_full(&other, &mut b)?);
        if a[..count_a] != b[..count_b] {
            return Ok(false);
        }
        if count_a < a.len() {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the file ends, and returns how many bytes that were.
pub fn read_full(file: impl AsFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut count = 0;
    while count < buffer.len() {
        match io::retry_on_intr(|| io::read(&file, &mut buffer[count..]))? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

/// The same from `start` on, wherever the file is read otherwise.
pub fn read_at(file: impl AsFd, buffer: &mut [u8], start: u64) -> Result<usize, Errno> {
    let mut count = 0;
    while count < buffer.len() {
        match io::retry_on_intr(|| io::pread(&file, &mut buffer[count..], start + count as u64))? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

/// Writes all of `bytes`.
pub fn write_all(file: impl AsFd, bytes: &[u8]) -> Result<(), Errno> {
    let mut written = 0;
    while written < bytes.len() {
        written += io::retry_on_intr(|| io::write(&file, &bytes[written..]))?;
    }
    Ok(())
}

/// Whether the file or directory has user attributes.
pub fn has_user_attributes(of: impl AsFd) -> Result<bool, Errno> {
    Ok(!user_attributes(of)?.is_empty())
}

/// The names of the user attributes of a file or directory.
fn user_attributes(of: impl AsFd) -> Result<Vec<Vec<u8>>, Errno> {
    // Most files have none: one call, no memory.
    match fs::flistxattr_query(&of) {
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()),
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    let mut names = Vec::with_capacity(LONGEST_ATTRIBUTE);
    fs::flistxattr(&of, rustix::buffer::spare_capacity(&mut names))?;
    let names = names.split(|&byte| byte == 0).filter(|name| name.starts_with(b"user."));
    Ok(names.map(<[u8]>::to_vec).collect())
}

/// Gives `to` the user attributes of `from`. A file system that keeps none gets none.
pub fn copy_user_attributes(from: impl AsFd, to: impl AsFd) -> Result<(), Errno> {
    for name in user_attributes(&from)? {
        let mut value = Vec::with_capacity(LONGEST_ATTRIBUTE);
        fs::fgetxattr(&from, &name, rustix::buffer::spare_capacity(&mut value))?;
        match fs::fsetxattr(&to, &name, &value, XattrFlags::empty()) {
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
