//! Trees whose small files lie in a pack.

use runner_cache::tree::{NewPack, NodeSet, Pack};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

/// Puts `tree`, which lies in `files`, into `store`: a directory `name`, and beside it a pack of what is small and not
/// `apart`. Tells where its files lie now, and how many are packed.
fn save_packed(tree: &Tree, files: &Files, apart: &[bool], store: &Path, name: &str) -> (Files, u64) {
    let into = Dir::open(store).unwrap();
    let new = NewPack { directory: &into, name: format!("{name}.pack").into_bytes(), mode: 0o600 };
    with_engine(LinkMode::Auto, &Interrupt::default(), |engine| {
        let source = Source { tree, location: files.location(), linkable: apart, is_live: true };
        let (packed, rest, count) = match tree::pack(source, &new, engine).unwrap() {
            Some(packed) => (packed.packed, packed.rest.tree, packed.stats.files),
            None => (NodeSet::default(), tree.clone(), 0),
        };
        let rest_files = files.of_part(tree, &rest);
        let source = Source { tree: &rest, location: rest_files.location(), linkable: &[], is_live: true };
        let placement = [Placement { node: 0, name: name.into() }];
        let placed = tree::place(source, &placement, &into, None, engine).unwrap();
        assert_eq!(placed.files + count, tree.files());
        let pack = (count > 0).then(|| Pack::open(&into, &new.name, tree, &packed).unwrap());
        (Files::new(into.open_dir(name.as_bytes()).unwrap(), pack), count)
    })
}

fn walked(directory: &Path) -> (Tree, Files) {
    let dir = Dir::open(directory).unwrap();
    (tree::walk(&dir, &Selection::all(), &Interrupt::default()).unwrap().tree, dir.into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restore_reproduces_a_packed_tree(plants in plants(16), other in plants(16), apart in any::<u64>()) {
        let (place, live, store) = grow(&plants);
        let (tree, files) = walked(&live);
        let apart: Vec<_> = (0..tree.len()).map(|id| apart >> (id % 64) & 1 == 1).collect();
        let (first, _) = save_packed(&tree, &files, &apart, &store, "first");
        // Of what is packed already, and not live.
        let (second, _) = save_packed(&tree, &first, &[], &store, "second");
        let wanted = list(&live).without_special();
        for (number, files) in [first, second].iter().enumerate() {
            let verified = tree::verify(&tree, files.location(), true, None, &Interrupt::default()).unwrap();
            prop_assert_eq!(verified.damages, []);
            prop_assert_eq!(verified.digests.len() as u64, count_of_files(&tree));
            let to = place.path().join(number.to_string());
            let source = Source { tree: &tree, location: files.location(), linkable: &apart, is_live: false };
            let restore = || with_engine(LinkMode::Auto, &Interrupt::default(), |engine| {
                restore_one(source, &to, Existing::Mirror, engine).unwrap();
            });
            restore();
            prop_assert_eq!(&list(&to), &wanted, "the first, then the second: {}", number);
            forest::plant(&to, &other);
            restore();
            prop_assert_eq!(list(&to).without_attributes(), list(&live).without_special().without_attributes());
        }
    }
}

fn count_of_files(tree: &Tree) -> u64 {
    tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. })).count() as u64
}

#[test]
fn small_files_take_no_inode_and_no_directory() {
    let place = tempfile::tempdir().unwrap();
    let (live, store) = (place.path().join("live"), place.path().join("store"));
    for directory in [
        &live,
        &live.join("small"),
        &live.join("small/below"),
        &live.join("mixed"),
        &live.join("empty"),
        &store,
    ] {
        fs::create_dir(directory).unwrap();
    }
    for (path, size) in [
        ("small/a", 0),
        ("small/below/b", 4096),
        ("mixed/c", 5),
        ("mixed/large", 4097),
        ("apart", 1),
        ("given", 1),
    ] {
        fs::write(live.join(path), vec![7; size]).unwrap();
    }
    let whole_seconds = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::open(live.join("given")).unwrap().set_modified(whole_seconds).unwrap();
    fs::write(live.join("closed"), "not for whoever reads the pack").unwrap();
    fs::set_permissions(live.join("closed"), Permissions::from_mode(0o200)).unwrap();
    let (tree, files) = walked(&live);
    let apart: Vec<_> = (0..tree.len()).map(|id| tree.name(id) == b"apart").collect();

    let (packed, count) = save_packed(&tree, &files, &apart, &store, "0");

    assert_eq!(count, 3);
    let found = list(&store.join("0"));
    let found: Vec<_> = found.paths().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(found, ["", "apart", "closed", "empty", "given", "mixed", "mixed/large"]);
    assert_eq!(fs::metadata(store.join("0.pack")).unwrap().len(), 4096 + 5);
    let b = tree.at(b"small/below/b").unwrap();
    assert_eq!(packed.location().read(&tree, b).unwrap().unwrap(), [7; 4096]);
    let part = tree.without(|id| tree.name(id) == b"mixed");
    let b = part.at(b"small/below/b").unwrap();
    assert_eq!(packed.of_part(&tree, &part).location().read(&part, b).unwrap().unwrap(), [7; 4096]);
}

#[test]
fn unreachable_files_are_not_in_a_readable_pack() {
    let place = tempfile::tempdir().unwrap();
    for directory in ["open", "open/closed", "open/closed/below"] {
        fs::create_dir(place.path().join(directory)).unwrap();
        fs::write(place.path().join(directory).join("file"), "x").unwrap();
        let mode = if directory.ends_with("closed") { 0o700 } else { 0o755 };
        fs::set_permissions(place.path().join(directory), Permissions::from_mode(mode)).unwrap();
    }
    fs::write(place.path().join("open/own"), "x").unwrap();
    fs::set_permissions(place.path().join("open/own"), Permissions::from_mode(0o600)).unwrap();
    let (tree, _) = walked(&place.path().join("open"));
    let packable = |mode| {
        let packable = tree::packable(&tree, &[], mode).into_iter().zip(0..).filter(|(is, _)| *is);
        packable.map(|(_, id)| String::from_utf8(tree.path_below(0, id)).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(packable(0o644), ["file"]);
    assert_eq!(packable(0o600), ["file", "own", "closed/file", "closed/below/file"]);
}

#[test]
fn files_that_change_while_being_packed_are_not_packed() {
    let place = tempfile::tempdir().unwrap();
    let (live, store) = (place.path().join("live"), place.path().join("store"));
    fs::create_dir(&live).unwrap();
    fs::create_dir(&store).unwrap();
    for name in ["stays", "grows", "goes", "is another", "is rewritten"] {
        fs::write(live.join(name), "as it was").unwrap();
    }
    let (tree, files) = walked(&live);
    fs::write(live.join("grows"), "as it was and more").unwrap();
    fs::write(live.join("is rewritten"), "as it is!").unwrap();
    fs::remove_file(live.join("goes")).unwrap();
    fs::remove_file(live.join("is another")).unwrap();
    mknodat(CWD, live.join("is another"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let source = Source { tree: &tree, location: files.location(), linkable: &[], is_live: true };
    let into = Dir::open(&store).unwrap();
    let new = NewPack { directory: &into, name: b"pack".to_vec(), mode: 0o600 };
    let packed =
        with_engine(LinkMode::Copy, &Interrupt::default(), |engine| tree::pack(source, &new, engine));
    let packed = packed.unwrap().unwrap();
    assert_eq!((packed.stats.files, packed.rest.tree.files()), (1, 4));
    assert_eq!(fs::read(store.join("pack")).unwrap(), b"as it was");
}

#[test]
fn corrupt_pack_is_reported() {
    let place = tempfile::tempdir().unwrap();
    let (live, store) = (place.path().join("live"), place.path().join("store"));
    fs::create_dir(&live).unwrap();
    fs::create_dir(&store).unwrap();
    fs::write(live.join("a"), "contents").unwrap();
    let (tree, files) = walked(&live);
    let (packed, _) = save_packed(&tree, &files, &[], &store, "0");
    let flags: Vec<_> = (0..tree.len()).map(|id| packed.location().is_packed(id)).collect();
    let set = NodeSet::of(&flags);
    let open = || Pack::open(&Dir::open(&store).unwrap(), b"0.pack", &tree, &set).map(drop);
    open().unwrap();
    let pack = store.join("0.pack");
    fs::OpenOptions::new().write(true).open(&pack).unwrap().set_len(3).unwrap();
    let told = format!("{} differs from its record: 3 bytes instead of 8", pack.display());
    assert_eq!(open().unwrap_err().to_string(), told);
    // Written into, at the same length.
    fs::write(&pack, "Contents").unwrap();
    let told = format!("{} differs from its record: modification time differs", pack.display());
    assert_eq!(open().unwrap_err().to_string(), told);
    fs::OpenOptions::new().write(true).open(&pack).unwrap().set_len(3).unwrap();
    // Cut off while it is open.
    let verified = tree::verify(&tree, packed.location(), true, None, &Interrupt::default()).unwrap();
    assert_eq!(verified.damages.len(), 1);
    assert_eq!((verified.damages[0].path.as_path(), &*verified.damages[0].what), (&*pack, "ends early"));
    fs::remove_file(&pack).unwrap();
    assert!(open().unwrap_err().to_string().contains("0.pack"));
}
