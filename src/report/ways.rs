//! How files got from one place to another, in words.

use super::figures::count;
use crate::tree::{Obstacle, TransferStats};

/// How files came: `reflink`, or `hardlink 12, copy 3` where there were several ways.
pub(super) fn modes(stats: &TransferStats) -> String {
    let used: Vec<_> = stats.ways().collect();
    match used.as_slice() {
        [(way, _)] => (*way).to_owned(),
        ways => {
            ways.iter().map(|(way, files)| format!("{way} {}", count(*files))).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Lines that tell why files were copied which could have been shared; none where they were not.
pub(super) fn obstacle<'t>(stats: impl Iterator<Item = &'t TransferStats>) -> Option<&'static str> {
    Some(match stats.filter_map(|stats| stats.obstacle).max()? {
        Obstacle::OtherFileSystem => {
            "cache root and workspace are on different file systems: files were copied\n\
             hint: set `cache-root` to a directory on the workspace's file system"
        }
        Obstacle::NoReflink => {
            "this file system cannot share extents: files were copied\n\
             hint: `link-mode: auto` hard-links files that tools replace rather than rewrite"
        }
        Obstacle::NoHardlink => {
            "this file system has no hard links: files were copied\n\
             hint: move `cache-root` and the workspace to a file system with hard links"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_that_were_taken_are_counted() {
        let stats = TransferStats { copied: 3, ..TransferStats::default() };
        assert_eq!(modes(&stats), "copy");
        assert_eq!(modes(&TransferStats { hardlinked: 1200, ..stats }), "hardlink 1,200, copy 3");
    }

    #[test]
    fn the_worst_obstacle_is_told_once() {
        let stats = |obstacle| TransferStats { obstacle, ..TransferStats::default() };
        assert_eq!(obstacle([stats(None)].iter()), None);
        let both = [stats(Some(Obstacle::OtherFileSystem)), stats(Some(Obstacle::NoReflink))];
        let told = obstacle(both.iter()).unwrap();
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.starts_with("cache root and workspace are on different"), "{told}");
    }
}
