//! Workflows that the tests write: jobs of a few steps, and calls of reusable workflows. What its users are to read as
//! YAML, such as the main job in `build`, is YAML there.

use std::fmt::{self, Display, Formatter};

use serde_yaml::{Mapping, Value};

/// A workflow of one job. As text it is YAML.
pub(crate) struct Workflow {
    name: &'static str,
    job: Mapping,
}

/// A step of a job.
pub(crate) struct Step(Mapping);

/// A step that uses an action.
pub(crate) fn uses(action: &str) -> Step {
    Step(Mapping::new()).having("uses", action)
}

/// A step that runs a script.
pub(crate) fn run(script: &str) -> Step {
    Step(Mapping::new()).having("run", script)
}

/// The checkout of the repository.
pub(crate) fn checkout() -> Step {
    uses("actions/checkout@v7")
}

/// The action itself, as the step `cache`: it restores, and notes what to save.
pub(crate) fn cache() -> Step {
    uses("btcdecoded/runner-cache@v1").id("cache")
}

/// The action that only restores.
pub(crate) fn restore() -> Step {
    uses("btcdecoded/runner-cache/restore@v1")
}

/// The action that saves.
pub(crate) fn save() -> Step {
    uses("btcdecoded/runner-cache/save@v1")
}

impl Step {
    /// Its id, by which a run's log has it.
    pub(crate) fn id(self, id: &str) -> Self {
        self.having("id", id)
    }

    /// Runs only if this expression holds.
    pub(crate) fn only_if(self, expression: &str) -> Self {
        self.having("if", expression)
    }

    /// An input of the action.
    pub(crate) fn with(self, input: &str, value: &str) -> Self {
        self.having_within("with", input, value)
    }

    /// A variable of the script.
    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        self.having_within("env", name, value)
    }

    fn having(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    fn having_within(mut self, group: &str, name: &str, value: &str) -> Self {
        let group = self.0.entry(group.into()).or_insert_with(|| Mapping::new().into());
        group.as_mapping_mut().unwrap().insert(name.into(), value.into());
        self
    }
}

impl Workflow {
    /// The job `build` of these steps, on a self-hosted runner.
    pub(crate) fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps: Vec<_> = steps.into_iter().map(|step| Value::Mapping(step.0)).collect();
        let job =
            Mapping::from_iter([("runs-on".into(), "self-hosted".into()), ("steps".into(), steps.into())]);
        Self { name: "build", job }
    }

    /// The job `call`, which calls a reusable workflow of the project with these inputs.
    pub(crate) fn calling(workflow: &str, inputs: &[(&str, &str)]) -> Self {
        let uses = format!("btcdecoded/runner-cache/.github/workflows/{workflow}.yml@v1");
        // What a reusable workflow wants as a boolean must be one.
        let value = |text: &str| text.parse::<bool>().map_or_else(|_| text.into(), Value::Bool);
        let inputs: Mapping = inputs.iter().map(|(name, text)| ((*name).into(), value(text))).collect();
        let job = Mapping::from_iter([("uses".into(), uses.into()), ("with".into(), inputs.into())]);
        Self { name: "call", job }
    }

    /// Runs the job once for each value of `matrix.NAME`.
    pub(crate) fn matrix(mut self, name: &str, values: &[&str]) -> Self {
        let values: Vec<_> = values.iter().map(|value| Value::from(*value)).collect();
        let matrix = Mapping::from_iter([(name.into(), values.into())]);
        let strategy = Mapping::from_iter([("matrix".into(), matrix.into())]);
        self.job.insert("strategy".into(), strategy.into());
        self
    }
}

impl Display for Workflow {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let jobs = Mapping::from_iter([(self.name.into(), self.job.clone().into())]);
        let workflow = Mapping::from_iter([("on".into(), "push".into()), ("jobs".into(), jobs.into())]);
        out.write_str(&serde_yaml::to_string(&workflow).map_err(|_| fmt::Error)?)
    }
}
