//! Manifests: how their files look, and what holds for each one that was read.

use std::path::Path;

use runner_cache::store::{Error, Manifest, Provenance, Root, Sources};
use runner_cache::sys::sha256_hex;
use runner_cache::tree::{Kind, NodeId, Tree};

/// The format that is read.
const FORMAT: u32 = 10;

/// Reads a manifest. Claims that one which cannot be read counts as damaged, but for one of another format, and all of
/// [`holds`] for one which can.
pub fn read(file: &[u8]) -> Option<Manifest> {
    match Manifest::from_bytes(file, Path::new("m")) {
        Ok(manifest) => {
            holds(&manifest);
            Some(manifest)
        }
        Err(error) => {
            assert!(error.is_damage() || matches!(error, Error::OtherFormat { .. }), "{error}");
            None
        }
    }
}

/// The file whose first line is right for `body`, whatever that is.
pub fn around(body: &[u8]) -> Vec<u8> {
    let mut file = format!("runner-cache-manifest {FORMAT} {}\n", sha256_hex(body)).into_bytes();
    file.extend_from_slice(body);
    file
}

/// The file of the directory `tree`, which is encoded already. The header is a plain one.
pub fn with_roots(roots: &[u8]) -> Vec<u8> {
    let header = serde_json::json!({
        "layer": "target",
        "key": "k",
        "factors": [],
        "scope": { "repository": "o/r", "ref": "refs/heads/main" },
        "lane": "l",
        "family": "f",
        "contents": "c",
        "origin": {},
        "created": "2026-01-02T03:04:05Z",
        "files": 0,
        "bytes": 0,
    });
    let mut body = header.to_string().into_bytes();
    body.push(b'\n');
    body.extend_from_slice(roots);
    let behind = (Vec::<Sources>::new(), Provenance::default());
    body.extend(postcard::to_stdvec(&behind).expect("lists have nothing that postcard lacks"));
    around(&body)
}

/// Claims what the program relies on once a manifest was read: it can be written and read again, and its trees are trees
/// whose names stay in their directories.
fn holds(manifest: &Manifest) {
    let file = manifest.to_bytes();
    let again = Manifest::from_bytes(&file, Path::new("m")).expect("what was read can be written and read");
    assert_eq!(again, *manifest);
    // Whatever is told of an entry is told of any.
    let _ = manifest.header.toolchain();
    for root in &manifest.roots {
        is_a_tree(&root.tree);
        has_places(root);
    }
}

/// A pack has no symlinks, and not the root.
fn has_places(root: &Root) {
    for id in root.packed.iter() {
        let is_symlink = matches!(root.tree.node(id).kind, Kind::Symlink { .. });
        assert!(id != 0 && !is_symlink, "node {id} is in a pack");
    }
    assert_eq!(root.borrowed.flags(&root.tree).len(), root.tree.len() as usize);
}

fn is_a_tree(tree: &Tree) {
    assert!(tree.name(0).is_empty(), "the root has a name");
    let mut seen = vec![false; tree.len() as usize];
    seen[0] = true;
    let mut files = 0;
    for (id, node) in tree.iter() {
        assert_eq!(node.mode & !0o1777, 0, "the mode {:o} of node {id}", node.mode);
        assert!(node.mtime.nanoseconds < 1_000_000_000, "the time of node {id}");
        match node.kind {
            Kind::Directory { .. } => {
                has_its_children(tree, id, &mut seen);
                continue;
            }
            Kind::File { .. } => {}
            Kind::Symlink { target } => drop(tree.text(target).to_vec()),
        }
        assert_ne!(id, 0, "the root is no directory");
        assert!(tree.children(id).is_empty(), "node {id} is no directory and has children");
        files += 1;
    }
    assert!(seen.into_iter().all(|seen| seen), "a node is in no directory");
    assert_eq!(tree.files(), files);
    assert_eq!(tree.is_empty(), tree.len() == 1);
    assert!(tree.same_as(tree).into_iter().all(|same| same), "a tree differs from itself");
    let _ = tree.bytes();
}

fn has_its_children(tree: &Tree, directory: NodeId, seen: &mut [bool]) {
    let mut before: Option<&[u8]> = None;
    for child in tree.children(directory) {
        assert!(!std::mem::replace(&mut seen[child as usize], true), "node {child} is in two directories");
        assert_eq!(tree.node(child).parent, directory);
        let name = tree.name(child);
        let leads_elsewhere = matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.contains(&0);
        assert!(!leads_elsewhere, "the name {name:?}");
        assert!(before < Some(name), "{before:?} before {name:?}");
        assert_eq!(tree.child(directory, name), Some(child));
        assert_eq!(tree.path_below(directory, child), name);
        assert!(tree.path_below(0, child).ends_with(name));
        before = Some(name);
    }
    // A restore asks for whatever name is in the live directory.
    for name in [&b""[..], b"..", b"\xff"] {
        assert!(tree.child(directory, name).is_none_or(|child| tree.name(child) == name));
    }
}
