//! Settings and facts to a plan.

use std::path::{Path, PathBuf};

use super::check::{Contradiction, check};
use super::facts::Facts;
use super::job_layer::JobLayer;
use super::key::{Given, LayerKey, Parts, is_part_of, parts_of};
use super::layer_plan::{Checkout, LayerPlan, LayerSpec, OutputPlan, Promise, SourcesPlan, TargetPlan};
use super::path_lines::ALL;
use super::pool::{PoolPlan, UnitDirectory};
use super::preset::Presets;
use super::roots::{
    RootPlan, bin_roots, cargo_roots, path_roots, pattern_of, preset_roots, target_roots, unit_directories,
    without_cache,
};
use super::scope::{Modes, Scopes};
use super::settings::{SaveMoment, Settings};
use crate::store::{Factor, Layer};
use crate::sys::file::normal;
use crate::sys::sha256_hex;
use crate::tree::LinkMode;

/// What a job restores and saves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The layers, in the order in which they are restored. Empty where there is nothing to cache.
    pub layers: Vec<LayerPlan>,
    /// Whether build outputs were to be kept, and it cannot be told of which commit they are.
    pub has_unknown_commit: bool,
    /// Lines of `path` that another layer caches.
    pub twice: Vec<String>,
    /// Keys of the cargo and the target layer, whether they take part or not, for other jobs.
    pub cargo_key: Option<String>,
    /// See [`Plan::cargo_key`].
    pub target_key: Option<String>,
    /// The job's directory.
    pub directory: PathBuf,
    /// Where to look, and where to save.
    pub scopes: Scopes,
    /// The jobs whose entries are preferred, and whose entries this job's will be.
    pub lane: String,
    /// The cargo home that the job is to have for itself.
    pub own_cargo_home: Option<PathBuf>,
    /// When to save.
    pub save: SaveMoment,
    /// How files get from one place to another.
    pub link_mode: LinkMode,
}

/// Whether a key has to be made from facts: asking the compiler takes longer than many a restore.
pub fn needs_parts(settings: &Settings) -> bool {
    let is_free = settings.key.as_deref().is_some_and(|key| matches!(Given::read(key), Given::Free(_)));
    !is_free || !settings.builds.is_empty()
}

/// Makes the plan.
pub fn build(settings: &Settings, facts: &Facts) -> Result<Plan, Contradiction> {
    let is_rust = match settings.presets {
        Presets::Auto => !facts.workspaces.is_empty(),
        Presets::Named { cargo, .. } => cargo,
    };
    check(settings, facts, is_rust)?;
    let layers = chosen_layers(settings, facts, is_rust);
    let keys = Keys::new(settings, facts);
    let modes = Modes { input: settings.cache_mode, host: facts.host_mode };
    let scopes = Scopes::new(&facts.context, &facts.directory, modes);
    let lane = settings.lane.clone().unwrap_or_else(|| default_lane(settings, facts));
    // Without a commit there is no telling which build this is.
    let is_told = |layer: &JobLayer| *layer != JobLayer::Builds || !facts.commits.is_empty();
    let (told, untold): (Vec<_>, Vec<_>) = layers.into_iter().partition(is_told);
    let plans = told.into_iter().map(|layer| layer_plan(layer, settings, facts, &scopes, &keys));
    let mut layers: Vec<_> = plans.collect();
    let twice = take_out_twice(&mut layers);
    layers.retain(|plan| !plan.roots.is_empty());
    Ok(Plan {
        layers,
        has_unknown_commit: !untold.is_empty(),
        twice,
        cargo_key: is_rust.then(|| keys.of(JobLayer::Cargo).text),
        target_key: is_rust.then(|| keys.of(JobLayer::Target).text),
        directory: facts.directory.clone(),
        scopes,
        lane,
        own_cargo_home: settings.isolate_cargo_home.then(|| home_of(facts)).flatten(),
        save: settings.save,
        link_mode: settings.link_mode,
    })
}

/// Takes out of the layer of paths what another one caches, and tells of which lines.
fn take_out_twice(layers: &mut [LayerPlan]) -> Vec<String> {
    let others =
        layers.iter().filter(|layer| matches!(layer.spec, LayerSpec::Cargo { .. } | LayerSpec::Target(_)));
    let others: Vec<_> = others.flat_map(|layer| &layer.roots).map(|root| root.path.clone()).collect();
    let mut twice = Vec::new();
    for layer in layers.iter_mut().filter(|layer| matches!(layer.spec, LayerSpec::Paths { .. })) {
        layer.roots.retain_mut(|root| {
            let is_whole = root.include.iter().all(|pattern| pattern == ALL);
            let is_other = is_whole && others.contains(&root.path);
            if is_other {
                twice.push(format!("`{}` is already in cargo's layers; cached once", root.name));
            }
            if !is_other && others.iter().any(|other| root.path.starts_with(other)) {
                twice.push(format!(
                    "`{}` is already in cargo's layers; cached twice; hint: remove the line, or keep single outputs by \
                     `builds`",
                    root.name
                ));
            }
            let inside = others.iter().filter(|other| **other != root.path);
            let inside: Vec<_> = inside.filter_map(|other| pattern_of(other, &root.path)).collect();
            if !inside.is_empty() {
                twice.push(format!("what cargo's layers have of `{}` is cached once", root.name));
                root.exclude.extend(inside);
            }
            !is_other
        });
        layer.contents = contents_of(&layer.roots);
    }
    twice
}

fn home_of(facts: &Facts) -> Option<PathBuf> {
    facts.cargo_home.as_ref().map(|home| home.path().to_path_buf())
}

fn chosen_layers(settings: &Settings, facts: &Facts, is_rust: bool) -> Vec<JobLayer> {
    let mut layers = settings.layers.clone().unwrap_or_else(|| JobLayer::ALL.to_vec());
    layers.retain(|layer| match layer {
        JobLayer::Cargo | JobLayer::Target => is_rust,
        JobLayer::Builds => !settings.builds.is_empty(),
        JobLayer::Paths => !settings.path.is_empty() || !facts.preset_paths.is_empty(),
        JobLayer::Bins => !settings.cargo_bins.is_empty(),
    });
    layers
}

/// Jobs with the same workflow, id and matrix share their entries first.
fn default_lane(settings: &Settings, facts: &Facts) -> String {
    let job = facts.context.job.as_deref().unwrap_or("local");
    let mut words: Vec<&str> = facts.context.workflow.as_deref().into_iter().collect();
    words.push(job);
    words.extend(settings.matrix.iter().map(String::as_str));
    words.join(" ")
}

/// The keys of all layers.
struct Keys<'a> {
    settings: &'a Settings,
    given: Option<Given>,
    parts: Parts,
    factors: Vec<Factor>,
}

impl<'a> Keys<'a> {
    fn new(settings: &'a Settings, facts: &'a Facts) -> Self {
        let (parts, factors) = parts_of(facts, settings.key_extra.as_deref(), &settings.cargo_bins);
        let given = settings.key.as_deref().map(Given::read);
        Self { settings, given, parts, factors }
    }

    fn of(&self, layer: JobLayer) -> LayerKey {
        if layer == JobLayer::Bins {
            // It is made from their list, which no key of another layer and no words of the user's tell.
            return self.parts.key(layer);
        }
        let mut key = match &self.given {
            // The commit is this job's own: no key of another layer tells it.
            Some(Given::Full(parts)) => parts.with_commit_of(&self.parts).key(layer),
            Some(Given::Downloads(key)) if layer == JobLayer::Cargo => key.clone(),
            Some(Given::Free(text)) if layer != JobLayer::Builds => return self.free(text),
            Some(Given::Downloads(_) | Given::Free(_)) | None => self.parts.key(layer),
        };
        if layer != JobLayer::Builds {
            key.restore_keys.extend(self.settings.restore_keys.iter().cloned());
        }
        key
    }

    /// A key in the user's words. The last restore key that it begins with is what its versions have in common. It is the first
    /// of the restore keys itself, as in `actions/cache`:
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching#cache-key-matching>
    fn free(&self, text: &str) -> LayerKey {
        let given = &self.settings.restore_keys;
        let family = given.iter().rfind(|prefix| text.starts_with(prefix.as_str())).cloned();
        let restore_keys = std::iter::once(text.to_owned()).chain(given.iter().cloned()).collect();
        LayerKey { text: text.to_owned(), restore_keys, family: family.unwrap_or_default() }
    }

    /// What the key `text` was made from. A key that was handed over may have other parts than this job's facts give.
    fn factors(&self, layer: Layer, text: &str) -> Vec<Factor> {
        let is_in_key = |factor: &&Factor| is_part_of(layer, &factor.name) && text.contains(&factor.digest);
        self.factors.iter().filter(is_in_key).cloned().collect()
    }

    /// What the keys of units are made from and no others are.
    fn factors_of_units(&self) -> Vec<Factor> {
        let is_of_units = |factor: &&Factor| {
            is_part_of(Layer::Units, &factor.name) && !is_part_of(Layer::Target, &factor.name)
        };
        self.factors.iter().filter(is_of_units).cloned().collect()
    }
}

fn layer_plan(
    layer: JobLayer,
    settings: &Settings,
    facts: &Facts,
    scopes: &Scopes,
    keys: &Keys<'_>,
) -> LayerPlan {
    let key = keys.of(layer);
    let roots = match layer {
        JobLayer::Cargo => cargo_roots(facts),
        JobLayer::Target => target_roots(settings, facts),
        JobLayer::Builds => without_cache(path_roots(&settings.builds, facts), &normal(&settings.cache_root)),
        JobLayer::Paths => {
            let listed = path_roots(&settings.path, facts);
            without_cache([listed, preset_roots(settings, facts)].concat(), &normal(&settings.cache_root))
        }
        JobLayer::Bins => bin_roots(facts),
    };
    let contents = contents_of(&roots);
    LayerPlan {
        factors: keys.factors(layer.into(), &key.text),
        key: key.text,
        restore_keys: key.restore_keys,
        // Other paths under the same words are another thing.
        family: format!("{}{contents}", key.family),
        contents,
        spec: match layer {
            JobLayer::Cargo => LayerSpec::Cargo { locks: lock_files(facts) },
            JobLayer::Target => LayerSpec::Target(Box::new(TargetPlan {
                sources: sources_plan(settings, facts, &roots),
                kept: settings.kept.clone(),
                pool: pool_plan(settings, facts, scopes, keys, &roots),
            })),
            JobLayer::Builds => LayerSpec::Builds { checkouts: checkouts(facts) },
            JobLayer::Paths => LayerSpec::Paths { promise: promise_of_paths(settings, facts) },
            JobLayer::Bins => LayerSpec::Bins { tools: settings.cargo_bins.clone() },
        },
        roots,
    }
}

/// What the user lists is settled by its key; presets say it of theirs.
fn promise_of_paths(settings: &Settings, facts: &Facts) -> Promise {
    let mut settled = facts.preset_paths.iter().map(|path| path.preset.settled);
    if settled.clone().all(|settled| settled) {
        Promise::Settled
    } else if settings.path.is_empty() && !settled.any(|settled| settled) {
        Promise::Growing
    } else {
        Promise::Parts
    }
}

fn sources_plan(settings: &Settings, facts: &Facts, roots: &[RootPlan]) -> SourcesPlan {
    SourcesPlan {
        directory: facts.directory.clone(),
        workspaces: facts.workspaces.iter().map(|(_, workspace)| workspace.root.clone()).collect(),
        outputs: unit_directories(settings, facts, roots).into_iter().map(output_plan).collect(),
        places: places(facts, roots),
        home: home_of(facts),
        is_compared: settings.freshness,
    }
}

fn output_plan(directory: UnitDirectory) -> OutputPlan {
    let workspaces = directory.locks.iter().filter_map(|lock| lock.parent()).map(Path::to_path_buf);
    OutputPlan { root: directory.root, workspaces: workspaces.collect() }
}

/// Where a job's files are.
fn places(facts: &Facts, roots: &[RootPlan]) -> Vec<PathBuf> {
    let workspaces = facts.workspaces.iter().map(|(_, workspace)| normal(&workspace.root));
    // Also by the name that the runner has for it, where that is a link.
    let given = facts.context.workspace.iter().chain(&facts.context.temporary);
    let temporary = given.map(|directory| normal(directory));
    let directories = workspaces.chain(temporary).chain([facts.directory.clone()]);
    let mut places: Vec<PathBuf> = Vec::new();
    for place in roots.iter().map(|root| root.path.clone()).chain(directories) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// `None` where there is to be no pool, and where the compiler was not asked for who it is.
fn pool_plan(
    settings: &Settings,
    facts: &Facts,
    scopes: &Scopes,
    keys: &Keys<'_>,
    roots: &[RootPlan],
) -> Option<PoolPlan> {
    let (read, write) = settings.share.scopes(scopes)?;
    needs_parts(settings).then_some(())?;
    Some(PoolPlan {
        prefix: keys.parts.unit_prefix(),
        factors: keys.factors_of_units(),
        read,
        write,
        home: home_of(facts)?,
        directories: unit_directories(settings, facts, roots),
    })
}

/// What the commits are of: workspaces by their names, else the job's directory.
fn checkouts(facts: &Facts) -> Vec<Checkout> {
    let directory = |name: &String| {
        let workspace = facts.workspaces.iter().find(|(other, _)| other == name);
        workspace.map_or(&facts.directory, |(_, workspace)| &workspace.root).clone()
    };
    let commits = facts.commits.iter();
    commits.map(|(name, commit)| Checkout { directory: directory(name), commit: commit.clone() }).collect()
}

/// Where the workspaces have their lock files, once they were built.
fn lock_files(facts: &Facts) -> Vec<PathBuf> {
    facts.workspaces.iter().map(|(_, workspace)| workspace.root.join("Cargo.lock")).collect()
}

/// A digest of what a layer is about, in the user's words. Where it lies does not matter: runners differ in that.
fn contents_of(roots: &[RootPlan]) -> String {
    let words = |root: &RootPlan| format!("{:?}", (&root.name, root.shape, &root.include, &root.exclude));
    let text: Vec<_> = roots.iter().map(words).collect();
    let mut digest = sha256_hex(text.join("\n").as_bytes());
    digest.truncate(16);
    digest
}

#[cfg(test)]
mod tests {
    use super::super::pool::Share;
    use super::super::preset::choose;
    use super::super::roots::Shape;
    use super::*;
    use crate::cargo::{CargoHome, InstallRoot, Kept, Workspace};
    use crate::github::Environment;
    use crate::plan::cache_mode::CacheMode;
    use crate::plan::parse_tools;
    use crate::plan::preset::tests::Silent;
    use crate::plan::settings::{Incremental, Maintenance, Post};
    use crate::plan::workspace_spec::WorkspaceSpec;
    use crate::store::Lanes;
    use crate::tree::Existing;
    use std::collections::BTreeMap;

    fn settings() -> Settings {
        Settings {
            presets: Presets::Auto,
            workspaces: vec![WorkspaceSpec { path: ".".into(), target: None }],
            layers: None,
            path: Vec::new(),
            key: None,
            restore_keys: Vec::new(),
            key_files: Vec::new(),
            key_env: Vec::new(),
            key_extra: None,
            trigger_file: "t".into(),
            builds: Vec::new(),
            cargo_bins: Vec::new(),
            lane: None,
            cache_root: "/r".into(),
            cache_mode: CacheMode::Auto,
            save: SaveMoment::Auto,
            post: Post::Auto,
            github_token_file: None,
            maintenance: Maintenance::default(),
            freshness: true,
            incremental: Incremental::Auto,
            isolate_cargo_home: false,
            kept: Kept { parts: Vec::new(), executables: 0 },
            share: Share::default(),
            link_mode: LinkMode::Auto,
            fail_on_cache_miss: false,
            lookup_only: false,
            matrix: Vec::new(),
        }
    }

    fn facts() -> Facts {
        let workspace = Workspace {
            root: "/w/p".into(),
            target: "/w/p/target".into(),
            build: None,
            manifests: Vec::new(),
            lock: None,
        };
        Facts {
            directory: "/w/p".into(),
            home: Some("/h".into()),
            cargo_home: Some(CargoHome::at("/h/.cargo")),
            install_root: Some(InstallRoot::at("/h/.cargo")),
            workspaces: vec![(".".into(), workspace)],
            commits: vec![(".".into(), "abc".into())],
            ..Facts::default()
        }
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    fn layers(plan: &Plan) -> Vec<Layer> {
        plan.layers.iter().map(LayerPlan::layer).collect()
    }

    #[test]
    fn a_rust_workspace_has_downloads_and_target_and_what_is_listed_besides() {
        assert_eq!(layers(&build(&settings(), &facts()).unwrap()), [Layer::Cargo, Layer::Target]);
        let more = Settings {
            path: lines(&["~/.npm"]),
            builds: lines(&["target/release/*"]),
            cargo_bins: parse_tools("a").unwrap(),
            ..settings()
        };
        assert_eq!(layers(&build(&more, &facts()).unwrap()), JobLayer::ALL.map(Layer::from));
    }

    #[test]
    fn without_a_workspace_there_is_nothing_to_cache() {
        let facts = Facts { workspaces: Vec::new(), ..facts() };
        assert_eq!(build(&settings(), &facts).unwrap().layers, []);
    }

    #[test]
    fn a_key_of_the_user_serves_all_layers_but_the_builds() {
        let settings = Settings {
            key: Some("mine-1".into()),
            restore_keys: lines(&["mine-"]),
            builds: lines(&["x"]),
            ..settings()
        };
        let plan = build(&settings, &facts()).unwrap();
        let keys: Vec<_> = plan.layers.iter().map(|layer| layer.key.as_str()).collect();
        assert_eq!(keys[..2], ["mine-1", "mine-1"]);
        assert!(keys[2].contains("-commit."));
        assert!(plan.layers[0].family.starts_with("mine-"));
    }

    #[test]
    fn tools_have_a_key_of_their_list_alone_and_need_no_workspace() {
        let facts = Facts { workspaces: Vec::new(), ..facts() };
        let plan = |tools: &str, key: Option<&str>| {
            let settings = Settings {
                presets: Presets::NONE,
                cargo_bins: parse_tools(tools).unwrap(),
                key: key.map(str::to_owned),
                restore_keys: lines(&["mine-"]),
                ..settings()
            };
            let mut layers = build(&settings, &facts).unwrap().layers;
            assert_eq!(layers.len(), 1);
            layers.remove(0)
        };
        let one = plan("a, b@1.0.0", None);
        assert_eq!(one.key, plan("b@1.0.0\na\na", Some("mine-1")).key);
        assert_eq!((one.roots[0].path.as_path(), one.lanes()), (Path::new("/h/.cargo/bin"), Lanes::Any));
        for tools in ["a", "a@1.0.0, b@1.0.0", "a, b@1.0.1"] {
            let other = plan(tools, None);
            assert_ne!(other.key, one.key, "{tools}");
            assert!(other.restore_keys.len() == 1 && one.key.starts_with(&other.restore_keys[0]), "{tools}");
            assert_eq!(other.family, one.family);
        }
    }

    #[test]
    fn siblings_and_named_targets_have_roots_of_their_own() {
        let sibling = Workspace {
            root: "/w/s".into(),
            target: "/w/s/target".into(),
            ..facts().workspaces[0].1.clone()
        };
        let mut facts = facts();
        facts.workspaces.push(("../s".into(), sibling));
        let spec = WorkspaceSpec { path: "../s".into(), target: Some("out".into()) };
        let settings = Settings { workspaces: vec![settings().workspaces[0].clone(), spec], ..settings() };
        let plan = build(&settings, &facts).unwrap();
        let roots: Vec<_> = plan.layers[1].roots.iter().map(|root| (&*root.name, &*root.path)).collect();
        assert_eq!(roots, [(".", Path::new("/w/p/target")), ("../s", Path::new("/w/s/out"))]);
    }

    #[test]
    fn a_directory_of_intermediate_files_is_cached_besides_and_once() {
        let roots = |target: &str, build: &str| {
            let mut facts = facts();
            let workspace = &mut facts.workspaces[0].1;
            (workspace.target, workspace.build) = (target.into(), Some(build.into()));
            let roots = target_roots_of(&facts).into_iter();
            roots.map(|root| format!("{} = {}", root.name, root.path.display())).collect::<Vec<_>>()
        };
        assert_eq!(roots("/w/p/target", "/h/b"), [". = /w/p/target", ". (build) = /h/b"]);
        assert_eq!(roots("/w/p/target", "/w/p/target/b"), [". = /w/p/target"]);
        assert_eq!(roots("/w/p/b/final", "/w/p/b"), [". = /w/p/b"]);
    }

    fn target_roots_of(facts: &Facts) -> Vec<RootPlan> {
        build(&settings(), facts).unwrap().layers.remove(1).roots
    }

    #[test]
    fn a_target_directory_that_holds_the_sources_is_refused() {
        for target in [".", "..", "/"] {
            let spec = WorkspaceSpec { path: ".".into(), target: Some(target.into()) };
            let settings = Settings { workspaces: vec![spec], ..settings() };
            assert!(build(&settings, &facts()).is_err(), "{target}");
        }
    }

    #[test]
    fn paths_follow_the_rules_of_actions_cache() {
        let settings =
            Settings { path: lines(&["~/.npm", "out/**/*.bin", "!out/tmp/**", "!**/*.log"]), ..settings() };
        let plan = build(&settings, &facts()).unwrap();
        let roots = &plan.layers.last().unwrap().roots;
        assert_eq!((&*roots[0].path, roots[0].shape), (Path::new("/h/.npm"), Shape::Unknown));
        assert_eq!((&*roots[1].path, &*roots[1].include), (Path::new("/w/p/out"), &lines(&["**/*.bin"])[..]));
        assert_eq!(roots[1].exclude, ["tmp/**", "**/*.log"]);
        assert!(roots[0].exclude.is_empty(), "another directory's exclusions");
    }

    fn npm() -> (Settings, Facts) {
        let presets: Presets = "npm".parse().unwrap();
        let chosen = choose(presets.others(), BTreeMap::new()).unwrap();
        let paths =
            chosen.iter().flat_map(|(name, preset)| preset.paths_in(name, &Environment::default(), &Silent));
        let facts = Facts { preset_paths: paths.collect(), workspaces: Vec::new(), ..facts() };
        (Settings { presets, ..settings() }, facts)
    }

    #[test]
    fn what_a_preset_names_is_cached_once_and_not_what_the_user_excludes() {
        let (npm, facts) = npm();
        let roots = |path: &[&str]| {
            let settings = Settings { path: lines(path), ..npm.clone() };
            build(&settings, &facts).unwrap().layers.remove(0).roots
        };
        let alone = roots(&[]);
        assert_eq!((alone.len(), &*alone[0].path), (1, Path::new("/h/.npm/_cacache")));
        assert_eq!(alone[0].existing, Existing::Keep);
        assert_eq!(roots(&["!~/.npm/_cacache/x"])[0].exclude, ["x", "tmp/**"]);
        let listed = roots(&["~/.npm/_cacache"]);
        assert_eq!((listed.len(), listed[0].existing), (1, Existing::Overwrite));
    }

    #[test]
    fn layers_that_contradict_a_preset_are_refused() {
        let (npm, facts) = npm();
        for layer in [JobLayer::Target, JobLayer::Cargo, JobLayer::Builds] {
            let settings = Settings { layers: Some(vec![layer]), ..npm.clone() };
            assert_eq!(build(&settings, &facts).unwrap_err().input, "layers", "{layer:?}");
        }
        let both = "cargo,npm".parse().unwrap();
        let settings = Settings { presets: both, layers: Some(vec![JobLayer::Cargo]), ..npm };
        assert_eq!(build(&settings, &facts).unwrap_err().input, "preset");
    }

    #[test]
    fn a_target_directory_that_holds_cargos_home_or_another_one_is_refused() {
        let facts = Facts { cargo_home: Some(CargoHome::at("/w/p/target/home")), ..facts() };
        assert_eq!(build(&settings(), &facts).unwrap_err().input, "workspaces");
    }

    #[test]
    fn paths_without_a_rust_workspace_need_a_key() {
        let facts = Facts { workspaces: Vec::new(), ..facts() };
        let settings = Settings { path: lines(&["node_modules"]), ..settings() };
        assert_eq!(build(&settings, &facts).unwrap_err().input, "key");
    }

    #[test]
    fn settings_that_contradict_each_other_name_an_input_and_a_way_out() {
        let contradictions = [
            ("preset", Settings { presets: Presets::NONE, ..settings() }),
            ("key", Settings { presets: Presets::NONE, path: lines(&["x"]), ..settings() }),
            ("layers", Settings { layers: Some(vec![JobLayer::Paths]), ..settings() }),
            ("path", Settings { layers: Some(vec![JobLayer::Cargo]), path: lines(&["x"]), ..settings() }),
            ("path", Settings { path: lines(&["!x"]), ..settings() }),
            ("builds", Settings { layers: Some(vec![JobLayer::Cargo]), builds: lines(&["x"]), ..settings() }),
            ("layers", Settings { layers: Some(vec![JobLayer::Bins]), ..settings() }),
            (
                "cargo-bins",
                Settings {
                    layers: Some(vec![JobLayer::Cargo]),
                    cargo_bins: parse_tools("a").unwrap(),
                    ..settings()
                },
            ),
            ("key", Settings { key: Some("a,b".into()), ..settings() }),
            ("restore-keys", Settings { restore_keys: vec!["k".repeat(513)], ..settings() }),
            ("key-files", Settings { key: Some("k".into()), key_files: lines(&["x"]), ..settings() }),
            ("path", Settings { path: lines(&["out/[x"]), ..settings() }),
            ("cache-root", Settings { cache_root: "/w/p/target/cache".into(), ..settings() }),
            ("cache-root", Settings { path: lines(&["/r/x"]), ..settings() }),
            ("path", Settings { path: lines(&["x", "!**/x"]), ..settings() }),
        ];
        for (input, settings) in contradictions {
            let error = build(&settings, &facts()).unwrap_err();
            assert_eq!(error.input, input);
            assert!(error.to_string().contains("hint: "), "{error}");
        }
    }

    #[test]
    fn each_job_of_a_matrix_has_its_own_lane() {
        let mut facts = facts();
        facts.context.job = Some("test".into());
        let lane =
            |matrix: &[&str]| build(&Settings { matrix: lines(matrix), ..settings() }, &facts).unwrap().lane;
        assert_eq!(lane(&[]), "test");
        assert_eq!(lane(&["stable", "musl"]), "test stable musl");
    }
}
