//! Damages the cache as tmp cleaners, full disks and people do. What is damaged is noted first, so that nothing else may be
//! found damaged.
//!
//! Files of entries share their inodes: they are deleted, never written into. Manifests are nobody else's.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use fastrand::Rng;
use test_support::files::inside;
use test_support::store;

/// What was damaged so far.
#[derive(Debug, Default)]
pub(crate) struct Injured {
    /// Entries and stagings, whatever they are called by now.
    directories: Mutex<HashSet<Identity>>,
    /// How many damages were begun or ended.
    count: AtomicU64,
}

/// An inode and when it was made: numbers are used again.
type Identity = (u64, Option<SystemTime>);

impl Injured {
    fn add(&self, directory: &Path) -> io::Result<()> {
        let identity = identity(directory)?;
        self.directories.lock().unwrap_or_else(PoisonError::into_inner).insert(identity);
        Ok(())
    }

    /// A number that is another one when some damage was done meanwhile.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether this entry was damaged, or is gone.
    pub(crate) fn has_or_gone(&self, entry: &Path) -> bool {
        self.has(entry).unwrap_or(true)
    }

    fn has(&self, directory: &Path) -> io::Result<bool> {
        let identity = identity(directory)?;
        Ok(self.directories.lock().unwrap_or_else(PoisonError::into_inner).contains(&identity))
    }
}

fn identity(directory: &Path) -> io::Result<Identity> {
    let metadata = fs::metadata(directory)?;
    Ok((metadata.ino(), metadata.created().ok()))
}

/// Where in a manifest the format has been told.
const FORMAT_ENDS: u64 = 24;

/// The directories of layers below the root.
const LAYERS: [&str; 4] = ["cargo", "target", "builds", "paths"];

/// Does some damage to the cache at `root` and tells its kind; `None` where there was nothing to damage, or it was gone by
/// then: others work here.
pub(crate) fn injure(root: &Path, injured: &Injured, rng: &mut Rng) -> Option<&'static str> {
    injured.count.fetch_add(1, Ordering::SeqCst);
    let done = match rng.usize(0..10) {
        0..3 => of_entry(root, injured, rng, remove_file).map(|()| "file"),
        3..5 => of_entry(root, injured, rng, spoil_manifest).map(|()| "manifest"),
        5 => of_entry(root, injured, rng, remove_directory).map(|()| "directory"),
        6..8 => drop_staging(root, injured, rng).map(|()| "staging"),
        _ => remove_own(root, rng).map(|()| "own"),
    };
    injured.count.fetch_add(1, Ordering::SeqCst);
    done.ok()
}

/// All entries, in an order that one seed always gives.
pub(crate) fn entries(root: &Path) -> Vec<PathBuf> {
    LAYERS.iter().flat_map(|layer| store::entries(root, layer)).collect()
}

fn of_entry(
    root: &Path,
    injured: &Injured,
    rng: &mut Rng,
    damage: fn(&Path, &mut Rng) -> io::Result<()>,
) -> io::Result<()> {
    let entry = one_of(entries(root), rng)?;
    injured.add(&entry)?;
    damage(&entry, rng)
}

fn remove_file(entry: &Path, rng: &mut Rng) -> io::Result<()> {
    let files = below(&entry.join("tree")).into_iter().filter(|path| !is_directory(path)).collect();
    fs::remove_file(one_of(files, rng)?)
}

fn remove_directory(entry: &Path, rng: &mut Rng) -> io::Result<()> {
    let directories = below(entry).into_iter().filter(|path| is_directory(path)).collect();
    fs::remove_dir_all(one_of(directories, rng)?)
}

fn spoil_manifest(entry: &Path, rng: &mut Rng) -> io::Result<()> {
    let path = entry.join("manifest");
    let length = fs::metadata(&path)?.len();
    match rng.usize(0..4) {
        0 => fs::remove_file(path),
        1 => {
            // Not the format at its beginning: another one is no damage, but a newer version's.
            let at = rng.u64(FORMAT_ENDS..length.max(FORMAT_ENDS + 1));
            let file = File::options().read(true).write(true).open(path)?;
            let mut byte = [0];
            file.read_exact_at(&mut byte, at)?;
            file.write_all_at(&[byte[0] ^ (1 << rng.u8(..8))], at)
        }
        _ => File::options().write(true).open(path)?.set_len(rng.u64(..length.max(1))),
    }
}

/// Takes a staging away from under its maker, if there is one: at once, or only what is in it.
fn drop_staging(root: &Path, injured: &Injured, rng: &mut Rng) -> io::Result<()> {
    let staging = one_of(inside(&root.join("staging")), rng)?;
    if rng.bool() {
        injured.add(&staging)?;
        return fs::remove_dir_all(staging.join("tree"));
    }
    let away = root.with_file_name(format!("dropped-{:x}", rng.u64(..)));
    fs::rename(&staging, &away)?;
    // Its maker may still be adding files.
    while fs::remove_dir_all(&away).is_err_and(|error| error.kind() == io::ErrorKind::DirectoryNotEmpty) {}
    Ok(())
}

/// Removes a file or an empty directory that is of no entry.
fn remove_own(root: &Path, rng: &mut Rng) -> io::Result<()> {
    let mut own = inside(root);
    own.extend(inside(&root.join("boots")));
    own.extend(inside(&root.join("sessions")));
    let path = one_of(own, rng)?;
    fs::remove_file(&path).or_else(|_| fs::remove_dir(&path))
}

/// All that is below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for path in inside(&directory) {
            if is_directory(&path) {
                pending.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

fn one_of(mut paths: Vec<PathBuf>, rng: &mut Rng) -> io::Result<PathBuf> {
    if paths.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(paths.swap_remove(rng.usize(..paths.len())))
}
