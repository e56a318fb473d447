//! From names on the command line to Rollouts.

use serde_json::Value;

use super::{Cluster, Resource, RolloutVersion, Served};
use crate::{
    api::{rollout::convert, v1beta1::Rollout},
    error::{Error, Kind, Result},
    workload,
};

/// A Rollout as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The version it was read in; patches go the same way.
    pub version: RolloutVersion,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The whole object.
    pub object: Value,
}

impl Found {
    /// Takes an object of a list or a get.
    #[must_use]
    pub fn new(version: RolloutVersion, object: Value) -> Self {
        let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
        Self {
            version,
            namespace: text("namespace"),
            name: text("name"),
            object,
        }
    }

    /// The resource it belongs to.
    #[must_use]
    pub fn resource(&self) -> Resource {
        Resource::Rollouts(self.version)
    }

    /// `rollout.rollouts.kruise.io/NAME`.
    #[must_use]
    pub fn title(&self) -> String {
        self.resource().object(&self.name)
    }

    /// The typed form; v1alpha1 is read as what it means in v1beta1.
    ///
    /// # Errors
    /// When a field has a type it must not have.
    pub fn typed(&self) -> Result<Rollout> {
        let object = match self.version {
            RolloutVersion::V1beta1 | RolloutVersion::Newer(_) => self.object.clone(),
            RolloutVersion::V1alpha1 => convert::to_v1beta1(&self.object).object,
        };
        serde_json::from_value(object).map_err(|error| {
            let title = self.title();
            let version = self.resource().version();
            Error::new(
                Kind::General,
                format!("{title} cannot be read as {version}: {error}"),
            )
        })
    }

    /// Whether an engine of ours can carry out its releases, which v1alpha1 has no place to note the state of.
    ///
    /// # Errors
    /// When the cluster serves another version than v1beta1 only.
    pub fn drivable(&self) -> Result<()> {
        if self.version == RolloutVersion::V1beta1 {
            return Ok(());
        }
        let version = self.version.name();
        Err(Error::conflict(format!(
            "{} is served as {version} only: an engine here drives v1beta1; nothing was changed",
            self.title()
        ))
        .hint(
            "a controller of that version can carry it out; OpenKruise Rollouts 0.5 and later serve v1beta1 beside v1alpha1",
        ))
    }

    /// Name of the Deployment it releases.
    #[must_use]
    pub fn deployment(&self) -> Option<&str> {
        let reference = self.reference();
        (reference["kind"] == "Deployment")
            .then(|| reference["name"].as_str())
            .flatten()
    }

    /// Kind and name of the workload it releases; nothing when it is of no kind that can be released.
    #[must_use]
    pub fn workload(&self) -> Option<(workload::Kind, &str)> {
        let reference = self.reference();
        let text = |field: &str| reference[field].as_str();
        let kind = workload::Kind::like(text("apiVersion")?, text("kind")?)?;
        Some((kind, text("name")?))
    }

    /// Kind of the workload it names, as it stands there.
    #[must_use]
    pub fn workload_kind(&self) -> &str {
        self.reference()["kind"].as_str().unwrap_or("no workload")
    }

    fn reference(&self) -> &Value {
        // v1alpha1 keeps the reference one level further down.
        let spec = &self.object["spec"];
        if spec["workloadRef"].is_object() {
            &spec["workloadRef"]
        } else {
            &spec["objectRef"]["workloadRef"]
        }
    }
}

impl Cluster {
    /// Reads one Rollout: one request, a second one where only v1alpha1 is served.
    ///
    /// # Errors
    /// When it does not exist (with names that look alike), or cannot be read.
    pub async fn rollout(&self, namespace: &str, name: &str) -> Result<Found> {
        match self.rollout_if_there(namespace, name).await? {
            Some(found) => Ok(found),
            None => Err(self.no_such_rollout(namespace, name).await),
        }
    }

    /// Reads one Rollout; nothing when it does not exist.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn rollout_if_there(&self, namespace: &str, name: &str) -> Result<Option<Found>> {
        let get = async |version| self.get(Resource::Rollouts(version), namespace, name).await;
        let (version, object) = self.in_rollout_version(get).await.map_err(no_rollouts)?;
        Ok(object.map(|object| Found::new(version, object)))
    }

    /// Lists Rollouts, sorted by namespace and name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn rollouts(&self, namespace: Option<&str>, labels: Option<&str>) -> Result<Vec<Found>> {
        let list = async |version| self.list(Resource::Rollouts(version), namespace, labels).await;
        let (version, objects) = self.in_rollout_version(list).await.map_err(no_rollouts)?;
        let mut found: Vec<Found> = objects
            .into_iter()
            .map(|object| Found::new(version, object))
            .collect();
        found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        Ok(found)
    }

    /// Finds the Rollout that releases a workload.
    ///
    /// # Errors
    /// When there is no such workload or none that refers to it, or several do.
    pub async fn rollout_of(&self, namespace: &str, kind: workload::Kind, name: &str) -> Result<Found> {
        let mut found = self.rollouts_of(namespace, kind, name).await?;
        let served = Served::workload(kind);
        let singular = &served.singular;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (Some(last), _) => {
                let names: Vec<_> = found
                    .iter()
                    .map(|f| f.name.as_str())
                    .chain([last.name.as_str()])
                    .collect();
                Err(Error::conflict(format!(
                    "several Rollouts refer to {singular} {name:?}: {}",
                    names.join(", ")
                ))
                .hint("name the one you mean"))
            }
            (None, _) => {
                let there = self.read(&served, namespace, name).await?.is_some();
                let (what, kind) = if there {
                    let what = format!("no Rollout refers to {singular} {name:?} in namespace {namespace:?}");
                    (what, "rollouts.rollouts.kruise.io".to_owned())
                } else {
                    let what = format!("{} {name:?} not found in namespace {namespace:?}", served.full());
                    (what, served.full())
                };
                Err(Error::new(Kind::NotFound, what)
                    .hint(format!("'kubectl get {kind} -n {namespace}' lists what there is")))
            }
        }
    }

    /// All Rollouts that refer to a workload.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn rollouts_of(&self, namespace: &str, kind: workload::Kind, name: &str) -> Result<Vec<Found>> {
        let all = self.rollouts(Some(namespace), None).await?;
        Ok(all
            .into_iter()
            .filter(|found| found.workload() == Some((kind, name)))
            .collect())
    }

    async fn no_such_rollout(&self, namespace: &str, name: &str) -> Error {
        let message = format!("rollouts.rollouts.kruise.io {name:?} not found in namespace {namespace:?}");
        let error = Error::new(Kind::NotFound, message);
        // Suggestions are a courtesy: that they cannot be had is no second error.
        let Ok(others) = self.rollouts(Some(namespace), None).await else {
            return error;
        };
        let of_that_name = |found: &&Found| found.workload().is_some_and(|(_, of)| of == name);
        if let Some(found) = others.iter().find(of_that_name) {
            let target = match found.workload() {
                Some((workload::Kind::Deployment, _)) | None => format!("deploy/{name}"),
                Some((kind, _)) => Served::workload(kind).object(name),
            };
            return error.hint(format!(
                "it is the name of a {}: use {:?} or {target}",
                found.workload_kind(),
                found.name
            ));
        }
        let names: Vec<&str> = others.iter().map(|found| found.name.as_str()).collect();
        match close_to(name, &names).as_slice() {
            [] if names.is_empty() => error.hint(format!(
                "there are no Rollouts in namespace {namespace:?}; -n names another"
            )),
            [] => error.hint(format!(
                "'kubectl get rollouts.rollouts.kruise.io -n {namespace}' lists what there is"
            )),
            alike => error.hint(format!("did you mean {}?", alike.join(" or "))),
        }
    }
}

/// Names that are much like this one, the most alike first; three at the most.
fn close_to<'a>(name: &str, names: &[&'a str]) -> Vec<&'a str> {
    // The one finds a name that was cut short, the other two letters that changed places in a short one.
    let alike =
        |other: &str| strsim::jaro(name, other).max(strsim::normalized_damerau_levenshtein(name, other));
    let mut close: Vec<(f64, &str)> = names.iter().map(|other| (alike(other), *other)).collect();
    close.retain(|(alike, _)| *alike > 0.65);
    close.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    close.into_iter().take(3).map(|(_, other)| other).collect()
}

fn no_rollouts(error: Error) -> Error {
    if error.kind == Kind::NotFound {
        return error.hint(super::failure::CRDS);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::close_to;

    #[test]
    fn what_was_meant_is_found_among_the_names() {
        let names = ["web", "echoserver", "api", "shop-web", "payments"];
        for (typed, meant) in [
            ("wbe", vec!["web"]),
            ("echo", vec!["echoserver"]),
            ("shopweb", vec!["shop-web"]),
            ("paymnets", vec!["payments"]),
            ("nginx", vec![]),
        ] {
            assert_eq!(close_to(typed, &names), meant, "{typed}");
        }
    }
}
