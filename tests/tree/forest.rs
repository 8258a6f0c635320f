//! Random trees of everything that a file system holds.

use std::ffi::OsStr;
use std::fs::{self, FileTimes, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
use test_support::listing::{ATTRIBUTE, SMALLEST_WITH_HOLE};

/// How many bytes there are besides the hole.
const PIECE: usize = 9;

/// Something to make, under a name in one of the directories made so far.
#[derive(Debug, Clone)]
pub(crate) struct Plant {
    directory: prop::sample::Index,
    name: Vec<u8>,
    what: What,
    mode: u32,
    mtime: Duration,
    /// What tells the contents of two files of one size and time apart.
    salt: u8,
    attribute: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
enum What {
    /// Of so many bytes: see [`contents`].
    File(usize),
    /// A piece of contents after so many bytes of nothing, and more of nothing after it.
    Sparse(u64),
    Directory,
    Symlink(Vec<u8>),
    /// A further name of one of the files made so far.
    Link(prop::sample::Index),
    /// Cannot be kept.
    Socket,
    Pipe,
}

/// Up to `most` plants.
pub(crate) fn plants(most: usize) -> impl Strategy<Value = Vec<Plant>> {
    prop::collection::vec(plant_strategy(), 0..most)
}

fn plant_strategy() -> impl Strategy<Value = Plant> {
    // Few names, so that two trees meet in some of them.
    let name = prop_oneof![
        8 => "[abc]".prop_map(String::into_bytes),
        1 => Just(vec![b'n'; 255]),
        1 => Just(b"\xff\xfe not utf-8\n".to_vec()),
        1 => Just("..x".as_bytes().to_vec()),
    ];
    let size = prop_oneof![2 => 0usize..64, 1 => Just(200_000)];
    let target =
        prop_oneof![Just(b"/etc/passwd".to_vec()), Just(b"..".to_vec()), Just(b"a\xff/nowhere".to_vec())];
    let what = prop_oneof![
        4 => size.prop_map(What::File),
        3 => Just(What::Directory),
        1 => target.prop_map(What::Symlink),
        2 => any::<prop::sample::Index>().prop_map(What::Link),
        1 => prop_oneof![Just(0), Just(100_000), Just(SMALLEST_WITH_HOLE)].prop_map(What::Sparse),
        1 => prop_oneof![Just(What::Socket), Just(What::Pipe)],
    ];
    let mode = prop_oneof![Just(0o644), Just(0o444), Just(0o755), Just(0o600), Just(0o1777), Just(0o500)];
    // Few times, so that two files agree in them now and then, and some in whole seconds.
    let mtime = (0u64..3, 0u32..3).prop_map(|(s, part)| Duration::new(1_600_000_000 + s, part * 333_333_333));
    let attribute =
        prop_oneof![4 => Just(None), 1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Some)];
    (any::<prop::sample::Index>(), name, what, mode, mtime, 0u8..3, attribute).prop_map(
        |(directory, name, what, mode, mtime, salt, attribute)| Plant {
            directory,
            name,
            what,
            mode,
            mtime,
            salt,
            attribute,
        },
    )
}

/// Makes `plants` in `root`. Names that are taken already are passed over.
pub(crate) fn plant(root: &Path, plants: &[Plant]) {
    let mut directories = vec![root.to_path_buf()];
    let mut files: Vec<PathBuf> = Vec::new();
    let mut made = Vec::new();
    for plant in plants {
        let path = plant.directory.get(&directories).join(OsStr::from_bytes(&plant.name));
        if fs::symlink_metadata(&path).is_ok() {
            continue;
        }
        match &plant.what {
            What::File(size) => {
                fs::write(&path, plant.contents(*size)).unwrap();
                files.push(path.clone());
            }
            What::Sparse(hole) => {
                let file = fs::File::create_new(&path).unwrap();
                file.write_all_at(&plant.contents(PIECE), *hole).unwrap();
                // Where the piece lies shows in the size: see `contents`.
                file.set_len(*hole + SMALLEST_WITH_HOLE).unwrap();
                files.push(path.clone());
            }
            What::Directory => {
                fs::create_dir(&path).unwrap();
                directories.push(path.clone());
            }
            What::Symlink(target) => symlink(OsStr::from_bytes(target), &path).unwrap(),
            What::Link(file) if !files.is_empty() => fs::hard_link(file.get(&files), &path).unwrap(),
            What::Link(_) => continue,
            What::Socket => mknodat(CWD, &path, FileType::Socket, Mode::empty(), 0).unwrap(),
            What::Pipe => mknodat(CWD, &path, FileType::Fifo, Mode::empty(), 0).unwrap(),
        }
        made.push((path, plant));
    }
    // Directories' times last, inner ones first: what is made in them changes them.
    for (path, plant) in made.iter().rev() {
        if !matches!(plant.what, What::Symlink(_) | What::Socket | What::Pipe) {
            if let Some(value) = &plant.attribute {
                setxattr(path, ATTRIBUTE, value, XattrFlags::empty()).unwrap();
            }
            fs::set_permissions(path, Permissions::from_mode(plant.mode)).unwrap();
            let times = FileTimes::new().set_modified(UNIX_EPOCH + plant.mtime);
            fs::File::open(path).unwrap().set_times(times).unwrap();
        }
    }
}

impl Plant {
    /// Files of the same size and time to the nanosecond are the same file to the engine, so in these tests they hold the
    /// same; all others hold something else.
    fn contents(&self, size: usize) -> Vec<u8> {
        let salt = if self.mtime.subsec_nanos() == 0 { self.salt } else { 0 };
        // The first bytes differ most: a piece may be short.
        let seed = [salt].into_iter().chain(self.mtime.as_nanos().to_le_bytes()).chain(size.to_le_bytes());
        seed.cycle().take(size).collect()
    }
}
