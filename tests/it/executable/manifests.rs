//! `manifests`: what a cluster may be given.

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::served::{Outcome, program};

#[test]
fn are_documents_of_the_right_kinds() {
    let kinds = |arguments: &[&str]| {
        let outcome = Outcome::of(
            program()
                .args(["rollout", "manifests"])
                .args(arguments)
                .output()
                .unwrap(),
        );
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (Some(0), ""),
            "{outcome}"
        );
        let documents: Vec<Value> = serde_saphyr::from_multiple(&outcome.stdout).unwrap();
        let shown = documents.iter().map(|document| {
            let text = |at: &str| {
                document
                    .pointer(at)
                    .and_then(Value::as_str)
                    .unwrap_or("-")
                    .to_owned()
            };
            [
                text("/apiVersion"),
                text("/kind"),
                text("/metadata/namespace"),
                text("/metadata/name"),
            ]
            .join("  ")
        });
        shown.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(kinds(&["crds"]), @r"
    apiextensions.k8s.io/v1  CustomResourceDefinition  -  rollouts.rollouts.kruise.io
    apiextensions.k8s.io/v1  CustomResourceDefinition  -  trafficroutings.rollouts.kruise.io
    apiextensions.k8s.io/v1  CustomResourceDefinition  -  analysistemplates.rollouts.kruise.io
    ");
    assert_snapshot!(kinds(&["policy"]), @r#"
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicy  -  rollouts-hold-deployment
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicyBinding  -  rollouts-hold-deployment
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicy  -  rollouts-hold-statefulset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicyBinding  -  rollouts-hold-statefulset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicy  -  rollouts-hold-daemonset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicyBinding  -  rollouts-hold-daemonset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicy  -  rollouts-hold-cloneset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicyBinding  -  rollouts-hold-cloneset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicy  -  rollouts-hold-advanced-statefulset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicyBinding  -  rollouts-hold-advanced-statefulset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicy  -  rollouts-hold-advanced-daemonset
    admissionregistration.k8s.io/v1  MutatingAdmissionPolicyBinding  -  rollouts-hold-advanced-daemonset
    "#);
    assert_snapshot!(kinds(&["rbac"]), @r"
    v1  Namespace  -  rollouts-engine
    v1  ServiceAccount  rollouts-engine  rollouts-engine
    rbac.authorization.k8s.io/v1  ClusterRole  -  rollouts-engine
    rbac.authorization.k8s.io/v1  ClusterRoleBinding  -  rollouts-engine
    ");
    assert_snapshot!(kinds(&["rbac", "-n", "shop"]), @r"
    v1  ServiceAccount  shop  rollouts-engine
    rbac.authorization.k8s.io/v1  Role  shop  rollouts-engine
    rbac.authorization.k8s.io/v1  RoleBinding  shop  rollouts-engine
    ");
    assert_snapshot!(kinds(&["engine", "--image", "registry.example.com/kruise:1"]), @"apps/v1  Deployment  rollouts-engine  rollouts-engine");
    assert_eq!(
        kinds(&["crds", "policy"]),
        [kinds(&["crds"]), kinds(&["policy"])].join("\n")
    );
}
