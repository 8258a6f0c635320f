//! The disks: is room left, and are workspaces where files can be linked?

use crate::doctor::facts::{Disk, Facts};
use crate::outcome::{Check, CheckCode};
use crate::report::{bytes, min_free};
use crate::store::retention::Room;
use crate::sys::Space;

/// The checks.
pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let (space, inodes): (Vec<_>, Vec<_>) =
        facts.disks.iter().map(|disk| (free_space(disk), free_inodes(disk))).unzip();
    let mut checks: Vec<_> = space;
    checks.extend(inodes.into_iter().flatten());
    checks.extend(near(facts));
    checks
}

fn shortage(disk: &Disk) -> Room {
    disk.min_free.shortage(disk.space, Room::default())
}

fn free_space(disk: &Disk) -> Check {
    let Space { bytes: all, free_bytes, .. } = disk.space;
    let path = disk.path.display();
    let text = format!("{} of {} are free for {path}", bytes(free_bytes), bytes(all));
    if shortage(disk).bytes == 0 {
        Check::fine(CheckCode::FreeSpace, text)
    } else {
        let text = format!("{text}, less than {} (`min-free`)", min_free(disk.min_free));
        Check::problem(CheckCode::FreeSpace, text, room())
    }
}

/// Nothing where inodes are made as they are needed.
fn free_inodes(disk: &Disk) -> Option<Check> {
    let Space { inodes, free_inodes, .. } = disk.space;
    let text = format!("{free_inodes} of {inodes} inodes are free for {}", disk.path.display());
    match (inodes, shortage(disk).inodes) {
        (0, _) => None,
        (_, 0) => Some(Check::fine(CheckCode::FreeInodes, text)),
        _ => {
            let text = format!("{text}, less than {} (`min-free`)", min_free(disk.min_free));
            Some(Check::problem(CheckCode::FreeInodes, text, room()))
        }
    }
}

fn room() -> String {
    "`runner-cache gc --dry-run` shows what can go, `runner-cache du` what takes it".to_owned()
}

/// Whether each workspace is on the disk of the cache directory, which is the first one.
fn near(facts: &Facts) -> Vec<Check> {
    let (Some(of_root), true) = (facts.disks.first(), facts.disks.len() > 1) else {
        let text = "workspaces are on the disk of the cache";
        return vec![Check::fine(CheckCode::Disks, text)];
    };
    let others = facts.disks.iter().filter(|disk| disk.space.device != of_root.space.device);
    let hint = "copies take time and room: set `cache-root` in the host policy to a directory on that disk";
    let told = |disk: &Disk| format!("{} is on another disk than the cache", disk.path.display());
    others.map(|disk| Check::warning(CheckCode::Disks, told(disk), hint)).collect()
}
