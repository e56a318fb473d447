//! The rights that `rollout run` needs, and no more.

use serde_json::{Value, json};

use crate::{api::keys, traffic::script, workload::kind::KRUISE};

/// Name of the ServiceAccount, the role and its binding.
pub const NAME: &str = "rollouts-engine";

/// Namespace of the engine when it serves the whole cluster.
pub const NAMESPACE: &str = "rollouts-engine";

/// What the engine may do: group, resources, verbs.
const RULES: [(&str, &[&str], &[&str]); 24] = [
    (keys::GROUP, &["rollouts"], &["get", "list", "watch", "patch"]),
    (keys::GROUP, &["rollouts/status"], &["patch"]),
    // Owner references that block deletion need it where the server enforces them (OpenShift does).
    (keys::GROUP, &["rollouts/finalizers"], &["update"]),
    // Splits of traffic that several Rollouts share.
    (
        keys::GROUP,
        &["trafficroutings"],
        &["get", "list", "watch", "patch"],
    ),
    (keys::GROUP, &["trafficroutings/status"], &["patch"]),
    (keys::GROUP, &["trafficroutings/finalizers"], &["update"]),
    // Metric gates.
    (keys::GROUP, &["analysistemplates"], &["list", "watch"]),
    // Another engine in charge is recognised by the BatchRelease it owns.
    (keys::GROUP, &["batchreleases"], &["get", "list"]),
    (
        "apps",
        &["deployments"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    (
        "apps",
        &["statefulsets", "daemonsets"],
        &["get", "list", "watch", "patch"],
    ),
    (
        KRUISE,
        &["clonesets", "statefulsets", "daemonsets"],
        &["get", "list", "watch", "patch"],
    ),
    // The new version's is made by the engine where a Deployment is released in batches; its owner reference blocks deletion.
    (
        "apps",
        &["replicasets"],
        &["get", "list", "watch", "create", "patch"],
    ),
    ("apps", &["deployments/finalizers"], &["update"]),
    ("apps", &["controllerrevisions"], &["list", "watch"]),
    // Deleted where the workload's own controller would not: DaemonSets held by OnDelete, pods that keep a StatefulSet stuck.
    ("", &["pods"], &["get", "list", "watch", "patch", "delete"]),
    (
        "autoscaling",
        &["horizontalpodautoscalers"],
        &["get", "list", "watch", "patch"],
    ),
    (
        "",
        &["services"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    (
        "networking.k8s.io",
        &["ingresses"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    (
        "gateway.networking.k8s.io",
        &["httproutes", "grpcroutes", "tcproutes", "tlsroutes"],
        &["get", "list", "watch", "patch"],
    ),
    (
        "networking.istio.io",
        &["virtualservices", "destinationrules"],
        &["get", "list", "watch", "patch"],
    ),
    (
        "traefik.io",
        &["traefikservices", "ingressroutes", "ingressroutetcps"],
        &["get", "list", "watch", "patch"],
    ),
    (
        "traefik.containo.us",
        &["traefikservices", "ingressroutes", "ingressroutetcps"],
        &["get", "list", "watch", "patch"],
    ),
    // Deleted at rest: without that the next engine would wait until the Lease ends.
    (
        "coordination.k8s.io",
        &["leases"],
        &["get", "create", "patch", "delete"],
    ),
    ("", &["events"], &["create"]),
];

/// A ServiceAccount with its role and binding: for one namespace, or for the whole cluster (then with the Namespace
/// [`NAMESPACE`] that the account lives in).
#[must_use]
pub fn rbac(namespace: Option<&str>) -> Vec<Value> {
    let home = namespace.unwrap_or(NAMESPACE);
    let (role, binding) = match namespace {
        Some(_) => ("Role", "RoleBinding"),
        None => ("ClusterRole", "ClusterRoleBinding"),
    };
    let metadata = |namespace: Option<&str>| {
        let mut metadata = json!({ "name": NAME, "labels": labels() });
        if let Some(namespace) = namespace {
            metadata["namespace"] = namespace.into();
        }
        metadata
    };
    let mut rules: Vec<Value> = RULES
        .iter()
        .map(|(group, resources, verbs)| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs }))
        .collect();
    if namespace.is_none() {
        // The scripts of the cluster; a role of another namespace cannot give the right, and the engine does without.
        rules.push(
            json!({ "apiGroups": [""], "resources": ["configmaps"], "resourceNames": [script::CONFIGURATION],
            "verbs": ["list", "watch"] }),
        );
    }
    let mut objects = Vec::new();
    if namespace.is_none() {
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": NAMESPACE, "labels": labels() },
        }));
    }
    objects.extend([
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(Some(home)) }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": role,
            "metadata": metadata(namespace),
            "rules": rules,
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": binding,
            "metadata": metadata(namespace),
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": NAME },
            "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": home }],
        }),
    ]);
    objects
}

/// Labels of everything that belongs to the engine.
pub(super) fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "kubectl-kruise" })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::rbac;

    fn outline(objects: &[Value]) -> Vec<Value> {
        objects
            .iter()
            .map(|object| {
                json!([
                    object["kind"],
                    object["metadata"]["namespace"],
                    object["roleRef"]["kind"],
                    object["subjects"]
                ])
            })
            .collect()
    }

    #[test]
    fn stays_inside_its_namespace_or_takes_the_cluster() {
        let subject = |namespace: &str| json!([{"kind": "ServiceAccount", "name": "rollouts-engine", "namespace": namespace}]);
        assert_eq!(
            outline(&rbac(Some("shop"))),
            [
                json!(["ServiceAccount", "shop", null, null]),
                json!(["Role", "shop", null, null]),
                json!(["RoleBinding", "shop", "Role", subject("shop")]),
            ]
        );
        assert_eq!(
            outline(&rbac(None)),
            [
                json!(["Namespace", null, null, null]),
                json!(["ServiceAccount", "rollouts-engine", null, null]),
                json!(["ClusterRole", null, null, null]),
                json!([
                    "ClusterRoleBinding",
                    null,
                    "ClusterRole",
                    subject("rollouts-engine")
                ]),
            ]
        );
    }

    #[test]
    fn gives_no_more_than_the_engine_uses() {
        let objects = rbac(Some("shop"));
        let rights: Vec<String> = objects[1]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| {
                let words = |key: &str| {
                    let words: Vec<&str> = rule[key]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|word| word.as_str().unwrap())
                        .collect();
                    words.join(",")
                };
                format!(
                    "{} {}: {}",
                    words("apiGroups"),
                    words("resources"),
                    words("verbs")
                )
            })
            .collect();
        insta::assert_snapshot!(rights.join("\n"), @r#"
        rollouts.kruise.io rollouts: get,list,watch,patch
        rollouts.kruise.io rollouts/status: patch
        rollouts.kruise.io rollouts/finalizers: update
        rollouts.kruise.io trafficroutings: get,list,watch,patch
        rollouts.kruise.io trafficroutings/status: patch
        rollouts.kruise.io trafficroutings/finalizers: update
        rollouts.kruise.io analysistemplates: list,watch
        rollouts.kruise.io batchreleases: get,list
        apps deployments: get,list,watch,create,patch,delete
        apps statefulsets,daemonsets: get,list,watch,patch
        apps.kruise.io clonesets,statefulsets,daemonsets: get,list,watch,patch
        apps replicasets: get,list,watch,create,patch
        apps deployments/finalizers: update
        apps controllerrevisions: list,watch
         pods: get,list,watch,patch,delete
        autoscaling horizontalpodautoscalers: get,list,watch,patch
         services: get,list,watch,create,patch,delete
        networking.k8s.io ingresses: get,list,watch,create,patch,delete
        gateway.networking.k8s.io httproutes,grpcroutes,tcproutes,tlsroutes: get,list,watch,patch
        networking.istio.io virtualservices,destinationrules: get,list,watch,patch
        traefik.io traefikservices,ingressroutes,ingressroutetcps: get,list,watch,patch
        traefik.containo.us traefikservices,ingressroutes,ingressroutetcps: get,list,watch,patch
        coordination.k8s.io leases: get,create,patch,delete
         events: create
        "#);
    }
}
