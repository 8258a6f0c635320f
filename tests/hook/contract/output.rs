//! What a step says, by its output and its files.

use super::runner;
use crate::stand_in::record::Event;
use crate::stand_in::{Job, Outcome, run};

fn said(kind: &str, message: &str) -> (String, String) {
    (kind.to_owned(), message.to_owned())
}

#[test]
fn commands_are_read_from_both_streams() {
    let (_place, runner) = runner();
    let hook =
        "echo '::warning title=a::out%0Aof it'; echo '  ::error::err' >&2; echo 'no ::notice::command'";
    let done = runner.completed(hook).run(Job::new("o/r").step(run("true")));
    let mut annotations = done.step("Complete runner").annotations;
    annotations.sort();
    assert_eq!(annotations, [said("error", "err"), said("warning", "out\nof it")]);
    assert_eq!(done.outcome(), Outcome::Succeeded);
}

#[test]
fn a_step_has_ten_annotations_of_a_kind_and_none_is_long() {
    let (_place, runner) = runner();
    let many = run("for n in $(seq 12); do echo \"::notice::$n\"; done; printf '::error::%05000d\\n' 0")
        .named("many");
    let done = runner.run(Job::new("o/r").step(many));
    let annotations = done.step("many").annotations;
    assert_eq!(annotations.iter().filter(|(kind, _)| kind == "notice").count(), 10);
    assert_eq!(annotations.last().unwrap().1.len(), 4096);
}

#[test]
fn masked_values_are_said_nowhere() {
    let (_place, runner) = runner();
    let script = "echo ::add-mask::secret; echo a secret b; echo ::notice::secret; echo secret >\"$GITHUB_STEP_SUMMARY\"";
    let done = runner.run(Job::new("o/r").step(run(script).named("masks")));
    let step = done.step("masks");
    assert!(step.log.contains(&"a *** b".to_owned()), "{done:?}");
    assert_eq!((step.annotations, step.summary.as_str()), (vec![said("notice", "***")], "***\n"));
}

#[test]
fn stopped_commands_are_text() {
    let (_place, runner) = runner();
    let script = "echo ::stop-commands::tok; echo ::warning::a; echo ::tok::; echo ::warning::b";
    let done = runner.run(Job::new("o/r").step(run(script).named("stops")));
    assert_eq!(done.step("stops").annotations, [said("warning", "b")]);
}

#[test]
fn files_are_read_when_a_step_failed_as_well() {
    let (_place, runner) = runner();
    let fails = run("printf 'A<<END\\none\\ntwo=3\\nEND\\nB=x<<y\\n' >>\"$GITHUB_ENV\"; exit 1").may_fail();
    let done = runner.run(Job::new("o/r").step(fails).step(run("echo \"<$A><$B>\"").named("reads")));
    let text = done.step("reads").text();
    assert!(text.contains("<one\ntwo=3><x<<y>"), "{done:?}");
}

#[test]
fn a_file_that_cannot_be_read_fails_its_step() {
    for wrong in ["no-value", "A<<END\\nno end", "A<<END\\nEND", "<<END\\nEND"] {
        let (_place, runner) = runner();
        let script = format!("printf '{wrong}' >>\"$GITHUB_ENV\"");
        let done = runner.run(Job::new("o/r").step(run(script).named("writes")));
        // The delimiter needs no end of its line.
        let is_right = wrong == "A<<END\\nEND";
        let expected = if is_right { Outcome::Succeeded } else { Outcome::Failed };
        assert_eq!(done.step("writes").outcome, Some(expected), "{wrong}: {done:?}");
    }
}

#[test]
fn node_options_are_refused_and_the_runners_own_names_are_written_over() {
    let (_place, runner) = runner();
    let set = run("printf 'NODE_OPTIONS=x\\nGITHUB_REPOSITORY=p/q\\nRUNNER_TEMP=/x\\n' >>\"$GITHUB_ENV\"")
        .named("sets");
    let shows = run("echo \"<$GITHUB_REPOSITORY><$RUNNER_TEMP><$NODE_OPTIONS>\"").named("shows");
    let done = runner.run(Job::new("o/r").step(set).step(shows));
    assert_eq!(done.step("sets").annotations.len(), 1);
    assert_eq!(done.outcome(), Outcome::Succeeded);
    let temp = runner.root.join("_work/_temp").display().to_string();
    assert!(done.step("shows").log.contains(&format!("<o/r><{temp}><>")), "{done:?}");
}

#[test]
fn a_summary_of_more_than_a_mebibyte_is_left_out() {
    let (_place, runner) = runner();
    let write = |bytes: u64| {
        run(format!("head -c {bytes} /dev/zero >\"$GITHUB_STEP_SUMMARY\"")).named(&bytes.to_string())
    };
    let done = runner.run(Job::new("o/r").step(write(1 << 20)).step(write((1 << 20) + 1)));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    let summaries = done.events().iter().filter(|event| matches!(event, Event::Summary { .. })).count();
    assert_eq!(summaries, 1);
    assert_eq!(done.step(&((1 << 20) + 1).to_string()).annotations.len(), 1);
}

#[test]
fn a_return_ends_a_line() {
    let (_place, runner) = runner();
    let done = runner.run(Job::new("o/r").step(run("printf 'a\\rb\\r\\nc'").named("says")));
    let step = done.step("says");
    assert!(step.log.ends_with(&["a", "b", "c"].map(str::to_owned)), "{done:?}");
}

#[test]
fn a_step_reads_nothing() {
    let (_place, runner) = runner();
    let done = runner.run(Job::new("o/r").step(run("test -z \"$(cat)\"")));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
}
