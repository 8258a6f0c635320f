//! Users and groups of the system.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::system::{Owner, System};
use crate::sys::{Result, ask};

/// How long a directory service has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first number that is given to people, and not to the system's own users.
const FIRST_OF_PEOPLE: u32 = 1000;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) owner: Owner,
    pub(super) home: PathBuf,
}

/// A group and those whom it names as its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) members: Vec<String>,
}

/// All that the system's files know.
#[derive(Debug, Clone, Default)]
pub(super) struct Users {
    people: Vec<User>,
    groups: Vec<Group>,
    /// Whether a directory service may know more.
    may_ask: bool,
}

impl Users {
    pub(super) fn read(system: &System) -> Result<Self> {
        let text = |path: &str| Ok(system.text(Path::new(path))?.unwrap_or_default());
        Ok(Self { may_ask: system.is_live(), ..Self::parse(&text("/etc/passwd")?, &text("/etc/group")?) })
    }

    pub(super) fn parse(passwd: &str, group: &str) -> Self {
        Self {
            people: passwd.lines().filter_map(user).collect(),
            groups: group.lines().filter_map(self::group).collect(),
            may_ask: false,
        }
    }

    pub(super) fn user(&self, name: &str) -> Option<User> {
        let known = self.people.iter().find(|user| user.name == name).cloned();
        known.or_else(|| user(&self.asked("passwd", name)?))
    }

    pub(super) fn user_of(&self, number: u32) -> Option<User> {
        let known = self.people.iter().find(|user| user.owner.user == number).cloned();
        known.or_else(|| user(&self.asked("passwd", &number.to_string())?))
    }

    pub(super) fn group(&self, name: &str) -> Option<Group> {
        let known = self.groups.iter().find(|group| group.name == name).cloned();
        known.or_else(|| group(&self.asked("group", name)?))
    }

    pub(super) fn group_of(&self, number: u32) -> Option<Group> {
        let known = self.groups.iter().find(|group| group.number == number).cloned();
        known.or_else(|| group(&self.asked("group", &number.to_string())?))
    }

    /// The homes in which people and runners work.
    pub(super) fn homes(&self) -> impl Iterator<Item = &Path> {
        let of_people = |user: &&User| user.owner.user == 0 || user.owner.user >= FIRST_OF_PEOPLE;
        let homes = self.people.iter().filter(of_people).map(|user| user.home.as_path());
        homes.filter(|home| home.parent().is_some())
    }

    fn asked(&self, database: &str, name: &str) -> Option<String> {
        if !self.may_ask {
            return None;
        }
        let answer = ask(Command::new("/usr/bin/getent").args(["--", database, name]), PATIENCE)?;
        Some(String::from_utf8(answer).ok()?.lines().next()?.to_owned())
    }
}

fn user(line: &str) -> Option<User> {
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, user, group, _, home, ..] = fields[..] else { return None };
    let owner = Owner { user: user.parse().ok()?, group: group.parse().ok()? };
    Some(User { name: name.to_owned(), owner, home: home.into() })
}

fn group(line: &str) -> Option<Group> {
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, number, members] = fields[..] else { return None };
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some(Group { name: name.to_owned(), number: number.parse().ok()?, members })
}
