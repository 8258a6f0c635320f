//! Lines of paths and patterns: a plan's directories are absolute and lead nowhere by `..`, and their patterns can be used; and
//! what the README tells of patterns is never refused.
#![no_main]

use std::collections::HashSet;
use std::path::Component;

use libfuzzer_sys::fuzz_target;
use runner_cache::plan::{Facts, Presets, Settings, Shape, build, parse_lines};
use runner_cache::tree::Selection;
use runner_cache_fuzz::job;

fuzz_target!(|text: &str| {
    let lines = parse_lines(text);
    listed(&lines);
    patterns(&lines);
});

fn listed(lines: &[String]) {
    let settings = Settings {
        presets: Presets::NONE,
        key: Some("k".into()),
        path: lines.to_vec(),
        cache_root: "/cache".into(),
        ..job::defaults()
    };
    let facts = Facts { workspaces: Vec::new(), ..job::facts() };
    let plan = match build(&settings, &facts) {
        Ok(plan) => plan,
        Err(error) => {
            let told = error.to_string();
            assert!(
                ["preset", "path", "cache-root"]
                    .iter()
                    .any(|input| told.starts_with(&format!("input `{input}`: "))),
                "{told}"
            );
            return;
        }
    };
    let roots: Vec<_> = plan.layers.iter().flat_map(|layer| &layer.roots).collect();
    let is_included = |line: &&String| line.chars().take_while(|sign| *sign == '!').count() % 2 == 0;
    assert!(roots.len() <= lines.iter().filter(is_included).count(), "more roots than lines");
    let places: HashSet<_> = roots.iter().map(|root| (&root.path, &root.include)).collect();
    assert_eq!(places.len(), roots.len(), "lines that name the same are one");
    assert!(
        roots.iter().all(|root| !root.name.is_empty() && !root.exclude.iter().any(|pattern| pattern == "**"))
    );
    for root in roots {
        assert!(root.path.is_absolute(), "{}", root.path.display());
        let is_plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
        assert!(root.path.components().all(is_plain), "{}", root.path.display());
        assert_eq!(root.shape == Shape::Part, !root.include.is_empty());
        Selection::new(&root.include, &root.exclude).expect("a plan's patterns were checked");
    }
}

fn patterns(lines: &[String]) {
    let is_told = |line: &String| !line.contains(['[', ']', '{', '}', '\\']);
    let told: Vec<_> = lines.iter().filter(|line| is_told(line)).cloned().collect();
    assert!(Selection::new(&told, &told).is_ok(), "{told:?}");
    // Others may be refused.
    let _ = Selection::new(lines, &[]);
}
