//! The texts that systemd reads: `gc` once a day, variables of runners' services, rules for its cleaner.

use std::fmt::Write as _;

use super::mark::marked;
use super::request::PlainPath;
use crate::store::Access;
use crate::sys::Cleaned;

/// The file that is laid over a runner's service.
pub(super) const DROP_IN: &str = "runner-cache.conf";

/// The rules for systemd's cleaner.
pub(super) const TMPFILES: &str = "/etc/tmpfiles.d/runner-cache.conf";

/// Where units of the system's owner are.
pub(super) const UNITS: &str = "/etc/systemd/system";

/// What `gc` of a user is to do.
#[derive(Debug)]
pub(super) struct Gc<'a> {
    pub(super) user: &'a str,
    pub(super) number: u32,
    pub(super) root: &'a PlainPath,
    pub(super) access: Access,
    pub(super) program: &'a PlainPath,
    /// Whether the policy tells where the root is.
    pub(super) is_in_policy: bool,
}

impl Gc<'_> {
    /// The name of its units, without an ending.
    pub(super) fn name(&self) -> String {
        // As systemd-escape does.
        let escaped = self.user.bytes().fold(String::new(), |mut name, byte| {
            if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) {
                name.push(byte.into());
            } else {
                let _ = write!(name, "\\x{byte:02x}");
            }
            name
        });
        format!("runner-cache-gc-{escaped}")
    }

    /// The command.
    pub(super) fn command(&self) -> String {
        let Self { program, root, .. } = self;
        // What the policy says is read anew each time.
        if self.is_in_policy { format!("{program} gc") } else { format!("{program} gc --cache-root {root}") }
    }

    /// The service: the user's own rights over the root, and nothing else.
    pub(super) fn service(&self) -> String {
        let Self { user, root, .. } = self;
        let is_temporary = ["/tmp", "/var/tmp"].iter().any(|place| root.path().starts_with(place));
        let own_tmp = if is_temporary { "" } else { "PrivateTmp=yes\n" };
        // Directories of a shared root give their group on by that bit.
        let no_setgid = if self.access == Access::Group { "" } else { "RestrictSUIDSGID=yes\n" };
        let of = name_or_number(user, self.number);
        let user = user.replace('%', "%%");
        marked(
            "#",
            &format!(
                "[Unit]\n\
                 Description=Remove entries of runner-cache that are too many, too old or too large ({user})\n\
                 Documentation=man:runner-cache-gc(1)\n\
                 RequiresMountsFor={root}\n\
                 ConditionPathIsDirectory={root}\n\
                 \n\
                 [Service]\n\
                 Type=oneshot\n\
                 ExecStart={command}\n\
                 User={of}\n\
                 TimeoutStartSec=1h\n\
                 Nice=19\n\
                 IOSchedulingClass=idle\n\
                 ReadWritePaths={root}\n\
                 ProtectSystem=strict\n\
                 ProtectHome=read-only\n\
                 {own_tmp}\
                 PrivateDevices=yes\n\
                 PrivateNetwork=yes\n\
                 RestrictAddressFamilies=none\n\
                 NoNewPrivileges=yes\n\
                 CapabilityBoundingSet=\n\
                 {no_setgid}\
                 ProtectClock=yes\n\
                 ProtectControlGroups=yes\n\
                 ProtectHostname=yes\n\
                 ProtectKernelLogs=yes\n\
                 ProtectKernelModules=yes\n\
                 ProtectKernelTunables=yes\n\
                 LockPersonality=yes\n\
                 MemoryDenyWriteExecute=yes\n\
                 RestrictNamespaces=yes\n\
                 RestrictRealtime=yes\n\
                 SystemCallArchitectures=native\n\
                 SystemCallFilter=@system-service\n",
                command = self.command(),
            ),
        )
    }

    /// The timer.
    pub(super) fn timer(&self) -> String {
        let user = self.user.replace('%', "%%");
        marked(
            "#",
            &format!(
                "[Unit]\n\
                 Description=Clean up the cache of runner-cache daily ({user})\n\
                 Documentation=man:runner-cache-gc(1)\n\
                 \n\
                 [Timer]\n\
                 OnCalendar=daily\n\
                 RandomizedDelaySec=1h\n\
                 Persistent=yes\n\
                 \n\
                 [Install]\n\
                 WantedBy=timers.target\n"
            ),
        )
    }
}

/// A user or group as units and rules name it: by its number where the name has a blank or what systemd gives a meaning.
/// Directory services have such names.
pub(super) fn name_or_number(name: &str, number: u32) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_.@-".contains(letter);
    if name.chars().all(is_plain) { name.to_owned() } else { number.to_string() }
}

/// Variables of a runner's service.
pub(super) fn drop_in(variables: &[(&str, &PlainPath)]) -> String {
    let lines = variables.iter().fold(String::new(), |mut lines, (name, value)| {
        let _ = writeln!(lines, "Environment={name}={value}");
        lines
    });
    marked("#", &format!("[Service]\n{lines}"))
}

/// A root for which systemd-tmpfiles has rules.
#[derive(Debug)]
pub(super) struct Ruled<'a> {
    pub(super) root: &'a PlainPath,
    pub(super) owner: String,
    pub(super) group: String,
    pub(super) mode: u16,
    /// Whether its users could not make it themselves, on a disk that begins empty.
    pub(super) is_made: bool,
    pub(super) cleaned: Cleaned,
}

/// The rules; `None` where there need to be none.
pub(super) fn tmpfiles(roots: &[Ruled<'_>]) -> Option<String> {
    let mut rules = String::new();
    for Ruled { root, owner, group, mode, is_made, cleaned } in roots {
        if *is_made {
            let _ = writeln!(rules, "d {root} {mode:04o} {owner} {group} -");
        }
        if cleaned.aged.is_some() {
            let _ = writeln!(rules, "x {root}");
        }
    }
    let about = "# d: the cache's directory on a disk that begins empty. x: entries leave it by their own rules, not by age.\n";
    (!rules.is_empty()).then(|| marked("#", &format!("{about}{rules}")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn gc<'a>(user: &'a str, root: &'a PlainPath, access: Access, is_in_policy: bool) -> Gc<'a> {
        Gc { user, number: 1000, root, access, program: root, is_in_policy }
    }

    #[test]
    fn a_service_has_its_root_and_nothing_else() {
        let root = PlainPath::new("", Path::new("/mnt/data/rc")).unwrap();
        let service = gc("ci", &root, Access::Private, true).service();
        for line in [
            "User=ci\n",
            "ReadWritePaths=/mnt/data/rc\n",
            "ExecStart=/mnt/data/rc gc\n",
            "PrivateTmp=yes\n",
            "RestrictSUIDSGID=yes\n",
        ] {
            assert!(service.contains(line), "{line}: {service}");
        }
        let of_domain = gc("domain user", &root, Access::Private, true);
        assert!(of_domain.service().contains("\nUser=1000\n"), "systemd takes no name with a blank");
        let shared = gc("a@b", &root, Access::Group, false);
        assert_eq!(shared.name(), "runner-cache-gc-a\\x40b");
        assert!(shared.service().contains("gc --cache-root /mnt/data/rc\n"));
        assert!(!shared.service().contains("RestrictSUIDSGID"), "shared directories have that bit");
        let root = PlainPath::new("", Path::new("/tmp/rc")).unwrap();
        assert!(
            !gc("ci", &root, Access::Private, true).service().contains("PrivateTmp"),
            "the root is there"
        );
    }

    #[test]
    fn rules_are_only_where_they_are_needed() {
        let root = PlainPath::new("", Path::new("/var/tmp/rc")).unwrap();
        let aged = Cleaned { aged: Some(("30d".into(), "/var/tmp".into())), emptied: None };
        let rules = |is_made, cleaned| {
            tmpfiles(&[Ruled {
                root: &root,
                owner: "ci".into(),
                group: "7".into(),
                mode: 0o700,
                is_made,
                cleaned,
            }])
        };
        assert_eq!(rules(false, Cleaned::default()), None);
        assert!(rules(false, aged.clone()).unwrap().ends_with("age.\nx /var/tmp/rc\n"));
        assert!(rules(true, aged).unwrap().ends_with("\nd /var/tmp/rc 0700 ci 7 -\nx /var/tmp/rc\n"));
    }
}
