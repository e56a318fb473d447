//! A cluster seen through plain JSON requests, so that the same test runs on sim and on a real API server.

use http::{Method, Request};
use kube::Client;
use serde_json::Value;

/// One namespace of a cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

/// Where a kind is served: its API version and its plural.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
}

/// The kinds that the recorded releases use; the first of a name wins when a script gives no group.
const PLACES: &[Place] = &[
    place("v1", "Service", "services"),
    place("v1", "Pod", "pods"),
    place("v1", "Endpoints", "endpoints"),
    place("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    place("networking.k8s.io/v1", "Ingress", "ingresses"),
    place("apps/v1", "Deployment", "deployments"),
    place("apps/v1", "StatefulSet", "statefulsets"),
    place("apps/v1", "DaemonSet", "daemonsets"),
    place("apps/v1", "ReplicaSet", "replicasets"),
    place("apps/v1", "ControllerRevision", "controllerrevisions"),
    place(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    ),
    place("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
    place("gateway.networking.k8s.io/v1alpha2", "TCPRoute", "tcproutes"),
    place("gateway.networking.k8s.io/v1alpha3", "TLSRoute", "tlsroutes"),
    place("networking.istio.io/v1beta1", "VirtualService", "virtualservices"),
    place(
        "networking.istio.io/v1beta1",
        "DestinationRule",
        "destinationrules",
    ),
    place("coordination.k8s.io/v1", "Lease", "leases"),
    place("traefik.io/v1alpha1", "TraefikService", "traefikservices"),
    place("traefik.io/v1alpha1", "IngressRoute", "ingressroutes"),
    place("apps.kruise.io/v1alpha1", "CloneSet", "clonesets"),
    place("apps.kruise.io/v1beta1", "StatefulSet", "statefulsets"),
    place("apps.kruise.io/v1alpha1", "DaemonSet", "daemonsets"),
    place(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    ),
    place("rollouts.kruise.io/v1beta1", "Rollout", "rollouts"),
    place("rollouts.kruise.io/v1alpha1", "TrafficRouting", "trafficroutings"),
    place(
        "rollouts.kruise.io/v1alpha1",
        "AnalysisTemplate",
        "analysistemplates",
    ),
];

const fn place(api_version: &'static str, kind: &'static str, plural: &'static str) -> Place {
    Place {
        api_version,
        kind,
        plural,
    }
}

impl Place {
    /// The place of a kind as manifests name it.
    pub(crate) fn of(api_version: &str, kind: &str) -> Self {
        Self::find(api_version, kind).unwrap_or_else(|| panic!("no place known for {kind} of {api_version}"))
    }

    /// The same; nothing for a kind of somebody's own.
    pub(crate) fn find(api_version: &str, kind: &str) -> Option<Self> {
        let is_it = |place: &&Self| place.api_version == api_version && place.kind == kind;
        PLACES.iter().find(is_it).copied()
    }

    /// The place of a kind as scripts name it: `deployment`, `clonesets.apps.kruise.io`,
    /// `rollouts.v1beta1.rollouts.kruise.io`.
    pub(crate) fn named(name: &str) -> Self {
        let (word, group) = name.split_once('.').unwrap_or((name, ""));
        let found = PLACES.iter().find(|place| {
            let named = place.plural == word || place.kind.to_lowercase() == word;
            let of_group = place.api_version.rsplit_once('/').map_or("", |(group, _)| group);
            named && (group.is_empty() || group.ends_with(of_group) && !of_group.is_empty())
        });
        *found.unwrap_or_else(|| panic!("no place known for {name}"))
    }

    fn root(self) -> &'static str {
        if self.api_version.contains('/') {
            "/apis"
        } else {
            "/api"
        }
    }
}

impl Cluster {
    fn path(&self, place: Place, rest: &str) -> String {
        let Place {
            api_version, plural, ..
        } = place;
        format!(
            "{}/{api_version}/namespaces/{}/{plural}{rest}",
            place.root(),
            self.namespace
        )
    }

    /// Sends one request with a JSON body and returns the answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content: &str,
        body: &Value,
    ) -> kube::Result<Value> {
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(body).unwrap()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content)
            .body(bytes);
        self.client.request(request.unwrap()).await
    }

    /// Makes the namespace, with labels.
    pub(crate) async fn create_namespace(&self, labels: &Value) {
        let body = serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": self.namespace, "labels": labels },
        });
        self.send(Method::POST, "/api/v1/namespaces", "application/json", &body)
            .await
            .unwrap();
    }

    /// Starts the removal of the namespace with all that is in it.
    pub(crate) async fn delete_namespace(&self) {
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        self.send(Method::DELETE, &path, "application/json", &Value::Null)
            .await
            .unwrap();
    }

    /// Creates an object of the namespace.
    pub(crate) async fn create(&self, object: &Value) -> kube::Result<Value> {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        let place = Place::of(text("apiVersion"), text("kind"));
        self.send(Method::POST, &self.path(place, ""), "application/json", object)
            .await
    }

    /// Reads an object; nothing when it is not there.
    pub(crate) async fn get(&self, place: Place, name: &str) -> kube::Result<Option<Value>> {
        let path = self.path(place, &format!("/{name}"));
        missing(
            self.send(Method::GET, &path, "application/json", &Value::Null)
                .await,
        )
    }

    /// All objects of a kind, by name; none when the kind is not served. Each carries its kind, as `get` would show it.
    pub(crate) async fn list(&self, place: Place) -> kube::Result<Vec<Value>> {
        let answer = self
            .send(
                Method::GET,
                &self.path(place, ""),
                "application/json",
                &Value::Null,
            )
            .await;
        let Some(mut list) = missing(answer)? else {
            return Ok(Vec::new());
        };
        let mut items = list["items"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        for item in &mut items {
            item["apiVersion"] = place.api_version.into();
            item["kind"] = place.kind.into();
        }
        Ok(items)
    }

    /// Patches an object, or one of its subresources (`/status`, `/scale`).
    pub(crate) async fn patch(
        &self,
        place: Place,
        name: &str,
        subresource: &str,
        content: &str,
        body: &Value,
    ) -> kube::Result<Value> {
        let path = self.path(place, &format!("/{name}{subresource}"));
        self.send(Method::PATCH, &path, content, body).await
    }

    /// Deletes an object; its dependents follow in the background, as with kubectl.
    pub(crate) async fn delete(&self, place: Place, name: &str) -> kube::Result<Value> {
        let path = self.path(place, &format!("/{name}?propagationPolicy=Background"));
        self.send(Method::DELETE, &path, "application/json", &Value::Null)
            .await
    }
}

fn missing(answer: kube::Result<Value>) -> kube::Result<Option<Value>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
