//! Keys that one job makes and another is handed: each layer gets its own key back from that of another layer, but for
//! the commit, which is each job's own. Keys are the same only where the facts are.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use runner_cache::plan::{Facts, LayerPlan, Plan, Presets, Settings, build};
use runner_cache::store::Layer;
use runner_cache_fuzz::job;

/// What a job's key is made from.
#[derive(Debug, Clone, PartialEq, Eq, Arbitrary)]
struct Job {
    is_aarch64: bool,
    trigger: Option<String>,
    extra: Option<String>,
    release: Option<Vec<u8>>,
    toolchain_file: Option<Vec<u8>>,
    variables: Vec<(String, String)>,
    config: Vec<(String, String)>,
    lock: Vec<(String, String)>,
    key_files: Vec<(String, String)>,
    declared: Vec<(String, String)>,
    commits: Vec<(String, String)>,
}

fuzz_target!(|jobs: (Job, Job)| {
    let (ours, mut theirs) = jobs;
    let ours_plan = ours.plan(None);
    // The same, at most with another commit.
    let with_their_commits = Job { commits: theirs.commits.clone(), ..ours.clone() };
    for layer in [Layer::Target, Layer::Paths] {
        let handed = &of(&ours_plan, layer).expect("it takes part").key;
        let plan = theirs.plan(Some(handed));
        assert_eq!(plan.cargo_key, ours_plan.cargo_key);
        assert_eq!(plan.target_key, ours_plan.target_key);
        let expected = with_their_commits.plan(None);
        for layer in Layer::ALL {
            assert_eq!(keys(&plan, layer), keys(&expected, layer), "{layer}");
        }
    }
    // The downloads' key tells nothing of the other layers.
    let plan = theirs.plan(ours_plan.cargo_key.as_deref());
    let own_plan = theirs.plan(None);
    assert_eq!(keys(&plan, Layer::Cargo), keys(&ours_plan, Layer::Cargo));
    for layer in [Layer::Target, Layer::Paths, Layer::Builds] {
        assert_eq!(keys(&plan, layer), keys(&own_plan, layer), "{layer}");
    }

    let is_same_key = own_plan.target_key == ours_plan.target_key;
    theirs.commits.clone_from(&ours.commits);
    assert_eq!(is_same_key, theirs.told() == ours.told(), "{theirs:?} {ours:?}");
});

impl Job {
    fn release(&self) -> Option<String> {
        // What a compiler's release is made of.
        const LETTERS: &[u8] = b"0123456789.-+abcdefghijklmnopqrstuvwxyz";
        let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
        Some(self.release.as_ref()?.iter().take(40).map(letter).collect())
    }

    /// As the program sees it.
    fn told(&self) -> Self {
        let release = self.release().map(String::into_bytes);
        // Where the compiler is known, it does not matter which file named it.
        let toolchain_file = self.toolchain_file.clone().filter(|_| release.is_none());
        // An input that is empty is not given.
        let extra = self.extra.clone().filter(|extra| !extra.is_empty());
        Self { extra, release, toolchain_file, ..self.clone() }
    }

    fn plan(&self, key: Option<&str>) -> Plan {
        let mut facts = Facts {
            arch: if self.is_aarch64 { "aarch64" } else { "x86_64" }.into(),
            variables: self.variables.clone(),
            config: self.config.clone(),
            lock: self.lock.clone(),
            key_files: self.key_files.clone(),
            declared: self.declared.clone(),
            trigger: self.trigger.clone().map(|digest| ("trigger".to_owned(), digest)),
            commits: self.commits.clone(),
            ..job::facts()
        };
        facts.toolchain.version =
            self.release().map(|release| format!("rustc {release} (0 0)\nrelease: {release}\n"));
        facts.toolchain.file =
            self.toolchain_file.clone().map(|contents| ("rust-toolchain".to_owned(), contents));
        let one = || vec!["x".to_owned()];
        let settings = Settings {
            presets: Presets::CARGO,
            key: key.map(str::to_owned),
            key_extra: self.told().extra,
            path: one(),
            builds: one(),
            ..job::defaults()
        };
        let plan = build(&settings, &facts).expect("nothing contradicts");
        assert!(plan.layers.iter().all(|layer| layer.key.len() <= 512 && !layer.key.contains(',')));
        assert_eq!(plan.has_unknown_commit, self.commits.is_empty());
        plan
    }
}

fn of(plan: &Plan, layer: Layer) -> Option<&LayerPlan> {
    plan.layers.iter().find(|plan| plan.layer() == layer)
}

fn keys(plan: &Plan, layer: Layer) -> Option<(&str, &[String], &str)> {
    let LayerPlan { key, restore_keys, family, .. } = of(plan, layer)?;
    Some((key, restore_keys, family))
}
