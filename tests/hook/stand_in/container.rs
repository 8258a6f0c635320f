//! A job's container, by mounts alone: `root` sees the host's programs, and of its other files what the runner mounts.
//! *Runner.Worker/ContainerOperationProvider.cs, Runner.Worker/Container/ContainerInfo.cs, Handlers/StepHost.cs*.
//!
//! Of a real one it lacks an image and a network. As there, the processes of a step are no
//! children of the worker's that it could see: they have ids of their own.

use std::path::{Path, PathBuf};

use super::context::{Context, path};
use super::invoke::{Invocation, Trouble};
use super::job::Variables;
use super::plan::Planned;
use super::record::Outcome;

/// Makes the mounts in a mount namespace of its own and runs the rest of its arguments in there. The arguments: where the
/// container's root is to be, the pairs of what is mounted where, `--`, the working directory, `env`'s arguments.
const SCRIPT: &str = r#"
root=$1
shift
mkdir -p "$root/tmp" "$root/proc" "$root/dev"
for name in usr bin sbin lib lib64 etc; do
  if [ -L "/$name" ]; then
    [ -L "$root/$name" ] || cp -P "/$name" "$root/$name"
  elif [ -d "/$name" ]; then
    mkdir -p "$root/$name"
    mount --bind "/$name" "$root/$name"
  fi
done
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
  mkdir -p "$1" "$root$2"
  mount --bind "$1" "$root$2"
  shift 2
done
directory=$2
shift 2
exec chroot "$root" /usr/bin/env -i -C "$directory" "$@"
"#;

/// What is mounted where. The tool cache is at `/__t` where it is not in `_work`, as it is by default:
/// *ContainerInfo.cs: `TranslateToContainerPath`* takes the first of `/github/home`, `/github/workflow`, `/__w`, `/__t` and
/// `/__e` that fits. *ContainerOperationProvider.cs: `MountWellKnownDirectories`*.
fn mounts(context: &Context) -> Vec<(PathBuf, String)> {
    let places = &context.world.places;
    let home = places.temp.join("_github_home");
    let workflow = places.temp.join("_github_workflow");
    let own =
        [&places.work, &places.externals, &places.temp, &places.actions, &places.tools, &home, &workflow];
    own.into_iter().map(|place| (place.clone(), translated(context, path(place)))).collect()
}

/// A path of the host as it is in the container. *ContainerInfo.cs: `TranslateToContainerPath`*.
fn translated(context: &Context, text: &str) -> String {
    let places = &context.world.places;
    let mappings = [
        (places.temp.join("_github_workflow"), "/github/workflow"),
        (places.temp.join("_github_home"), "/github/home"),
        (places.work.clone(), "/__w"),
        (places.tools.clone(), "/__t"),
        (places.externals.clone(), "/__e"),
    ];
    for (host, inside) in mappings {
        match Path::new(text).strip_prefix(&host) {
            Ok(rest) if rest.as_os_str().is_empty() => return inside.to_owned(),
            Ok(rest) => return format!("{inside}/{}", rest.display()),
            Err(_) => {}
        }
    }
    text.to_owned()
}

/// Where the container's own files are.
fn root(context: &Context) -> PathBuf {
    context.world.places.root.join("container")
}

/// Begins the container; it ends after what actions do after the job, and before the hook. *`StartContainersAsync`*.
pub(crate) fn start(context: &Context) -> Result<Outcome, Trouble> {
    context.world.state().posts.push(Planned::StopContainer);
    let failed = |error: std::io::Error| Trouble::Failed(Some(error.to_string()));
    for (place, _) in mounts(context) {
        std::fs::create_dir_all(&place).map_err(failed)?;
    }
    std::fs::create_dir_all(root(context)).map_err(failed)?;
    Ok(Outcome::Succeeded)
}

/// Ends the container: what was not mounted is gone. *`StopContainersAsync`*.
pub(crate) fn stop(context: &Context) -> Result<Outcome, Trouble> {
    let removed = std::fs::remove_dir_all(root(context));
    removed.map_err(|error| Trouble::Failed(Some(error.to_string())))?;
    Ok(Outcome::Succeeded)
}

/// An invocation, in the container: with `additions` and what the container has by itself, and with nothing of the
/// worker's environment. *StepHost.cs: `ContainerStepHost.ExecuteAsync`*.
pub(crate) fn enter(context: &Context, invocation: &Invocation, additions: &Variables) -> Invocation {
    let world = &context.world;
    let own_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let prepended = world.prepended();
    let search = if prepended.is_empty() { own_path.to_owned() } else { format!("{prepended}:{own_path}") };
    let mut env: Variables =
        additions.iter().map(|(name, value)| (name.clone(), translated(context, value))).collect();
    env.insert("PATH".to_owned(), search);
    for (name, value) in [("HOME", "/github/home"), ("GITHUB_ACTIONS", "true"), ("CI", "true")] {
        env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    // Who is not root is so in there alone: what is made belongs to that user.
    let user = (!rustix::process::geteuid().is_root()).then_some("--map-root-user");
    let words = ["--mount", "--pid", "--fork", "--kill-child", "--", "sh", "-euc", SCRIPT, "sh"];
    let mut arguments: Vec<String> = user.into_iter().chain(words).map(str::to_owned).collect();
    arguments.push(path(&root(context)).to_owned());
    for (host, inside) in mounts(context) {
        arguments.extend([path(&host).to_owned(), inside]);
    }
    arguments.extend(["--".to_owned(), translated(context, path(&invocation.directory))]);
    arguments.extend(env.iter().map(|(name, value)| format!("{name}={value}")));
    arguments.push(path(&invocation.file).to_owned());
    arguments.extend(invocation.arguments.iter().map(|argument| translated(context, argument)));
    Invocation {
        file: PathBuf::from("unshare"),
        arguments,
        directory: world.places.work.clone(),
        env: world.env.clone(),
    }
}
