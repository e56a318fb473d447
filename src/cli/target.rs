//! What a command is about: `NAME`, `rollout/NAME`, `deploy/NAME`, `TYPE NAME...`, or a selection.

use clap::Args;

use super::labels::labels;
use crate::{
    error::{Error, Result},
    workload,
};

/// A kind that may be named on the command line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Kind {
    /// A Rollout of `rollouts.kruise.io`.
    Rollout,
    /// A workload, which stands for the Rollout that refers to it.
    Workload(workload::Kind),
}

/// One named object.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Named {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace, where a manifest says it; else the command's own.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Named {
    /// An object of the command's own namespace.
    #[must_use]
    pub fn new(kind: Kind, name: &str) -> Self {
        Self {
            kind,
            namespace: None,
            name: name.to_owned(),
        }
    }
}

/// What a command is about, as read from the command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Targets {
    /// Objects by name, in the order given.
    Names(Vec<Named>),
    /// Every object of some kinds that a label selector selects; all when it is empty.
    Selected {
        /// The kinds; Rollouts unless the command line says otherwise.
        kinds: Vec<Kind>,
        /// In all namespaces, not only the current one.
        all_namespaces: bool,
        /// A label selector.
        labels: Option<String>,
    },
}

impl Targets {
    /// Whether Rollouts are meant, and nothing that stands for them.
    #[must_use]
    pub fn are_rollouts(&self) -> bool {
        match self {
            Self::Names(names) => names.iter().all(|named| named.kind == Kind::Rollout),
            Self::Selected { kinds, .. } => kinds == &[Kind::Rollout],
        }
    }

    /// Whether several objects may be meant, whatever is found.
    #[must_use]
    pub fn may_be_several(&self) -> bool {
        match self {
            Self::Names(names) => names.len() > 1,
            Self::Selected { .. } => true,
        }
    }
}

/// Reads words as kubectl does: `TYPE NAME...`, or any number of `NAME` and `TYPE/NAME`.
///
/// # Errors
/// When a type is unknown or stands alone.
pub fn read(words: &[String]) -> Result<Vec<Named>> {
    names(words)
}

/// Arguments that name Rollouts.
#[derive(Args, Clone, Debug, Default)]
pub struct TargetArgs {
    /// Rollouts: NAME, rollout/NAME, or deploy/NAME, sts/NAME ... for the Rollout of a workload
    #[arg(value_name = "ROLLOUT")]
    pub names: Vec<String>,
}

/// Arguments that name or select Rollouts.
#[derive(Args, Clone, Debug, Default)]
pub struct SelectArgs {
    /// Rollouts: NAME, rollout/NAME, or deploy/NAME, sts/NAME ... for the Rollout of a workload
    #[arg(value_name = "ROLLOUT")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
}

/// Arguments that name or select Rollouts or workloads.
#[derive(Args, Clone, Debug, Default)]
pub struct ObjectArgs {
    /// Rollouts or workloads: TYPE NAME, TYPE/NAME; a bare NAME is a Rollout
    #[arg(value_name = "TARGET")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
}

/// The ways beside names.
#[derive(Args, Clone, Debug, Default)]
pub struct PickArgs {
    /// Those that files or folders of manifests name; - reads stdin
    #[arg(short, long, value_name = "FILE", value_delimiter = ',')]
    pub filename: Vec<String>,
    /// Read folders within folders too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Those of a kustomization
    #[arg(short = 'k', long, value_name = "FOLDER", conflicts_with = "filename")]
    pub kustomize: Option<String>,
    /// Those with these labels, such as app=shop
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = labels)]
    pub selector: Option<String>,
    /// In all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Every one of the namespace
    #[arg(long)]
    pub all: bool,
}

impl Kind {
    /// Reads a type as kubectl users write it: short, plural, or with its version and group.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        use workload::Kind as W;
        let word = word.to_ascii_lowercase();
        let (name, place) = word.split_once('.').unwrap_or((&word, ""));
        // `deployments.v1.apps`: a version may stand before the group.
        let group = match place.split_once('.') {
            Some((version, group)) if is_version(version) => group,
            _ => place,
        };
        let kruise = group == workload::kind::KRUISE;
        let (kind, groups): (Self, &[&str]) = match name {
            "rollout" | "rollouts" | "ro" => (Self::Rollout, &["", crate::api::keys::GROUP]),
            "deploy" | "deployment" | "deployments" => (Self::Workload(W::Deployment), &["", "apps"]),
            "sts" | "statefulset" | "statefulsets" if kruise => {
                (Self::Workload(W::AdvancedStatefulSet), &[workload::kind::KRUISE])
            }
            "asts" => (
                Self::Workload(W::AdvancedStatefulSet),
                &["", workload::kind::KRUISE],
            ),
            "sts" | "statefulset" | "statefulsets" => (Self::Workload(W::StatefulSet), &["", "apps"]),
            "daemonset" | "daemonsets" if kruise => {
                (Self::Workload(W::AdvancedDaemonSet), &[workload::kind::KRUISE])
            }
            "daemon" | "ads" => (
                Self::Workload(W::AdvancedDaemonSet),
                &["", workload::kind::KRUISE],
            ),
            "ds" | "daemonset" | "daemonsets" => (Self::Workload(W::DaemonSet), &["", "apps"]),
            "clone" | "cloneset" | "clonesets" => {
                (Self::Workload(W::CloneSet), &["", workload::kind::KRUISE])
            }
            _ => return None,
        };
        groups.contains(&group).then_some(kind)
    }
}

/// Whether a word is the version of an API: `v1`, `v1beta1`.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl TargetArgs {
    /// Reads the names.
    ///
    /// # Errors
    /// When nothing is named, or a type is unknown or stands alone.
    pub fn read(&self) -> Result<Vec<Named>> {
        match names(&self.names)? {
            names if names.is_empty() => Err(nothing_named()),
            names => Ok(names),
        }
    }
}

impl PickArgs {
    /// Whether files say what is meant.
    #[must_use]
    pub fn is_from_files(&self) -> bool {
        !self.filename.is_empty() || self.kustomize.is_some()
    }

    /// Reads names, or the selection beside them.
    ///
    /// # Errors
    /// When nothing is given, ways are mixed, or a type is unknown.
    pub fn read(&self, words: &[String]) -> Result<Targets> {
        if self.is_from_files() {
            return Err(Error::usage(
                "names, -l, -A and --all cannot be combined with -f or -k",
            ));
        }
        let selecting = self.selector.is_some() || self.all_namespaces || self.all;
        if !selecting {
            return match names(words)? {
                names if names.is_empty() => Err(nothing_named()),
                names => Ok(Targets::Names(names)),
            };
        }
        if self.selector.is_some() && self.all {
            return Err(Error::usage(
                "-l and --all contradict each other: give the labels, or all",
            ));
        }
        Ok(Targets::Selected {
            kinds: kinds(words)
                .ok_or_else(|| Error::usage("names cannot be combined with -l, -A or --all"))?,
            all_namespaces: self.all_namespaces,
            labels: self.selector.clone(),
        })
    }
}

/// The types of words that are nothing else: `deploy`, `deploy,sts`; Rollouts when there are no words.
fn kinds(words: &[String]) -> Option<Vec<Kind>> {
    if words.is_empty() {
        return Some(vec![Kind::Rollout]);
    }
    let types = words.iter().flat_map(|word| word.split(','));
    types.map(Kind::read).collect()
}

fn nothing_named() -> Error {
    Error::usage("no Rollout is named")
        .hint("give NAME, rollout/NAME or deploy/NAME; or several: --all, -l LABELS, -A")
}

fn names(words: &[String]) -> Result<Vec<Named>> {
    if words.iter().any(String::is_empty) {
        // As an unset variable in a script makes it; a path without a name would mean all there is.
        return Err(Error::usage("a name is empty").hint("give NAME, rollout/NAME or deploy/NAME"));
    }
    if let Some((first, rest)) = words.split_first()
        && let Some(kinds) = first.split(',').map(Kind::read).collect::<Option<Vec<_>>>()
        && rest.iter().all(|word| !word.contains('/'))
    {
        if rest.is_empty() {
            return Err(
                Error::usage(format!("{first:?} is a type, and no name follows it")).hint(format!(
                    "name one, such as {first}/NAME; -l, -A or --all select several"
                )),
            );
        }
        // `deploy,sts web` names both.
        let of_kind = |kind: &Kind| {
            rest.iter()
                .map(|name| Named::new(*kind, name))
                .collect::<Vec<_>>()
        };
        return Ok(kinds.iter().flat_map(of_kind).collect());
    }
    if let Some(word) = words
        .iter()
        .find(|word| Kind::read(word).is_some() && words.len() > 1)
    {
        return Err(Error::usage(format!(
            "{word:?} is a type: there is no need for one beside TYPE/NAME"
        ))
        .hint("give either TYPE NAME..., or TYPE/NAME for each"));
    }
    words.iter().map(|word| named(word)).collect()
}

/// Reads one `NAME` or `TYPE/NAME`.
///
/// # Errors
/// When the type is not one a Rollout can be found by.
pub fn named(word: &str) -> Result<Named> {
    let Some((kind, name)) = word.split_once('/') else {
        return Ok(Named::new(Kind::Rollout, word));
    };
    if name.is_empty() || name.contains('/') {
        return Err(Error::usage(format!("{word:?} is not of the form TYPE/NAME")));
    }
    match Kind::read(kind) {
        Some(kind) => Ok(Named::new(kind, name)),
        None => Err(
            Error::usage(format!("{kind:?} in {word:?} is no type this command knows"))
                .hint("use NAME, rollout/NAME, or deploy/NAME, sts/NAME ... for the Rollout of a workload"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Named, PickArgs, TargetArgs, Targets};
    use crate::workload;

    type Seen = Result<Vec<(Kind, String)>, String>;

    fn read(words: &[&str]) -> Seen {
        let names = words.iter().map(ToString::to_string).collect();
        TargetArgs { names }
            .read()
            .map(|named| {
                named
                    .into_iter()
                    .map(|Named { kind, name, .. }| (kind, name))
                    .collect()
            })
            .map_err(|error| error.message)
    }

    #[test]
    fn a_name_that_is_empty_is_none() {
        for words in [&[""][..], &["rollout", ""], &["web", ""]] {
            assert_eq!(read(words), Err("a name is empty".to_owned()), "{words:?}");
        }
    }

    #[test]
    fn reads_the_forms_that_kubectl_users_type() {
        let ok = |pairs: &[(Kind, &str)]| {
            Ok(pairs
                .iter()
                .map(|(kind, name)| (*kind, (*name).to_owned()))
                .collect())
        };
        let cases: Vec<(&[&str], Seen)> = vec![
            (&["demo"], ok(&[(Kind::Rollout, "demo")])),
            (
                &["rollout/demo", "deploy/web"],
                ok(&[
                    (Kind::Rollout, "demo"),
                    (Kind::Workload(workload::Kind::Deployment), "web"),
                ]),
            ),
            (
                &["rollout", "a", "b"],
                ok(&[(Kind::Rollout, "a"), (Kind::Rollout, "b")]),
            ),
            (
                &["deployments.apps", "web"],
                ok(&[(Kind::Workload(workload::Kind::Deployment), "web")]),
            ),
            (
                &["rollouts.rollouts.kruise.io/demo"],
                ok(&[(Kind::Rollout, "demo")]),
            ),
            (&[], Err("no Rollout is named".into())),
            (
                &["rollout"],
                Err("\"rollout\" is a type, and no name follows it".into()),
            ),
            (
                &["pod/x"],
                Err("\"pod\" in \"pod/x\" is no type this command knows".into()),
            ),
            (
                &["rollout/"],
                Err("\"rollout/\" is not of the form TYPE/NAME".into()),
            ),
            (
                &["rollout/a/b"],
                Err("\"rollout/a/b\" is not of the form TYPE/NAME".into()),
            ),
        ];
        for (words, expected) in cases {
            assert_eq!(read(words), expected, "{words:?}");
        }
    }

    #[test]
    fn knows_types_by_all_their_names() {
        use workload::Kind as W;
        let cases = [
            ("Deployment", Some(W::Deployment)),
            ("deployments.v1.apps", Some(W::Deployment)),
            ("sts", Some(W::StatefulSet)),
            ("statefulsets.apps", Some(W::StatefulSet)),
            ("statefulset.apps.kruise.io", Some(W::AdvancedStatefulSet)),
            (
                "statefulsets.v1beta1.apps.kruise.io",
                Some(W::AdvancedStatefulSet),
            ),
            ("asts", Some(W::AdvancedStatefulSet)),
            ("ds", Some(W::DaemonSet)),
            ("daemonsets.apps.kruise.io", Some(W::AdvancedDaemonSet)),
            ("clonesets", Some(W::CloneSet)),
            ("clonesets.apps", None),
            ("deploy.apps.kruise.io", None),
            ("pods", None),
        ];
        for (word, expected) in cases {
            assert_eq!(Kind::read(word), expected.map(Kind::Workload), "{word}");
        }
        assert_eq!(
            Kind::read("rollouts.v1alpha1.rollouts.kruise.io"),
            Some(Kind::Rollout)
        );
    }

    #[test]
    fn a_selection_excludes_names() {
        let all = PickArgs {
            all: true,
            ..PickArgs::default()
        };
        let read = |pick: &PickArgs, words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            pick.read(&words).map_err(|error| error.exit_code())
        };
        let everything = |kinds: &[Kind]| {
            Ok(Targets::Selected {
                kinds: kinds.to_vec(),
                all_namespaces: false,
                labels: None,
            })
        };
        let workload = |kind| Kind::Workload(kind);
        use workload::Kind::{Deployment, StatefulSet};
        assert_eq!(read(&all, &[]), everything(&[Kind::Rollout]));
        assert_eq!(read(&all, &["rollouts"]), everything(&[Kind::Rollout]));
        assert_eq!(
            read(&all, &["deploy,sts"]),
            everything(&[workload(Deployment), workload(StatefulSet)])
        );
        assert_eq!(read(&all, &["demo"]), Err(64));
        assert_eq!(read(&PickArgs::default(), &["rollouts"]), Err(64));
        let both = PickArgs {
            selector: Some("a=b".to_owned()),
            ..all
        };
        assert_eq!(read(&both, &[]), Err(64));
    }
}
