//! What a restore brought and what it left out, and why.

use std::collections::BTreeMap;

use crate::cargo::Reason;
use crate::layers::target_dir::freshness::Judged;
use crate::outcome::{SourcesKept, UnitsKept, WhyLeftOut};
use crate::plan::LeftOut;
use crate::store::{Inputs, OutsideInput, SourceId};

impl Judged<'_> {
    /// Why units are left out, by the names of roots and the units' own directories.
    pub(crate) fn left_out_units(&self) -> BTreeMap<String, BTreeMap<String, LeftOut>> {
        let of_root = |(root, reasons): (usize, &Vec<Option<Reason>>)| {
            let tree = &self.manifest.roots[root].tree;
            let units = self.units[root].iter().zip(reasons).enumerate();
            let told = units.filter_map(|(index, (unit, reason))| {
                let directory = String::from_utf8_lossy(&tree.path_below(0, unit.directory())).into_owned();
                let (why, what) = self.why(root, index, reason.as_ref()?);
                Some((
                    directory,
                    match reason.as_ref()? {
                        Reason::Source(_) => LeftOut::Sources(self.changed_sources(root, index, what)),
                        Reason::Needs(_) => LeftOut::Dependency,
                        _ => LeftOut::Other { why, what },
                    },
                ))
            });
            (self.manifest.roots[root].name.clone(), told.collect())
        };
        self.reasons.iter().enumerate().map(of_root).collect()
    }

    /// All that a unit names and that is not as it was; where it is something that the unit does not name, `first`.
    fn changed_sources(&self, root: usize, unit: usize, first: String) -> Vec<String> {
        let Some(Inputs::Known(known)) =
            self.manifest.provenance.roots[root].get(unit).map(|made| &made.inputs)
        else {
            return vec![first];
        };
        let is_same = |id: &&SourceId| {
            self.compared[id.sources as usize].as_ref().is_some_and(|compared| compared.is_same(id.node))
        };
        let named = known.listed.iter().chain(&known.watched).chain(&known.read);
        let mut paths: Vec<_> = named.filter(|id| !is_same(id)).map(|id| self.path_of(*id)).collect();
        if paths.is_empty() {
            paths.push(first);
        }
        paths.sort();
        paths.dedup();
        paths
    }

    fn path_of(&self, id: SourceId) -> String {
        let tree = self.manifest.sources[id.sources as usize].snapshot.tree();
        String::from_utf8_lossy(&tree.path_below(0, id.node)).into_owned()
    }

    pub(crate) fn sources_kept(&self) -> SourcesKept {
        let mut kept = SourcesKept::default();
        for (sources, compared) in self.manifest.sources.iter().zip(&self.compared) {
            let (same, changed) = match compared {
                Some(compared) => compared.count(&sources.snapshot),
                None => (0, sources.snapshot.tree().files()),
            };
            kept.same += same;
            kept.changed += changed;
        }
        kept
    }

    pub(crate) fn units_kept(&self) -> UnitsKept {
        let mut kept = UnitsKept::default();
        if self.is_unrecognised {
            kept.leave_out(WhyLeftOut::UnknownFormat, "all".to_owned());
        }
        for (root, reasons) in self.reasons.iter().enumerate() {
            for (unit, reason) in reasons.iter().enumerate() {
                match reason {
                    None => kept.served += 1,
                    Some(reason) => {
                        let (code, what) = self.why(root, unit, reason);
                        kept.leave_out(code, what);
                    }
                }
            }
        }
        kept
    }

    /// Why a unit is left out: what kind of reason it is, and what it is about.
    fn why(&self, root: usize, unit: usize, reason: &Reason) -> (WhyLeftOut, String) {
        let provenance = &self.manifest.provenance;
        let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let name = |unit: usize| {
            let tree = &self.manifest.roots[root].tree;
            let (package, _) = self.units[root][unit].names(tree);
            text(package)
        };
        match reason {
            Reason::Unknown => (WhyLeftOut::UnknownInputs, name(unit)),
            Reason::Bound(place) => (WhyLeftOut::OtherPath, text(&provenance.places[*place])),
            Reason::Commit => (WhyLeftOut::Commit, name(unit)),
            Reason::Source(id) => (WhyLeftOut::Sources, self.path_of(*id)),
            Reason::Outside(index) => match &provenance.outside[*index].input {
                OutsideInput::Path(path) | OutsideInput::Settings(path) => {
                    (WhyLeftOut::OutsideFiles, path.clone())
                }
                OutsideInput::Program(name) => (WhyLeftOut::Programs, format!("`{name}`")),
                OutsideInput::Variable(name) => (WhyLeftOut::Variables, format!("`{name}`")),
                OutsideInput::OutputVariables | OutsideInput::LinkVariables => {
                    (WhyLeftOut::Variables, name(unit))
                }
                OutsideInput::Packages => (WhyLeftOut::SystemPackages, name(unit)),
            },
            Reason::Version => (WhyLeftOut::Version, name(unit)),
            Reason::Profile => (WhyLeftOut::Profile, name(unit)),
            Reason::Superseded => (WhyLeftOut::Superseded, name(unit)),
            Reason::Future => (WhyLeftOut::Future, name(unit)),
            Reason::Unwanted => (WhyLeftOut::FreshnessOff, name(unit)),
            Reason::OtherOutputs => (WhyLeftOut::OtherOutputs, name(unit)),
            Reason::Needs(need) => (WhyLeftOut::Dependencies, name(*need)),
        }
    }
}
