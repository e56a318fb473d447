//! Kinds that are known by what the server says of them, not by a table: whatever a manifest may hold.

use serde_json::Value;

use super::{Cluster, Failed, Patch, Resource, RolloutVersion, failure, form};
use crate::{
    error::{Error, Kind, Result},
    workload,
};

/// A kind as a server serves it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Served {
    /// `apps/v1`; `v1` in the core group.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Plural, as in paths.
    pub plural: String,
    /// Singular, in lower case, as in success lines.
    pub singular: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Served {
    /// A kind of workload, as every server serves it that has it.
    #[must_use]
    pub fn workload(kind: workload::Kind) -> Self {
        let version = kind.api_versions().first().copied().unwrap_or("apps/v1");
        Self::namespaced(version, kind.kind(), kind.plural())
    }

    /// A kind whose objects live in namespaces.
    #[must_use]
    pub fn namespaced(api_version: &str, kind: &str, plural: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            namespaced: true,
        }
    }

    /// Rollouts.
    #[must_use]
    pub fn rollouts(version: RolloutVersion) -> Self {
        let resource = Resource::Rollouts(version);
        let api_version = format!("{}/{}", resource.group(), resource.version());
        Self::namespaced(&api_version, "Rollout", resource.plural())
    }

    /// `statefulsets.apps`: as kubectl names a resource in errors.
    #[must_use]
    pub fn full(&self) -> String {
        self.dotted(&self.plural)
    }

    /// `statefulset.apps/web`: as kubectl names an object in success lines.
    #[must_use]
    pub fn object(&self, name: &str) -> String {
        format!("{}/{name}", self.dotted(&self.singular))
    }

    /// The path of the collection, or of one object; a namespace counts only where the kind has any.
    #[must_use]
    pub fn path(&self, namespace: &str, name: Option<&str>) -> String {
        let place = if self.namespaced {
            format!("/namespaces/{namespace}")
        } else {
            String::new()
        };
        let name = name.map(|name| format!("/{name}")).unwrap_or_default();
        format!("{}{place}/{}{name}", root(&self.api_version), self.plural)
    }

    /// The path of the collection in a namespace, or in all.
    #[must_use]
    pub fn collection(&self, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) => self.path(namespace, None),
            None => format!("{}/{}", root(&self.api_version), self.plural),
        }
    }

    /// The path and query of a patch, as `--dry-run=client` shows it.
    #[must_use]
    pub fn patch_path(&self, namespace: &str, name: &str, patch: &Patch) -> String {
        let path = self.path(namespace, Some(name));
        format!("{path}?{}", query(patch.field_manager, patch.dry_run))
    }

    fn dotted(&self, word: &str) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{word}.{group}"),
            None => word.to_owned(),
        }
    }
}

/// The path of a group and version.
fn root(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// The query of a write.
#[must_use]
pub fn query(field_manager: &str, dry_run: bool) -> String {
    let mut query = form(&[("fieldManager", field_manager)]);
    if dry_run {
        query.push_str("&dryRun=All");
    }
    query
}

impl Cluster {
    /// The kinds of a group and version; none when the server does not have it.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn kinds(&self, api_version: &str) -> Result<Vec<Served>> {
        let listed = match self.send("GET", &root(api_version), None, Vec::new()).await {
            Ok(listed) => listed,
            Err(Failed::Answer(error)) if failure::is_not_found(&error) => return Ok(Vec::new()),
            Err(failed) => return Err(self.explained(failed, "get", api_version, None, None)),
        };
        let text = |kind: &Value, field: &str| kind[field].as_str().unwrap_or_default().to_owned();
        let read = |kind: &Value| Served {
            api_version: api_version.to_owned(),
            kind: text(kind, "kind"),
            plural: text(kind, "name"),
            singular: Some(text(kind, "singularName"))
                .filter(|singular| !singular.is_empty())
                .unwrap_or_else(|| text(kind, "kind").to_lowercase()),
            namespaced: kind["namespaced"] == true,
        };
        let kinds = listed["resources"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        // Subresources are listed beside their kinds.
        let own = |kind: &&Value| !kind["name"].as_str().unwrap_or_default().contains('/');
        Ok(kinds.iter().filter(own).map(read).collect())
    }

    /// A kind with its place in the API, which only the server knows of kinds that are none of ours; nothing when it does
    /// not have it.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn placed(&self, served: Served) -> Result<Option<Served>> {
        if !served.plural.is_empty() {
            return Ok(Some(served));
        }
        let all = self.kinds(&served.api_version).await?;
        Ok(all.into_iter().find(|one| one.kind == served.kind))
    }

    /// Reads one object; nothing when it does not exist.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or does not have the kind.
    pub async fn read(&self, served: &Served, namespace: &str, name: &str) -> Result<Option<Value>> {
        let path = served.path(namespace, Some(name));
        match self.send("GET", &path, None, Vec::new()).await {
            Ok(object) => Ok(Some(object)),
            Err(Failed::Answer(error))
                if failure::is_not_found(&error) && !failure::is_unknown_api(&error) =>
            {
                Ok(None)
            }
            Err(failed) => Err(self.explained(
                failed,
                "get",
                &served.full(),
                place(served, namespace),
                Some(name),
            )),
        }
    }

    /// Reads all objects of a kind in a namespace.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or does not have the kind.
    pub async fn read_all(&self, served: &Served, namespace: &str) -> Result<Vec<Value>> {
        self.pages(&served.path(namespace, None), "")
            .await
            .map_err(|failed| self.explained(failed, "list", &served.full(), place(served, namespace), None))
    }

    /// Reads the objects of a kind in a namespace that a label selector selects.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or does not have the kind.
    pub async fn read_labelled(&self, served: &Served, namespace: &str, labels: &str) -> Result<Vec<Value>> {
        self.pages(&served.path(namespace, None), labels)
            .await
            .map_err(|failed| self.explained(failed, "list", &served.full(), place(served, namespace), None))
    }

    /// Reads the objects of a kind that a label selector selects, all when there is none; of all namespaces when none is given.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or does not have the kind.
    pub async fn select(
        &self,
        served: &Served,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<Value>> {
        let collection = served.collection(namespace);
        self.pages(&collection, labels.unwrap_or_default())
            .await
            .map_err(|failed| self.explained(failed, "list", &served.full(), namespace, None))
    }

    /// Makes an object and returns it as the server has it.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or has an object of this name.
    pub async fn create(
        &self,
        served: &Served,
        namespace: &str,
        object: &Value,
        field_manager: &str,
        dry_run: bool,
    ) -> Result<Value> {
        let path = format!(
            "{}?{}",
            served.path(namespace, None),
            query(field_manager, dry_run)
        );
        let body = serde_json::to_vec(object)
            .map_err(|error| Error::new(Kind::General, format!("cannot write the object: {error}")))?;
        let name = object["metadata"]["name"].as_str();
        self.send("POST", &path, Some("application/json"), body)
            .await
            .map_err(|failed| {
                self.explained(failed, "create", &served.full(), place(served, namespace), name)
            })
    }

    /// Sends a patch and returns the object as it is after it.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or the object has changed.
    pub async fn write(&self, served: &Served, namespace: &str, name: &str, patch: &Patch) -> Result<Value> {
        let path = served.patch_path(namespace, name, patch);
        let body = serde_json::to_vec(patch.body.value())
            .map_err(|error| Error::new(Kind::General, format!("cannot write the patch: {error}")))?;
        self.send("PATCH", &path, Some(patch.body.content_type()), body)
            .await
            .map_err(|failed| {
                self.explained(
                    failed,
                    "patch",
                    &served.full(),
                    place(served, namespace),
                    Some(name),
                )
            })
    }

    pub(super) fn explained(
        &self,
        failed: Failed,
        verb: &'static str,
        full: &str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Error {
        let request = failure::Request {
            verb,
            full,
            subresource: None,
            namespace,
            name,
            server: &self.server,
        };
        self.why(failed, request)
    }
}

fn place<'a>(served: &Served, namespace: &'a str) -> Option<&'a str> {
    served.namespaced.then_some(namespace)
}

#[cfg(test)]
mod tests {
    use super::Served;
    use crate::workload::Kind;

    #[test]
    fn names_and_paths() {
        let sets = Served::workload(Kind::AdvancedStatefulSet);
        assert_eq!(sets.full(), "statefulsets.apps.kruise.io");
        assert_eq!(sets.object("web"), "statefulset.apps.kruise.io/web");
        assert_eq!(
            sets.path("a", Some("web")),
            "/apis/apps.kruise.io/v1beta1/namespaces/a/statefulsets/web"
        );
        let mut namespaces = Served::namespaced("v1", "Namespace", "namespaces");
        namespaces.namespaced = false;
        assert_eq!(
            (namespaces.path("a", Some("b")), namespaces.object("b")),
            ("/api/v1/namespaces/b".into(), "namespace/b".into())
        );
    }
}
