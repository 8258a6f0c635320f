"""The run: on each place each tree, of each tree each operation."""

import mmap
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from pages.command import Failed, tell

from . import memory, scenario, trees
from .builds import Builds
from .fleet import REPOSITORIES, Fleets
from .kernel import Calls, count, profile
from .layer import CARGO, PATHS, TARGET, Layer
from .options import Options
from .place import Place, remove
from .process import environment, peak_bytes, run
from .released import steps
from .requirement import misses
from .results import Count, Figure, Part, PlaceKind, Profile, Results, TreeSize
from .rivals import Rivals, programs
from .scenario import (
    CROWD,
    LARGEST,
    NO_TREE,
    REFLINK,
    REGISTRY_TREE,
    RESTORE_AGAIN,
    RESTORE_CHANGED,
    RESTORE_NEW,
    RSYNC,
    SAVE_AGAIN,
    SAVE_CHANGED,
    SAVE_NEW,
    SIZES,
    START,
    TARGET_TREE,
    Bench,
    tiny_tree,
)
from .way import Way, take_turns
from .week import JOBS, Weeks

# With --quick.
FEW_FILES = (500, 2_000)
FEW_REPOSITORIES, FEW_JOBS = 3, 12


# Roughly, with the name: a million files of a page each take 5.5 GB on ext4.
BYTES_OF_INODE = 2048

# Milliseconds: more rounds cost nothing and are needed.
MORE_ROUNDS_OF_LITTLE = 4
MORE_ROUNDS_OF_QUICK = 3

# The tree itself or the job's, what is kept of it, and what comes back.
COPIES_AT_ONCE = 3

# Of a built target directory, of files and of bytes.
LEAST_KEPT = 0.95

# They take minutes each way.
ROUNDS_OF_LARGEST = 3
ROUNDS_OF_BUILDS = 2


def memory_for(tree: TreeSize | None) -> int:
    """What the kernel takes to hold a copy of a tree: pages of the files and, for each, what it knows of it."""
    return tree.bytes + tree.files * (mmap.PAGESIZE + BYTES_OF_INODE) if tree else 0


class Measure:
    """One place at a time."""

    def __init__(
        self,
        options: Options,
        binary: Path,
        made: Path,
        results: Results,
        say: Callable[[str], None],
        keep: Callable[[], None],
    ):
        self.options = options
        self.binary = binary
        self.made = made
        self.results = results
        self.is_growth = results.part is Part.GROWTH
        self.say = say
        # Called whenever there is more: a run takes an hour, and whatever ends it early is to cost no more than what was begun.
        self.keep = keep

    def run(self, place: Place) -> None:
        self.place = place
        self.results.places[place.name] = PlaceKind(place.kind, place.can_reflink)
        if place.is_private:
            memory.forget()
        {
            Part.TREES: self.trees,
            Part.GROWTH: self.growth,
            Part.FLEET: self.fleet,
            Part.WEEK: self.week,
            Part.RIVALS: self.rivals,
        }[self.results.part]()
        self.keep()

    def trees(self) -> None:
        small = self.options.quick
        self.target()
        self.registry(1_000 if small else 20_000)
        for files in FEW_FILES if small else SIZES:
            self.tiny(files)
        self.start()
        if self.place.name == self.options.file_systems[0]:
            self.builds()

    def growth(self) -> None:
        sizes = FEW_FILES if self.options.quick else (*SIZES, LARGEST)
        needed, free = COPIES_AT_ONCE * memory_for(TreeSize(sizes[-1], 0)), self.place.free()
        if free < needed:
            raise Failed(f"{self.place.name}: {needed >> 30} GiB are needed, {free >> 30} GiB are free; hint: --fs, or --work")
        for files in sizes:
            self.tiny(files)

    def fleet(self) -> None:
        repositories = FEW_REPOSITORIES if self.options.quick else REPOSITORIES
        self.results.fleets += Fleets(self.place, self.binary, self.made).measure(repositories, self.say)

    def week(self) -> None:
        jobs = FEW_JOBS if self.options.quick else JOBS
        self.results.weeks += Weeks(self.place, self.binary, Path(os.environ["MBX"]), self.made).measure(jobs, self.say)

    def rivals(self) -> None:
        """Kept after each course."""
        rounds = 1 if self.options.quick else min(self.options.rounds, ROUNDS_OF_BUILDS)
        rivals = Rivals(self.place, self.binary, self.made, small=self.options.quick)
        self.results.programs |= programs()
        done = {(trial.project, trial.setting) for trial in self.results.trials}
        for project, trial in rivals.measure(self.options.chosen, rounds, done, self.say):
            self.results.projects[project.name] = project.about
            self.results.trials.append(trial)
            self.keep()

    def builds(self) -> None:
        # Once is enough of what takes minutes: what differs is how much is compiled, and that does not depend on the disk.
        rounds = 1 if self.options.quick else min(self.options.rounds, ROUNDS_OF_BUILDS)
        self.results.builds += Builds(self.place, self.binary, self.made, small=self.options.quick).measure(rounds, self.say)
        self.keep()

    def target(self) -> None:
        bench = self.bench(TARGET_TREE, TARGET, self.build_target)
        self.take(RESTORE_NEW, scenario.restore_absent(bench, [TARGET]))
        self.count(bench, RESTORE_NEW, modes=("auto", "copy"))
        self.take(RESTORE_AGAIN, scenario.restore_existing(bench, [TARGET], changed=False))
        self.take(RESTORE_CHANGED, scenario.restore_existing(bench, [TARGET], changed=True))
        self.save_new(bench)
        self.save_again(bench)
        self.save_changed(bench, TARGET)

    def registry(self, files: int) -> None:
        bench = self.bench(REGISTRY_TREE, CARGO, partial(trees.make_registry, files=files))
        self.take(RESTORE_NEW, scenario.restore_absent(bench, [CARGO, PATHS]))
        self.count(bench, RESTORE_NEW, modes=("auto", "copy"))
        self.save_new(bench)
        self.save_again(bench)
        bench.clear()
        trees.stamp(bench.source)
        # A cargo home keeps what it has, and crates that were patched are not saved: only files of a path change.
        self.take(RESTORE_AGAIN, scenario.restore_existing(bench, [PATHS, CARGO], changed=False))
        self.take(RESTORE_CHANGED, scenario.restore_existing(bench, [PATHS], changed=True))
        self.count_changes(bench, PATHS)
        self.save_changed(bench, PATHS)

    def save_new(self, bench: Bench) -> None:
        bench.clear()
        self.take(SAVE_NEW, scenario.save_new(bench, bench.live("live")))
        self.count(bench, SAVE_NEW)

    def save_again(self, bench: Bench) -> None:
        bench.clear()
        self.take(SAVE_AGAIN, scenario.save_again(bench))

    def save_changed(self, bench: Bench, layer: Layer) -> None:
        """The last of a tree."""
        bench.clear()
        self.take(SAVE_CHANGED, scenario.save_changed(replace(bench, layer=layer)))
        remove(bench.source)
        bench.clear()

    def tiny(self, files: int) -> None:
        bench = self.bench(tiny_tree(files), PATHS, partial(trees.make_tiny, files=files))
        # Of files of a block, extents to share are no matter: where it takes longest, nothing is learned of it.
        others = (RSYNC, "cp -a") if self.is_growth else (RSYNC, "cp -a", REFLINK)
        ways = scenario.restore_absent(bench, [PATHS], modes=("auto",), others=others)
        self.take(RESTORE_NEW, ways, weighed=("runner-cache auto",))
        if files == SIZES[0] and not self.is_growth:
            self.count(bench, RESTORE_NEW, modes=("auto",))
        bench.clear()
        ways = scenario.save_new(bench, bench.last("live"), others=(RSYNC,))
        self.take(SAVE_NEW, ways, weighed=("runner-cache save",))
        bench.clear()

    def start(self) -> None:
        bench = Bench(self.place, self.binary, self.made, self.place.directory, PATHS)
        with steps(self.place, self.binary) as of_release:
            self.take(START, scenario.start(bench) + of_release, tree=NO_TREE)
        bench.clear()
        counts = (500, 300) if self.options.quick else (scenario.MANY, scenario.IDLE)
        self.take(CROWD, scenario.crowded(bench, *counts), tree=NO_TREE)
        bench.clear()

    @property
    def packages(self) -> tuple[str, ...]:
        """Cargo's words for what target directories are built of."""
        return ("--package", trees.SMALL) if self.options.quick else ("--workspace",)

    def bench(self, name: str, layer: Layer, make: Callable[[Path], None]) -> Bench:
        self.tree = name
        self.say(f"{self.place.name}: {name}: making the tree")
        bench = Bench(self.place, self.binary, self.made, self.place.directory / "source", layer, self.packages)
        make(bench.source)
        trees.settle_directories(bench.source)
        size = trees.measure(bench.source)
        self.results.trees[name] = TreeSize(size.files, size.bytes)
        return bench

    def build_target(self, to: Path) -> None:
        """What cargo makes of the committed workspace (all targets, debug) where the jobs' workspace is, built once for each
        lock file and toolchain; of it little where the figures do not count."""
        bench = Bench(self.place, self.binary, self.made, to, TARGET, self.packages)
        job = bench.job("build")
        kept = self.made / ("target-small" if self.options.quick else "target")
        made_by = kept.with_suffix(".made-by")
        wanted = "\n".join([tell(["rustc", "-vV"]), (job.directory / "Cargo.lock").read_text(), str(job.tree)])
        if not made_by.is_file() or made_by.read_text() != wanted:
            self.say("building a workspace for its target directory: some minutes, once for a work directory")
            remove(made_by, kept)
            command = ["cargo", "build", *self.packages, "--all-targets", "--locked", "--quiet"]
            run(command, cwd=job.directory, env=job.env | trees.network_variables())
            self.copy(job.tree, kept)
            remove(job.tree)
            made_by.write_text(wanted)
        self.copy(kept, to)
        trees.date_after_now(to)
        self.reduce_to_kept(bench)

    def reduce_to_kept(self, bench: Bench) -> None:
        """Leaves in the tree what the program keeps of it, so that all ways copy the same. Little is left out: what cargo
        makes anew of the rest in no time, by links."""
        cache, job, built = bench.cache("kept"), bench.live("kept"), trees.measure(bench.source)
        run(cache.save(job), cwd=job.directory, env=job.env)
        remove(job.tree)
        run(cache.restore(job, "copy"), cwd=job.directory, env=job.env)
        kept = trees.measure(job.tree)
        if kept.files < LEAST_KEPT * built.files or kept.bytes < LEAST_KEPT * built.bytes:
            raise Failed(f"of a built target directory, {built}, the program keeps {kept}")
        remove(bench.source)
        job.tree.rename(bench.source)

    def copy(self, source: Path, to: Path) -> None:
        run(["cp", "-a", str(source), str(to)], cwd=self.made, env=environment(self.made))

    def take(
        self,
        operation: str,
        ways: list[Way],
        tree: str | None = None,
        weighed: tuple[str, ...] = (),
    ) -> None:
        tree = tree or self.tree
        rounds, needed = self.options.rounds, memory_for(self.results.trees.get(tree))
        rounds_of_quick = rounds * MORE_ROUNDS_OF_QUICK
        if operation in (RESTORE_AGAIN, RESTORE_CHANGED, SAVE_AGAIN, START):
            # What copies next to nothing needs no memory, and would find the processor's caches cold.
            rounds, needed = rounds * MORE_ROUNDS_OF_LITTLE, 0
        if self.is_growth:
            rounds = min(rounds, ROUNDS_OF_LARGEST)
        self.say(f"{self.place.name}: {tree}: {operation}: {len(ways)} ways, {rounds} rounds")
        courses = take_turns(ways, rounds, max(rounds, rounds_of_quick), self.place, needed)
        for way in ways:
            course = courses[way.name]
            peak = self.weigh(way) if way.name in weighed else None
            figure = Figure(
                self.place.name,
                tree,
                operation,
                way.name,
                course.seconds,
                course.disk_bytes,
                peak,
                course.own_seconds,
                course.all_seconds,
            )
            self.results.figures.append(figure)
            self.say(f"  {figure.median:9.3f} s  {way.name}")
        if tree != NO_TREE:
            self.profile(operation, ways)
        self.keep()

    def profile(self, operation: str, ways: list[Way]) -> None:
        """Of what is too slow, where the time goes, in one more run."""
        too_slow = misses(self.results, self.place.name, self.tree, operation)
        for way in [way for way in ways if way.name in too_slow]:
            way.before()
            self.place.settle()
            stacks = profile(way.command, cwd=way.cwd, env=way.env, scratch=self.made)
            self.results.profiles.append(Profile(self.place.name, self.tree, operation, way.name, stacks))
            way.after()

    def weigh(self, way: Way) -> int:
        """The memory of one more run, outside of the timed rounds."""
        way.before()
        peak = peak_bytes(way.command, cwd=way.cwd, env=way.env, scratch=self.made)
        way.after()
        return peak

    def count(self, bench: Bench, operation: str, modes: tuple[str, ...] = ()) -> None:
        """System calls of our own ways, once, outside of the timed rounds."""
        scratch, files = bench.copies, self.results.trees[self.tree].files
        absent = bench.job("count-miss")
        miss_command = bench.cache("nothing").restore(absent, "auto")
        run(miss_command, cwd=absent.directory, env=absent.env)
        miss = count(miss_command, cwd=absent.directory, env=absent.env, scratch=scratch)
        if modes:
            commands = {mode: bench.filled(bench.layer).restore(absent, mode) for mode in modes}
            job = absent
        else:
            job = bench.live("count")
            commands = {"save": bench.cache("count").save(job)}
        for way, command in commands.items():
            if modes:
                remove(job.tree)
            calls = count(command, cwd=job.directory, env=job.env, scratch=scratch).beyond(miss)
            self.note(calls, files, operation, way)
        if modes:
            remove(job.tree)

    def count_changes(self, bench: Bench, layer: Layer) -> None:
        """System calls for each file that has changed, beyond those of a restore with nothing to do."""
        job = bench.job(f"existing-{layer.name}", layer)
        command = bench.filled(layer).restore(job, "auto")
        run(command, cwd=job.directory, env=job.env)
        nothing = count(command, cwd=job.directory, env=job.env, scratch=bench.copies)
        bench.change_one_percent(job.tree)
        calls = count(command, cwd=job.directory, env=job.env, scratch=bench.copies).beyond(nothing)
        self.note(calls, len(trees.one_percent(job.tree)), RESTORE_CHANGED, "auto, each changed file")

    def note(self, calls: Calls, files: int, operation: str, way: str) -> None:
        per_file = {name: number / files for name, number in calls.by_name.items() if number * 20 >= files}
        ordered = dict(sorted(per_file.items(), key=lambda item: -item[1]))
        self.results.counts.append(Count(self.place.name, self.tree, operation, way, ordered))
