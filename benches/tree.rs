//! The inner parts of the tree engine, for finding out what a change does: `cargo bench`. Claims of speed come from
//! `scripts/bench.sh`, which measures the whole program against others.
#![allow(clippy::disallowed_methods, reason = "benchmarks make their trees by the standard library")]
#![allow(missing_docs, reason = "divan makes a public function of each benchmark")]

use std::fs;
use std::path::Path;

use divan::Bencher;
use runner_cache::sys::{Dir, Interrupt};
use runner_cache::tree::{
    Bases, Engine, LinkMode, Linker, Placement, Progress, Selection, Source, Tree, place, walk,
};
use tempfile::TempDir;

/// Directories of a tree, each with as many files.
const DIRECTORIES: [usize; 2] = [10, 100];

fn main() {
    divan::main();
}

/// A directory with `directories` directories of as many small files.
fn live(directories: usize) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    for directory in 0..directories {
        let directory = place.path().join(format!("live/directory-{directory:04}"));
        fs::create_dir_all(&directory).unwrap();
        for file in 0..directories {
            fs::write(directory.join(format!("some-file-{file:04}.rlib")), b"contents").unwrap();
        }
    }
    place
}

fn read(directory: &Path) -> (Dir, Tree) {
    let dir = Dir::open(directory).unwrap();
    let tree = walk(&dir, &Selection::all(), &Interrupt::default()).unwrap().tree;
    (dir, tree)
}

#[divan::bench(args = DIRECTORIES)]
fn walk_a_directory(bencher: Bencher<'_, '_>, directories: usize) {
    let place = live(directories);
    bencher.bench(|| read(&place.path().join("live")).1);
}

#[divan::bench(args = DIRECTORIES)]
fn load_and_check_a_tree(bencher: Bencher<'_, '_>, directories: usize) {
    let place = live(directories);
    let bytes = postcard::to_stdvec(&read(&place.path().join("live")).1).unwrap();
    bencher.bench(|| {
        let tree: Tree = postcard::from_bytes(&bytes).unwrap();
        tree.validate().unwrap();
        tree
    });
}

#[divan::bench(args = DIRECTORIES)]
fn compare_two_trees(bencher: Bencher<'_, '_>, directories: usize) {
    let place = live(directories);
    let (_, tree) = read(&place.path().join("live"));
    bencher.bench(|| tree.same_as(&tree));
}

fn bench_place(bencher: Bencher<'_, '_>, directories: usize, mode: LinkMode, has_base: bool) {
    let home = live(directories);
    let (root, tree) = read(&home.path().join("live"));
    let roots = [Dir::open(&home.path().join("live")).unwrap()];
    let of = vec![Some(0); tree.len() as usize];
    let linkable = vec![true; tree.len() as usize];
    let into = Dir::open(home.path()).unwrap();
    bencher.bench_local(|| {
        let source = Source { tree: &tree, location: (&root).into(), linkable: &linkable, is_live: false };
        let bases = has_base.then_some(Bases { roots: &roots, of: &of });
        let (linker, interrupt, progress) = (Linker::new(mode), Interrupt::default(), Progress::default());
        let engine = Engine { linker: &linker, interrupt: &interrupt, progress: &progress };
        place(source, &[Placement { node: 0, name: b"placed".to_vec() }], &into, bases, engine).unwrap();
        into.remove_all(b"placed").unwrap();
    });
}

#[divan::bench(args = DIRECTORIES)]
fn copy_and_remove(bencher: Bencher<'_, '_>, directories: usize) {
    bench_place(bencher, directories, LinkMode::Copy, false);
}

#[divan::bench(args = DIRECTORIES)]
fn hard_link_and_remove(bencher: Bencher<'_, '_>, directories: usize) {
    bench_place(bencher, directories, LinkMode::Hardlink, false);
}

#[divan::bench(args = DIRECTORIES)]
fn link_from_a_base_and_remove(bencher: Bencher<'_, '_>, directories: usize) {
    bench_place(bencher, directories, LinkMode::Copy, true);
}
