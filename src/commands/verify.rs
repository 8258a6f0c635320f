//! `verify`: compares entries with their manifests, and takes damaged ones out of use.

use std::path::PathBuf;

use super::ended::Ended;
use crate::job::{Exit, Job, chain};
use crate::outcome::{Code, Done, UnsoundEntry, Verified};
use crate::pipeline::record;
use crate::store::{self, EntryId, Lease, Store};
use crate::sys::{Digest, Errno, ManyOpenFiles};
use crate::tree;

/// The command.
pub(super) fn run(job: &Job, store: &Store, deep: bool) -> anyhow::Result<Ended> {
    let mut verified = Verified::default();
    let _files = ManyOpenFiles::allow(0);
    for id in store.entries()? {
        let lease = match store.lease(id.clone()) {
            Err(store::Error::Gone { .. }) => continue,
            Err(error) if error.is_damage() => {
                verified.damaged.push(quarantine(job, store, &id, &chain(&error))?);
                continue;
            }
            // Of a newer version, or not readable just now: the others are looked at all the same.
            Err(error) => {
                verified.unread += 1;
                job.warn(Code::Unreadable, chain(&error));
                continue;
            }
            Ok(lease) => lease,
        };
        let found = match damages(job, &lease, deep) {
            Err(_) if job.interrupt.is_raised() => {
                return Ok(Ended::with(Exit::Interrupted, Done::Verify(verified)));
            }
            Err(error) => {
                verified.unread += 1;
                job.warn(Code::Unreadable, format!("{error:#}"));
                continue;
            }
            Ok(found) => found,
        };
        match found.split_first() {
            None => verified.sound += 1,
            Some((Damage { path, what }, others)) => {
                drop(lease);
                let more =
                    if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
                let why = format!("{}: {what}{more}", path.display());
                verified.damaged.push(quarantine(job, store, &id, &why)?);
            }
        }
    }
    record::damaged(job, store, verified.damaged.len());
    let is_sound = verified.damaged.is_empty() && verified.unread == 0;
    Ok(Ended::with(if is_sound { Exit::Success } else { Exit::Failure }, Done::Verify(verified)))
}

/// Something of an entry that is not as recorded.
struct Damage {
    path: PathBuf,
    what: String,
}

/// What of an entry is not as recorded. The first reading of its contents is recorded.
fn damages(job: &Job, lease: &Lease, deep: bool) -> anyhow::Result<Vec<Damage>> {
    let mut damages = Vec::new();
    let mut read: Vec<(Digest, PathBuf)> = Vec::new();
    for (number, root) in lease.manifest().roots.iter().enumerate() {
        let files = match lease.open_root(number) {
            Ok(files) => files,
            Err(error) if is_closed(&error) => return Err(error.into()),
            Err(error) => {
                damages.push(Damage { path: lease.id().path(), what: chain(&error) });
                continue;
            }
        };
        let location = files.location();
        let verified = tree::verify(&root.tree, location, deep, None, &job.interrupt)?;
        let found = verified.damages.into_iter();
        damages.extend(found.map(|tree::Damage { path, what, .. }| Damage { path, what }));
        read.extend(verified.digests.into_iter().map(|(id, digest)| (digest, location.path(&root.tree, id))));
    }
    if !deep || !damages.is_empty() {
        return Ok(damages);
    }
    match lease.recorded_digests() {
        Ok(Some(recorded)) => {
            for ((digest, path), recorded) in read.iter().zip(&recorded) {
                if digest != recorded {
                    damages.push(Damage {
                        path: path.clone(),
                        what: "contents differ from the first `verify --deep`".into(),
                    });
                }
            }
        }
        Ok(None) => {
            let digests: Vec<_> = read.into_iter().map(|(digest, _)| digest).collect();
            lease.record_digests(&digests)?;
        }
        Err(error) => damages.push(Damage { path: lease.id().path(), what: chain(&error) }),
    }
    Ok(damages)
}

/// Whether it is only not for this user to read.
fn is_closed(error: &store::Error) -> bool {
    match error {
        store::Error::Sys(error) | store::Error::Pack(tree::Error::Sys(error)) => error.is(Errno::ACCESS),
        _ => false,
    }
}

fn quarantine(job: &Job, store: &Store, id: &EntryId, why: &str) -> Result<UnsoundEntry, store::Error> {
    let moved_to = store.quarantine(id)?;
    let to = moved_to.as_ref().map_or_else(String::new, |path| format!("; moved to {}", path.display()));
    let entry = id.path().display().to_string();
    // Most reasons name a file of the entry.
    let what = if why.contains(&entry) { why.to_owned() } else { format!("{entry}: {why}") };
    job.error(format!("damaged: {what}{to}"));
    Ok(UnsoundEntry { directory: id.path(), why: why.to_owned(), moved_to })
}
