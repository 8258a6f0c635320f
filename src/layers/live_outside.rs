//! What lies outside of a job's sources now, looked at once for all entries and units that have to do with it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::cargo::Host;
use crate::store::{Outside, OutsideInput, OutsideState};

/// What was looked at.
#[derive(Debug, Default)]
pub(crate) struct LiveOutside {
    /// What had been found, the last of each, and whether it is so now.
    seen: RefCell<BTreeMap<OutsideInput, (OutsideState, bool)>>,
}

impl LiveOutside {
    /// Whether `outside` is on `host` as it was found.
    pub(crate) fn has(&self, host: Host<'_>, outside: &Outside) -> bool {
        let known = self.seen.borrow().get(&outside.input).cloned();
        if let Some((_, is_there)) = known.filter(|(state, _)| *state == outside.state) {
            return is_there;
        }
        let is_there = host.has(outside);
        self.seen.borrow_mut().insert(outside.input.clone(), (outside.state.clone(), is_there));
        is_there
    }
}
