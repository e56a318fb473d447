//! `set image`, `set env`, `set resources`: start a release. Where a Rollout stands behind the workload and no controller
//! holds new versions back, the same request holds it, so that no pod of the new version starts before an engine acts.

use serde_json::Value;

use super::{
    Outcomes, changed, connect, interruption,
    run::{self, Aim},
    subject::{self, Subject},
    targets,
    write::{self, Came},
};
use crate::{
    cli::{
        Global,
        args::{ChangeArgs, SetEnvArgs, SetImageArgs, SetResourcesArgs},
        target::{PickArgs, Targets},
        values::{Amount, ContainerImage},
    },
    cluster::{Cluster, Found, Served},
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    workload::edit::{self, Amounts, EnvChange, EnvValue, NewImage, UnknownContainer},
};

/// What is set.
#[derive(Clone, Debug)]
enum Edit {
    Images(Vec<NewImage>),
    Env {
        changes: Vec<EnvChange>,
        containers: String,
    },
    Resources {
        limits: Amounts,
        requests: Amounts,
        containers: String,
    },
}

impl Edit {
    fn of(&self, workload: &Value) -> std::result::Result<Value, UnknownContainer> {
        match self {
            Self::Images(images) => edit::with_images(workload, images),
            Self::Env { changes, containers } => edit::with_env(workload, changes, containers),
            Self::Resources {
                limits,
                requests,
                containers,
            } => edit::with_resources(workload, limits, requests, containers),
        }
    }

    /// What is set, in the words of kubectl's success lines.
    fn what(&self) -> &'static str {
        match self {
            Self::Images(_) => "image",
            Self::Env { .. } => "env",
            Self::Resources { .. } => "resource requirements",
        }
    }

    fn nothing_to_do(&self) -> &'static str {
        match self {
            Self::Images(_) => "all of these images are set already",
            Self::Env { .. } => "all of these variables are set already",
            Self::Resources { .. } => "all of these limits and requests are set already",
        }
    }
}

/// Runs `set image`.
///
/// # Errors
/// When the command line is wrong or no server can be asked; failures of single objects are shown and decide the exit code.
pub async fn image(ui: &Ui, global: &Global, args: &SetImageArgs) -> Result<u8> {
    interruption::within(args.change.limit.timeout, Box::pin(image_all(ui, global, args))).await
}

async fn image_all(ui: &Ui, global: &Global, args: &SetImageArgs) -> Result<u8> {
    let (words, changes) = split(&args.words, |word| word.contains('='))?;
    let targets = chosen(ui, &args.pick, &words, global)?;
    let images: Vec<NewImage> = changes
        .iter()
        .map(|word| {
            let wanted: ContainerImage = word
                .parse()
                .map_err(|why| Error::usage(format!("invalid value {word:?}: {why}")))?;
            Ok(NewImage {
                container: wanted.container,
                image: wanted.image,
            })
        })
        .collect::<Result<_>>()?;
    if images.is_empty() {
        return Err(
            Error::usage("no image is given").hint("give CONTAINER=IMAGE, or *=IMAGE for all containers")
        );
    }
    let cluster = connect(global).await?;
    each(
        ui,
        global,
        &cluster,
        &targets,
        &Edit::Images(images),
        &args.change,
    )
    .await
}

/// Runs `set env`.
///
/// # Errors
/// As [`image`].
pub async fn env(ui: &Ui, global: &Global, args: &SetEnvArgs) -> Result<u8> {
    interruption::within(args.change.limit.timeout, Box::pin(env_all(ui, global, args))).await
}

async fn env_all(ui: &Ui, global: &Global, args: &SetEnvArgs) -> Result<u8> {
    let (words, settings) = split(&args.words, |word| word.contains('=') || word.ends_with('-'))?;
    let targets = chosen(ui, &args.pick, &words, global)?;
    let mut changes: Vec<EnvChange> = settings
        .iter()
        .map(|word| variable(word))
        .collect::<Result<_>>()?;
    if changes.is_empty() && args.from.is_none() {
        return Err(
            Error::usage("no variable is given").hint("give KEY=VALUE, KEY- to remove one, or --from")
        );
    }
    let cluster = connect(global).await?;
    if let Some(from) = &args.from {
        let mut all = keys_of(&cluster, from, &args.prefix).await?;
        all.append(&mut changes);
        changes = all;
    }
    let containers = args.containers.clone();
    let edit = Edit::Env { changes, containers };
    each(ui, global, &cluster, &targets, &edit, &args.change).await
}

/// Runs `set resources`.
///
/// # Errors
/// As [`image`].
pub async fn resources(ui: &Ui, global: &Global, args: &SetResourcesArgs) -> Result<u8> {
    interruption::within(
        args.change.limit.timeout,
        Box::pin(resources_all(ui, global, args)),
    )
    .await
}

async fn resources_all(ui: &Ui, global: &Global, args: &SetResourcesArgs) -> Result<u8> {
    let targets = chosen(ui, &args.targets.pick, &args.targets.names, global)?;
    let amounts = |all: &[Amount]| -> Amounts {
        all.iter()
            .map(|amount| (amount.resource.clone(), amount.quantity.clone()))
            .collect()
    };
    let edit = Edit::Resources {
        limits: amounts(&args.limits),
        requests: amounts(&args.requests),
        containers: args.containers.clone(),
    };
    let cluster = connect(global).await?;
    each(ui, global, &cluster, &targets, &edit, &args.change).await
}

fn chosen(ui: &Ui, pick: &PickArgs, words: &[String], global: &Global) -> Result<Targets> {
    targets::deliberate(pick)?;
    let selecting = pick.is_from_files() || pick.selector.is_some() || pick.all || pick.all_namespaces;
    if words.is_empty() && !selecting {
        return Err(Error::usage("nothing is named that is to be changed")
            .hint("give NAME or rollout/NAME, or a workload: deploy/NAME, sts/NAME, cloneset/NAME ..."));
    }
    targets::pick(ui, pick, words, global)
}

/// Parts the words: what is changed, then the changes.
fn split(words: &[String], is_change: impl Fn(&str) -> bool) -> Result<(Vec<String>, Vec<String>)> {
    let first = words
        .iter()
        .position(|word| is_change(word))
        .unwrap_or(words.len());
    let (targets, changes) = words.split_at(first);
    if let Some(late) = changes.iter().find(|word| !is_change(word)) {
        return Err(Error::usage(format!(
            "{late:?} stands after the changes: what is to be changed must be named first"
        )));
    }
    Ok((targets.to_vec(), changes.to_vec()))
}

fn variable(word: &str) -> Result<EnvChange> {
    let (name, value) = match word.split_once('=') {
        Some((name, text)) => (name, EnvValue::Text(text.to_owned())),
        None => (word.strip_suffix('-').unwrap_or(word), EnvValue::Removed),
    };
    // What the API server takes for a variable's name: anything printable.
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Error::usage(format!("{word:?} names no variable")).hint("give KEY=VALUE or KEY-"));
    }
    Ok(EnvChange {
        name: name.to_owned(),
        value,
    })
}

/// A variable for every key of a ConfigMap or Secret, named as kubectl names them.
async fn keys_of(cluster: &Cluster, from: &str, prefix: &str) -> Result<Vec<EnvChange>> {
    let wrong = || Error::usage(format!("{from:?} is neither configmap/NAME nor secret/NAME"));
    let (kind, name) = from
        .split_once('/')
        .filter(|(_, name)| !name.is_empty())
        .ok_or_else(wrong)?;
    let (served, secret) = match kind.to_ascii_lowercase().as_str() {
        "configmap" | "configmaps" | "cm" => (Served::namespaced("v1", "ConfigMap", "configmaps"), false),
        "secret" | "secrets" => (Served::namespaced("v1", "Secret", "secrets"), true),
        _ => return Err(wrong()),
    };
    let source = cluster
        .read(&served, &cluster.namespace, name)
        .await?
        .ok_or_else(|| not_found(&served.object(name), &cluster.namespace))?;
    let keys = source["data"]
        .as_object()
        .into_iter()
        .flat_map(|data| data.keys());
    let changes: Vec<EnvChange> = keys
        .map(|key| {
            let (name, key) = (name.to_owned(), key.clone());
            let variable: String = key
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || c == '_' {
                        c.to_ascii_uppercase()
                    } else {
                        '_'
                    }
                })
                .collect();
            EnvChange {
                name: format!("{prefix}{variable}"),
                value: if secret {
                    EnvValue::Secret { name, key }
                } else {
                    EnvValue::ConfigMap { name, key }
                },
            }
        })
        .collect();
    if changes.is_empty() {
        return Err(Error::new(
            Kind::General,
            format!("{} has no keys", served.object(name)),
        ));
    }
    Ok(changes)
}

async fn each(
    ui: &Ui,
    global: &Global,
    cluster: &Cluster,
    targets: &Targets,
    edit: &Edit,
    change: &ChangeArgs,
) -> Result<u8> {
    let found = subject::find_all(cluster, targets).await?;
    let titles: Vec<String> = found.iter().flatten().map(Subject::title).collect();
    targets::confirm(
        ui,
        targets,
        &format!("Set {} of", edit.what()),
        &titles,
        change.write.yes,
    )?;
    let mut outcomes = Outcomes::default();
    let (mut driven, mut all) = (Vec::new(), Vec::new());
    for subject in found {
        let done = match subject {
            Ok(subject) => one(ui, cluster, &subject, edit, change)
                .await
                .map(|came| (subject, came)),
            Err(error) => Err(error),
        };
        match done {
            Ok((subject, came)) => {
                driven.extend(subject.rollout);
                all.extend(came);
            }
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    write::say_next(ui, cluster, &all, change).await;
    if change.standalone && !driven.is_empty() {
        let code = run::standalone(
            ui,
            global,
            cluster,
            &driven,
            change.scripts.as_ref(),
            Aim::Forward,
        )
        .await;
        outcomes.add(ui, code)?;
        return Ok(outcomes.code());
    }
    outcomes.add(ui, Ok(exit_code::DONE))?;
    Ok(outcomes.code())
}

/// Changes one workload.
async fn one(
    ui: &Ui,
    cluster: &Cluster,
    subject: &Subject,
    edit: &Edit,
    change: &ChangeArgs,
) -> Result<Option<Came>> {
    let title = subject.title();
    if change.standalone {
        let found = subject::to_drive(subject)?;
        run::refuse_where_others_act(ui, cluster, Some(&found.namespace), std::slice::from_ref(found))
            .await?;
    }
    let holder = write::holder(ui, cluster, subject.rollout.as_ref(), &subject.live).await?;
    let make = |live: &Value| {
        edit.of(live)
            .map_err(|unknown| no_such_container(&title, &unknown))
    };
    let live = subject.live.clone();
    let written = write::write(ui, cluster, subject.place(), live, make, holder, &change.write).await?;
    let done = if written.changed { "updated" } else { "unchanged" };
    if !written.changed {
        ui.talk(edit.nothing_to_do());
    }
    let words = format!("{} {done}", edit.what());
    changed(ui, &change.write, &title, &words, &written.object)?;
    Ok(Came::of(subject.rollout.as_ref(), &written, false))
}

/// Says that a Rollout names a workload of a kind that cannot be released.
pub(super) fn unknown_workload(found: &Found) -> Error {
    Error::new(
        Kind::General,
        format!("{} releases a {}, a kind that is not known", found.title(), found.workload_kind()),
    )
    .hint("known are Deployment, StatefulSet and DaemonSet of apps/v1, and CloneSet, StatefulSet and DaemonSet of Kruise")
}

pub(super) fn no_such_container(title: &str, unknown: &UnknownContainer) -> Error {
    Error::new(
        Kind::NotFound,
        format!("{title} has no container {:?}", unknown.name),
    )
    .hint(format!("its containers: {}", unknown.known.join(", ")))
}

pub(super) fn not_found(title: &str, namespace: &str) -> Error {
    Error::new(
        Kind::NotFound,
        format!("{title} not found in namespace {namespace:?}"),
    )
}

#[cfg(test)]
mod tests {
    use super::{split, variable};
    use crate::workload::edit::EnvValue;

    #[test]
    fn targets_come_before_changes() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let is_change = |word: &str| word.contains('=') || word.ends_with('-');
        type Parts = Result<(usize, usize), &'static str>;
        let cases: [(&[&str], Parts); 6] = [
            (&["web", "a=b"], Ok((1, 1))),
            (&["sts", "web", "db", "a=b", "c-"], Ok((3, 2))),
            (&["sts/web", "ds/x", "a=b"], Ok((2, 1))),
            (&["web"], Ok((1, 0))),
            (&["a=b"], Ok((0, 1))),
            (
                &["web", "a=b", "db"],
                Err("\"db\" stands after the changes: what is to be changed must be named first"),
            ),
        ];
        for (typed, expected) in cases {
            let seen = split(&words(typed), is_change);
            let seen = seen.map(|(targets, changes)| (targets.len(), changes.len()));
            assert_eq!(
                seen.as_ref().map_err(|error| error.message.as_str()),
                expected.as_ref().map_err(|message| *message),
                "{typed:?}"
            );
        }
    }

    #[test]
    fn variables() {
        let cases = [
            ("A=1", Some(("A", EnvValue::Text("1".into())))),
            ("A=b=c", Some(("A", EnvValue::Text("b=c".into())))),
            ("A=x-", Some(("A", EnvValue::Text("x-".into())))),
            ("A-", Some(("A", EnvValue::Removed))),
            ("=1", None),
            ("-", None),
        ];
        for (word, expected) in cases {
            let seen = variable(word).ok().map(|change| (change.name, change.value));
            assert_eq!(
                seen,
                expected.map(|(name, value)| (name.to_owned(), value)),
                "{word}"
            );
        }
    }
}
