//! The program under strace, which tells its system calls and lets one of them fail, or the program die at it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

use test_support::Said;

use crate::host::Host;

/// A system call of a run.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) name: String,
    /// Which one of its name in its thread, from 1.
    pub(crate) number: usize,
    /// How it was made, in each thread that came to one of this number.
    pub(crate) text: String,
}

/// What is to happen at a call instead of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It fails.
    Error(&'static str),
    /// It and all further ones of its name fail.
    Lasting(&'static str),
    /// The program dies.
    Death,
    /// The program gets a signal, and the call is made.
    Signal(&'static str),
}

/// Runs the program and returns its calls of these names, those left out that the dynamic linker makes. strace counts by
/// thread, so a call stands for all of its number, one a thread.
pub(crate) fn record(host: &Host, names: &[&str], args: &[&str]) -> Vec<Call> {
    let log = host.path("strace.log");
    let log = log.to_str().unwrap();
    let trace = format!("trace={}", names.join(","));
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "--seccomp-bpf",
        "-s",
        "200",
        "-o",
        log,
        "-e",
        "signal=none",
        "-e",
        &trace,
    ];
    let said = host.run_under(&strace, args);
    assert!(said.is_success(), "{said:#?}");
    let text = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    let mut calls: BTreeMap<(&str, usize), Call> = BTreeMap::new();
    let mut of_linker = BTreeSet::new();
    for line in text.lines() {
        // `<thread> <name>(<arguments>) = <result>`; the second half of one that was interrupted begins with `<`.
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        if !names.contains(&name) {
            continue;
        }
        let number = counts.entry((thread, name)).or_default();
        *number += 1;
        let text = call.trim_start().to_owned();
        if is_of_linker(&text) {
            of_linker.insert((name, *number));
        }
        let of_number = calls.entry((name, *number));
        of_number
            .and_modify(|call| call.text = format!("{}\n  or {text}", call.text))
            .or_insert_with(|| Call { name: name.to_owned(), number: *number, text: text.clone() });
    }
    calls.retain(|call, _| !of_linker.contains(call));
    calls.into_values().collect()
}

/// Whether the call looks for a library or reads one.
fn is_of_linker(call: &str) -> bool {
    ["/etc/ld.so", ".so.", "/proc/self/maps"].iter().any(|path| call.contains(path))
}

/// Runs the program and lets `fault` happen at each of `calls`. Returns also how often it did: once in each thread that
/// came to such a call.
pub(crate) fn inject(host: &Host, calls: &[&Call], fault: Fault, args: &[&str]) -> (Said, usize) {
    let log = host.path("strace.log");
    let mut strace: Vec<_> = ["strace", "-f", "-qq", "-o"].map(str::to_owned).into();
    strace.push(log.to_str().unwrap().to_owned());
    let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
    strace.extend(["-e".to_owned(), format!("trace={}", names.join(","))]);
    for Call { name, number, .. } in calls {
        let (what, when) = match fault {
            Fault::Error(errno) => (format!("error={errno}"), number.to_string()),
            Fault::Lasting(errno) => (format!("error={errno}"), format!("{number}+")),
            Fault::Death => ("signal=KILL".to_owned(), number.to_string()),
            Fault::Signal(signal) => (format!("signal={signal}"), number.to_string()),
        };
        strace.extend(["-e".to_owned(), format!("inject={name}:{what}:when={when}")]);
    }
    // Without this filter strace stops at all calls, and with it no signal is sent.
    if !matches!(fault, Fault::Death | Fault::Signal(_)) {
        strace.push("--seccomp-bpf".to_owned());
    }
    let said = host.run_under(&strace.iter().map(String::as_str).collect::<Vec<_>>(), args);
    let text = fs::read(log).unwrap();
    let count = match fault {
        Fault::Error(_) | Fault::Lasting(_) => {
            text.windows(INJECTED.len()).filter(|window| *window == INJECTED).count()
        }
        Fault::Death => usize::from(said.was_ended_by(9)),
        Fault::Signal(_) => calls.len(),
    };
    (said, count)
}

/// How strace marks a call whose result it made.
const INJECTED: &[u8] = b"(INJECTED)";

/// At most `most` of the calls of each name: the first, the last, and some between them.
pub(crate) fn sample(calls: &[Call], most: usize) -> Vec<Call> {
    let by_name = calls.chunk_by(|a, b| a.name == b.name);
    by_name
        .flat_map(|calls| {
            let count = calls.len().min(most);
            (0..count).map(move |index| calls[index * (calls.len() - 1) / (count - 1).max(1)].clone())
        })
        .collect()
}
