//! What a command is about: `NAME`, `rollout/NAME`, `deploy/NAME`, `TYPE NAME...`, or a selection.

use clap::Args;

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
    /// Its name.
    pub name: String,
}

/// What a command is about, as read from the command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Targets {
    /// Objects by name, in the order given.
    Names(Vec<Named>),
    /// Every Rollout that a label selector selects; all when it is empty.
    Selected {
        /// In all namespaces, not only the current one.
        all_namespaces: bool,
        /// A label selector.
        labels: Option<String>,
    },
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

/// Arguments that select Rollouts.
#[derive(Args, Clone, Debug, Default)]
pub struct SelectArgs {
    /// Rollouts: NAME, rollout/NAME, or deploy/NAME, sts/NAME ... for the Rollout of a workload
    #[arg(value_name = "ROLLOUT")]
    pub names: Vec<String>,
    /// Rollouts with these labels, such as app=shop
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
    /// In all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Every Rollout of the namespace
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

impl SelectArgs {
    /// Reads the names or the selection.
    ///
    /// # Errors
    /// When nothing is given, names and a selection are mixed, or a type is unknown.
    pub fn read(&self) -> Result<Targets> {
        let selecting = self.selector.is_some() || self.all_namespaces || self.all;
        // `status rollouts --all`: a lone type beside a selection says nothing new.
        let lone_type = matches!(self.names.as_slice(), [word] if Kind::read(word) == Some(Kind::Rollout));
        if selecting && (self.names.is_empty() || lone_type) {
            return Ok(Targets::Selected {
                all_namespaces: self.all_namespaces,
                labels: self.selector.clone(),
            });
        }
        if selecting {
            return Err(Error::usage("names cannot be combined with -l, -A or --all"));
        }
        TargetArgs {
            names: self.names.clone(),
        }
        .read()
        .map(Targets::Names)
    }
}

fn nothing_named() -> Error {
    Error::usage("no Rollout is named").hint("give NAME, rollout/NAME or deploy/NAME")
}

fn names(words: &[String]) -> Result<Vec<Named>> {
    if let Some((first, rest)) = words.split_first()
        && let Some(kind) = Kind::read(first)
        && rest.iter().all(|word| !word.contains('/'))
    {
        if rest.is_empty() {
            return Err(
                Error::usage(format!("{first:?} is a type, and no name follows it")).hint(format!(
                    "name one, such as {first}/NAME; -l, -A or --all select several where a command has them"
                )),
            );
        }
        return Ok(rest
            .iter()
            .map(|name| Named {
                kind,
                name: name.clone(),
            })
            .collect());
    }
    words.iter().map(|word| named(word)).collect()
}

/// Reads one `NAME` or `TYPE/NAME`.
///
/// # Errors
/// When the type is not one a Rollout can be found by.
pub fn named(word: &str) -> Result<Named> {
    let Some((kind, name)) = word.split_once('/') else {
        return Ok(Named {
            kind: Kind::Rollout,
            name: word.to_owned(),
        });
    };
    if name.is_empty() || name.contains('/') {
        return Err(Error::usage(format!("{word:?} is not of the form TYPE/NAME")));
    }
    match Kind::read(kind) {
        Some(kind) => Ok(Named {
            kind,
            name: name.to_owned(),
        }),
        None => Err(
            Error::usage(format!("{kind:?} in {word:?} is no type this command knows"))
                .hint("use NAME, rollout/NAME, or deploy/NAME, sts/NAME ... for the Rollout of a workload"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Named, SelectArgs, TargetArgs, Targets};
    use crate::workload;

    type Seen = Result<Vec<(Kind, String)>, String>;

    fn read(words: &[&str]) -> Seen {
        let names = words.iter().map(ToString::to_string).collect();
        TargetArgs { names }
            .read()
            .map(|named| {
                named
                    .into_iter()
                    .map(|Named { kind, name }| (kind, name))
                    .collect()
            })
            .map_err(|error| error.message)
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
        let args = |names: &[&str], all| SelectArgs {
            names: names.iter().map(ToString::to_string).collect(),
            all,
            ..SelectArgs::default()
        };
        let everything = Targets::Selected {
            all_namespaces: false,
            labels: None,
        };
        assert_eq!(args(&[], true).read(), Ok(everything.clone()));
        assert_eq!(args(&["rollouts"], true).read(), Ok(everything));
        assert_eq!(args(&["demo"], true).read().map_err(|e| e.exit_code()), Err(64));
        assert_eq!(
            args(&["rollouts"], false).read().map_err(|e| e.exit_code()),
            Err(64)
        );
    }
}
