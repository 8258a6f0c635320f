//! Where a document has steps: the jobs of a workflow, and a composite action.

use std::ops::Range;

use super::yaml::{Node, Value};

/// A list of steps that run one after the other.
pub(super) struct Job<'n> {
    /// The job's id; none for a composite action.
    pub(super) id: Option<&'n str>,
    /// All of it.
    pub(super) node: &'n Node,
    /// The list.
    pub(super) list: &'n Node,
    pub(super) steps: Vec<Step<'n>>,
}

/// A step.
#[derive(Clone, Copy)]
pub(super) struct Step<'n> {
    pub(super) node: &'n Node,
}

/// The jobs of all `documents`, but for those that are another one's by an alias.
pub(super) fn jobs(documents: &[Node]) -> Vec<Job<'_>> {
    documents.iter().flat_map(of_document).collect()
}

fn of_document(document: &Node) -> Vec<Job<'_>> {
    let composite = document.get("runs").and_then(|runs| Job::new(None, document, runs.get("steps")?));
    let jobs = document.get("jobs").filter(|jobs| !jobs.is_alias).map_or(&[][..], Node::entries).iter();
    let jobs = jobs.filter(|(_, job)| !job.is_alias);
    let jobs = jobs.filter_map(|(id, job)| Job::new(id.text(), job, job.get("steps")?));
    composite.into_iter().chain(jobs).collect()
}

impl<'n> Job<'n> {
    fn new(id: Option<&'n str>, node: &'n Node, list: &'n Node) -> Option<Self> {
        let is_list = matches!(&*list.value, Value::List(_));
        let steps = list.items().iter().map(|node| Step { node }).collect();
        (is_list && !list.is_alias).then_some(Self { id, node, list, steps })
    }

    /// Whether its steps end before the jobs do that use it.
    pub(super) fn is_composite(&self) -> bool {
        self.id.is_none()
    }

    /// An id that no step has, `name` if it can be.
    pub(super) fn free_id(&self, name: &str, taken: &[String]) -> String {
        let is_free =
            |id: &String| !taken.contains(id) && self.steps.iter().all(|step| step.id() != Some(id));
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(is_free).expect("there is always another number")
    }
}

impl<'n> Step<'n> {
    pub(super) fn get(self, name: &str) -> Option<&'n Node> {
        self.node.get(name)
    }

    pub(super) fn text(self, name: &str) -> Option<&'n str> {
        self.get(name)?.text()
    }

    pub(super) fn id(self) -> Option<&'n str> {
        self.text("id")
    }

    /// The name of the action in lower case, without its version, and the version.
    pub(super) fn action(self) -> Option<(String, &'n str)> {
        let uses = self.text("uses")?.trim();
        let (name, version) = uses.split_once('@').unwrap_or((uses, ""));
        Some((name.to_lowercase(), version))
    }

    /// Where the step is to be spoken of.
    pub(super) fn span(self) -> &'n Range<usize> {
        &self.node.span
    }
}
