//! Which units of the pool to bring: pure.
//!
//! A unit serves only with the very units that it was built with: rustc tells compiled crates apart by more than cargo
//! does, and one that was built with another of the same name is an error of the build and not just stale. So a unit is
//! taken with all that it needs or not at all, and each place has one unit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A unit that may be brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Where it lies in a target directory: no two units do.
    pub slot: String,
    /// Its digest.
    pub digest: String,
    /// The digests of the units that it was built with.
    pub needs: Vec<String>,
    /// Whether, as far as can be told, cargo will take it.
    pub is_likely: bool,
}

/// Indices of the `offers` to take: what cargo will take before what it may not, then what brings most; among equals those
/// that come first. `present` are the slots that are taken already, with the digest of what is there, where that is known.
pub fn fitting(offers: &[Offer], present: &BTreeMap<String, Option<String>>) -> Vec<usize> {
    let mut by_digest: HashMap<&str, usize> = HashMap::new();
    for (index, offer) in offers.iter().enumerate() {
        by_digest.entry(&offer.digest).or_insert(index);
    }
    let mut chosen = Chosen {
        offers,
        by_digest,
        slots: present.iter().map(|(slot, digest)| (slot.as_str(), digest.as_deref())).collect(),
        have: present.values().flatten().map(String::as_str).collect(),
        taken: Vec::new(),
    };
    let mut order: Vec<_> = (0..offers.len()).collect();
    order.sort_by_cached_key(|&index| {
        let closure = chosen.closure(index).unwrap_or_default();
        (closure.iter().any(|&index| !offers[index].is_likely), Reverse(closure.len()))
    });
    for index in order {
        chosen.take_with_needs(index);
    }
    chosen.taken
}

struct Chosen<'a> {
    offers: &'a [Offer],
    by_digest: HashMap<&'a str, usize>,
    /// Digests by slot.
    slots: HashMap<&'a str, Option<&'a str>>,
    have: HashSet<&'a str>,
    taken: Vec<usize>,
}

impl<'a> Chosen<'a> {
    fn take_with_needs(&mut self, index: usize) {
        let Some(closure) = self.closure(index) else { return };
        for index in closure {
            let offer = &self.offers[index];
            self.slots.insert(&offer.slot, Some(&offer.digest));
            self.have.insert(&offer.digest);
            self.taken.push(index);
        }
    }

    /// What would have to be taken, those that are needed first; `None` where something of it is not to be had or its
    /// place is taken.
    fn closure(&self, index: usize) -> Option<Vec<usize>> {
        let mut closure = Vec::new();
        let mut slots: HashMap<&str, &str> = HashMap::new();
        // Each is looked at twice: when it is met, and when all that it needs is there.
        let mut pending = vec![(index, false)];
        while let Some((index, is_ready)) = pending.pop() {
            let offer: &'a Offer = &self.offers[index];
            if is_ready {
                closure.push(index);
                continue;
            }
            if self.have.contains(offer.digest.as_str())
                || slots.get(offer.slot.as_str()) == Some(&offer.digest.as_str())
            {
                continue;
            }
            if self.slots.contains_key(offer.slot.as_str())
                || slots.insert(&offer.slot, &offer.digest).is_some()
            {
                return None;
            }
            pending.push((index, true));
            for need in offer.needs.iter().filter(|need| !self.have.contains(need.as_str())) {
                pending.push((*self.by_digest.get(need.as_str())?, false));
            }
        }
        Some(closure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer(slot: &str, digest: &str, needs: &[&str]) -> Offer {
        Offer {
            slot: slot.into(),
            digest: digest.into(),
            needs: needs.iter().map(ToString::to_string).collect(),
            is_likely: true,
        }
    }

    fn taken(offers: &[Offer], present: &[(&str, Option<&str>)]) -> Vec<String> {
        let present =
            present.iter().map(|(slot, digest)| ((*slot).to_owned(), digest.map(str::to_owned))).collect();
        fitting(offers, &present).into_iter().map(|index| offers[index].digest.clone()).collect()
    }

    #[test]
    fn a_unit_comes_after_all_that_it_needs_or_not_at_all() {
        let offers =
            [offer("app", "app1", &["lib1"]), offer("lib", "lib1", &[]), offer("x", "x1", &["gone"])];
        assert_eq!(taken(&offers, &[]), ["lib1", "app1"]);
    }

    #[test]
    fn of_two_for_one_place_only_one_comes_and_what_needs_the_other_stays_away() {
        let offers = [
            offer("lib", "lib1", &[]),
            offer("tool", "tool2", &["lib2"]),
            offer("app", "app1", &["lib1"]),
            offer("lib", "lib2", &[]),
        ];
        assert_eq!(taken(&offers, &[]), ["lib2", "tool2"]);
    }

    #[test]
    fn what_cargo_will_hardly_take_comes_where_nothing_else_does() {
        let mut offers = [
            offer("lib", "lib1", &[]),
            offer("app", "app1", &["lib1"]),
            offer("lib", "lib2", &[]),
            offer("x", "x1", &[]),
        ];
        offers[0].is_likely = false;
        offers[3].is_likely = false;
        assert_eq!(taken(&offers, &[]), ["lib2", "x1"]);
    }

    #[test]
    fn what_is_there_stays_and_serves_those_that_were_built_with_it() {
        let offers =
            [offer("lib", "lib2", &[]), offer("app", "app1", &["lib1"]), offer("tool", "tool2", &["lib2"])];
        assert_eq!(taken(&offers, &[("lib", Some("lib1"))]), ["app1"]);
        assert_eq!(taken(&offers, &[("lib", None)]), Vec::<String>::new());
    }

    proptest! {
        /// Slots `s0`… with two variants each; a unit needs variants of lower slots only, as in any build.
        #[test]
        fn each_place_has_one_unit_and_each_unit_all_that_it_needs(
            edges in prop::collection::vec((0usize..12, 0usize..12), 0..40),
            gone in prop::collection::hash_set(0usize..12, 0..4),
            there in prop::collection::hash_set(0usize..12, 0..3),
            unlikely in prop::collection::hash_set(0usize..12, 0..6),
        ) {
            let name = |unit: usize| format!("d{unit}");
            let slot = |unit: usize| format!("s{}", unit / 2);
            let needs = |unit: usize| -> Vec<String> {
                let below = |&&(from, to): &&(usize, usize)| from == unit && to / 2 < unit / 2;
                edges.iter().filter(below).map(|&(_, to)| name(to)).collect()
            };
            let offers: Vec<_> = (0..12).filter(|unit| !gone.contains(unit))
                .map(|unit| Offer {
                    slot: slot(unit),
                    digest: name(unit),
                    needs: needs(unit),
                    is_likely: !unlikely.contains(&unit),
                })
                .collect();
            let present: BTreeMap<_, _> = there.iter().map(|&unit| (slot(unit), Some(name(unit)))).collect();
            let chosen = fitting(&offers, &present);
            let mut have: HashSet<String> = present.values().flatten().cloned().collect();
            let mut slots: HashSet<String> = present.keys().cloned().collect();
            for &index in &chosen {
                prop_assert!(offers[index].needs.iter().all(|need| have.contains(need)));
                prop_assert!(slots.insert(offers[index].slot.clone()));
                have.insert(offers[index].digest.clone());
            }
            for (index, offer) in offers.iter().enumerate().filter(|(index, _)| !chosen.contains(index)) {
                let is_missing = |need: &String| !have.contains(need);
                prop_assert!(slots.contains(&offer.slot) || offer.needs.iter().any(is_missing), "{index} could have come");
            }
        }
    }
}
