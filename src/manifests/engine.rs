//! The engine as a Deployment in the cluster.

use serde_json::{Value, json};

use super::rbac;

/// A Deployment of two replicas that drive every Rollout of the cluster; leases share the Rollouts out among them.
///
/// It runs under the ServiceAccount of [`rbac()`](rbac::rbac) in `namespace`, and `image` must hold `kubectl-kruise`
/// in its path.
#[must_use]
pub fn engine(namespace: &str, image: &str) -> Vec<Value> {
    vec![json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": rbac::NAME, "namespace": namespace, "labels": rbac::labels() },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "app.kubernetes.io/name": rbac::NAME } },
            "template": {
                "metadata": { "labels": rbac::labels() },
                "spec": {
                    "serviceAccountName": rbac::NAME,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "topologySpreadConstraints": [{
                        "maxSkew": 1,
                        "topologyKey": "kubernetes.io/hostname",
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": { "matchLabels": { "app.kubernetes.io/name": rbac::NAME } },
                    }],
                    "containers": [{
                        "name": "engine",
                        "image": image,
                        "command": ["kubectl-kruise"],
                        "args": ["rollout", "run", "--all-namespaces", "--forever"],
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "capabilities": { "drop": ["ALL"] },
                        },
                        "resources": {
                            "requests": { "cpu": "20m", "memory": "32Mi" },
                            "limits": { "memory": "128Mi" },
                        },
                    }],
                },
            },
        },
    })]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::engine;
    use crate::manifests::rbac;

    #[test]
    fn runs_under_the_account_that_rbac_makes() {
        let deployment = &engine(rbac::NAMESPACE, "registry.example/kruise:1")[0];
        let account = &rbac::rbac(None)[1]["metadata"];
        let template = &deployment["spec"]["template"];
        assert_eq!(
            json!([
                template["spec"]["serviceAccountName"],
                deployment["metadata"]["namespace"]
            ]),
            json!([account["name"], account["namespace"]])
        );
        let wanted = deployment["spec"]["selector"]["matchLabels"].as_object().unwrap();
        for (key, value) in wanted {
            assert_eq!(&template["metadata"]["labels"][key], value, "{key}");
        }
        assert_eq!(
            json!([
                deployment["spec"]["replicas"],
                template["spec"]["containers"][0]["image"],
                template["spec"]["containers"][0]["args"]
            ]),
            json!([
                2,
                "registry.example/kruise:1",
                ["rollout", "run", "--all-namespaces", "--forever"]
            ])
        );
    }
}
