//! What tells why a release does not go on: Events, logs, and who holds which Lease.

use serde_json::{Value, json};

use super::{Cluster, Failed, PAGE, Resource, Served, charge, failure, form};
use crate::{error::Result, release::cause::Engine};

/// Lines of a log that are worth showing.
const LINES: &str = "5";

impl Cluster {
    /// Reads objects of a kind in a namespace by label and field selector, at most one page of them; nothing where the
    /// server does not have the kind.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn some(
        &self,
        served: &Served,
        namespace: &str,
        labels: &str,
        fields: &str,
    ) -> Result<Vec<Value>> {
        let mut query = form(&[("limit", &PAGE.to_string())]);
        for (key, value) in [("labelSelector", labels), ("fieldSelector", fields)] {
            if !value.is_empty() {
                query = format!("{query}&{}", form(&[(key, value)]));
            }
        }
        let path = format!("{}?{query}", served.path(namespace, None));
        match self.send("GET", &path, None, Vec::new()).await {
            Ok(mut page) => {
                let Value::Array(mut items) = page["items"].take() else {
                    return Ok(Vec::new());
                };
                // The items of a list do not say what they are.
                for item in &mut items {
                    item["kind"] = served.kind.as_str().into();
                }
                Ok(items)
            }
            Err(Failed::Answer(error)) if failure::is_not_found(&error) => Ok(Vec::new()),
            Err(failed) => {
                let request = failure::Request {
                    verb: "list",
                    full: &served.full(),
                    subresource: None,
                    namespace: Some(namespace),
                    name: None,
                    server: &self.server,
                };
                Err(self.why(failed, request))
            }
        }
    }

    /// Reads objects of a kind in all namespaces, page by page, until there are so many.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn up_to(&self, served: &Served, most: usize) -> Result<Vec<Value>> {
        let anywhere = Served {
            namespaced: false,
            ..served.clone()
        };
        let (mut objects, mut token) = (Vec::new(), String::new());
        loop {
            let mut query = form(&[("limit", &PAGE.to_string())]);
            if !token.is_empty() {
                query = format!("{query}&{}", form(&[("continue", &token)]));
            }
            let path = format!("{}?{query}", anywhere.path("", None));
            let request = failure::Request {
                verb: "list",
                full: &served.full(),
                subresource: None,
                namespace: None,
                name: None,
                server: &self.server,
            };
            let page = self.send("GET", &path, None, Vec::new()).await;
            let mut page = page.map_err(|failed| self.why(failed, request))?;
            if let Value::Array(items) = page["items"].take() {
                objects.extend(items);
            }
            match page["metadata"]["continue"].as_str() {
                Some(next) if !next.is_empty() && objects.len() < most => next.clone_into(&mut token),
                _ => return Ok(objects),
            }
        }
    }

    /// Reads the metadata of an object, and nothing else of it; nothing when it does not exist.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn metadata(&self, served: &Served, namespace: &str, name: &str) -> Result<Option<Value>> {
        let request = http::Request::get(served.path(namespace, Some(name)))
            .header(
                http::header::ACCEPT,
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            )
            .body(Vec::new());
        let answer = match request {
            Ok(request) => self.limited(self.client.request::<Value>(request)).await,
            Err(error) => Err(Failed::Answer(kube::Error::HttpError(error))),
        };
        match answer {
            Ok(object) => Ok(Some(json!({ "metadata": object["metadata"] }))),
            Err(Failed::Answer(error)) if failure::is_not_found(&error) => Ok(None),
            Err(failed) => {
                let request = failure::Request {
                    verb: "get",
                    full: &served.full(),
                    subresource: None,
                    namespace: Some(namespace),
                    name: Some(name),
                    server: &self.server,
                };
                Err(self.why(failed, request))
            }
        }
    }

    /// Reads the Events about an object.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn events_about(&self, namespace: &str, uid: &str) -> Result<Vec<Value>> {
        let served = Served::namespaced("v1", "Event", "events");
        self.some(&served, namespace, "", &format!("involvedObject.uid={uid}"))
            .await
    }

    /// The last lines that a container wrote before it ended; none where there is no log to be had.
    pub async fn last_words(&self, namespace: &str, pod: &str, container: &str) -> Vec<String> {
        let query = form(&[
            ("container", container),
            ("previous", "true"),
            ("tailLines", LINES),
        ]);
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?{query}");
        let Ok(request) = http::Request::get(path).body(Vec::new()) else {
            return Vec::new();
        };
        // A log is an addition: whatever keeps it away is no failure.
        match self.limited(self.client.request_text(request)).await {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Finds out which engine goes on after the pause that a Rollout is in. One of ours holds no Lease while it waits for a
    /// human, so that only the controller is looked for: no request where one of ours changed the status within the last minutes,
    /// or where the controller was found not to be installed in them, else at most three.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn engine_behind_a_pause(&self, rollout: &Value) -> Result<Engine> {
        if charge::is_led_by_ours(rollout, self.clock.now()) {
            let seen = "no controller was there when an engine of ours changed its status".to_owned();
            return Ok(Engine::Nobody { seen });
        }
        let kind = Resource::BatchReleases.full();
        if !self.serves_or_did(Resource::BatchReleases).await? {
            let seen = format!("no controller can be there: {kind} is not served");
            return Ok(Engine::Nobody { seen });
        }
        let leases = Served {
            namespaced: false,
            ..Served::namespaced("coordination.k8s.io/v1", "Lease", "leases")
        };
        let name = format!("metadata.name={}", charge::CONTROLLER_LEASE);
        let leases = self.some(&leases, "", "", &name).await?;
        // One whose Lease has run out may be on its way back.
        if let Some(lease) = leases.iter().find(|lease| charge::is_controllers(lease)) {
            let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
            let seen = format!("{holder:?} holds Lease {:?}", charge::CONTROLLER_LEASE);
            return Ok(Engine::Acts {
                seen,
                is_controller: true,
            });
        }
        if let Some(seen) = self.controllers_webhook().await? {
            return Ok(Engine::Acts {
                seen,
                is_controller: true,
            });
        }
        let seen = format!("no Lease {:?} in any namespace", charge::CONTROLLER_LEASE);
        Ok(Engine::Nobody { seen })
    }

    /// Finds out which engine acts on a Rollout: one of ours that holds its Lease, or the controller in the cluster, which
    /// is installed where `batchreleases` is served and leads while it renews its own Lease, or where its webhook is installed
    /// and nobody leads. At most four requests.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn acting_engine(&self, namespace: &str, name: &str) -> Result<Engine> {
        let own = format!("rollout-{name}");
        let (lease, installed) = futures::try_join!(
            self.get(Resource::Leases, namespace, &own),
            self.serves(Resource::BatchReleases),
        )?;
        let judged = |lease: &Value, is_controller: bool| {
            let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
            let title = lease["metadata"]["name"].as_str().unwrap_or_default();
            if holder.is_empty() {
                None
            } else if charge::held(lease, self.clock.now()) {
                let seen = format!("{holder:?} holds Lease {title:?}");
                Some(Engine::Acts { seen, is_controller })
            } else {
                Some(Engine::Expired {
                    holder: holder.to_owned(),
                    seconds: charge::age(lease, self.clock.now()),
                })
            }
        };
        if let Some(engine) = lease.as_ref().and_then(|lease| judged(lease, false)) {
            return Ok(engine);
        }
        let mut seen = format!("no Lease {own:?} in namespace {namespace:?}");
        if !installed {
            return Ok(Engine::Nobody { seen });
        }
        let leases = self.list(Resource::Leases, None, None).await?;
        let controllers = leases.iter().find(|lease| charge::is_controllers(lease));
        if let Some(engine) = controllers.and_then(|lease| judged(lease, true)) {
            return Ok(engine);
        }
        if let Some(seen) = self.controllers_webhook().await? {
            return Ok(Engine::Acts {
                seen,
                is_controller: true,
            });
        }
        seen.push_str(", nor one of the controller in any");
        Ok(Engine::Nobody { seen })
    }

    /// Reads a node; nothing when it is gone.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn node(&self, name: &str) -> Result<Option<Value>> {
        let nodes = Served {
            namespaced: false,
            ..Served::namespaced("v1", "Node", "nodes")
        };
        self.read(&nodes, "", name).await
    }
}
