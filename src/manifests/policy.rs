//! The hold policy: the API server itself holds a new version back, in the request that brings it.
//!
//! A MutatingAdmissionPolicy (v1, on by default since Kubernetes 1.36) pauses a managed Deployment in the admission
//! that changes its template, and writes the mark of [`crate::workload::mark`]. The Rollout is the policy's parameter:
//! no Rollout, a disabled one or one being deleted hold nothing. Scaling goes by another subresource and is not seen.
//!
//! Once a workload is marked, the policy also guards the mark and the hold. It must: the first
//! `kubectl apply --server-side` on an object made by client-side apply sends a request that drops every field the
//! older manager owned, hold and mark among them, without changing the template.

use serde_json::{Value, json};

use crate::api::keys;
use crate::workload::Mark;

/// Name of the policy and of its binding.
pub const NAME: &str = "rollouts-hold-deployment";

/// The policy for Deployments and its binding.
#[must_use]
pub fn policy() -> Vec<Value> {
    let named = |name: &str, expression: String| json!({ "name": name, "expression": expression });
    let mark = keys::IN_PROGRESSING;
    let new_mark = format!(r#"object.metadata.?annotations[?"{mark}"].orValue("")"#);
    let old_mark = format!(r#"oldObject.metadata.?annotations[?"{mark}"].orValue("")"#);
    let new_paused = "object.spec.?paused.orValue(false)";
    let old_paused = "oldObject.spec.?paused.orValue(false)";

    let conditions = json!([
        named(
            "changed",
            format!(
                "object.spec.template != oldObject.spec.template ||\n\
                 ({old_mark} != \"\" &&\n  \
                 ({new_mark} != {old_mark} ||\n   {new_paused} != {old_paused}))"
            ),
        ),
        named(
            "not-engine",
            format!(
                r#"request.?options.?fieldManager.orValue("") != "{}""#,
                keys::FIELD_MANAGER
            ),
        ),
        named(
            "not-held",
            format!(
                "!({new_paused} && {new_mark} != \"\" &&\n  \
                 ({old_mark} == \"\" ||\n   {new_mark} == {old_mark}))"
            ),
        ),
        named(
            "rollout",
            "has(params.spec) &&\n\
             !params.spec.?disabled.orValue(false) &&\n\
             !has(params.metadata.deletionTimestamp) &&\n\
             params.spec.workloadRef.kind == \"Deployment\" &&\n\
             params.spec.workloadRef.apiVersion.startsWith(\"apps/\") &&\n\
             params.spec.workloadRef.name == object.metadata.name"
                .to_owned(),
        ),
    ]);
    let variables = json!([
        named("oldMark", old_mark),
        named("newMark", new_mark),
        // The same template on a marked workload: no new version but a blow to the hold; the old values return.
        named(
            "keep",
            "variables.oldMark != \"\" &&\nobject.spec.template == oldObject.spec.template".to_owned(),
        ),
        // The first mark of a release stays: it alone knows the user's originals.
        named(
            "mark",
            format!(
                "variables.oldMark != \"\" ? variables.oldMark :\n\
                 variables.newMark != \"\" ? variables.newMark :\n\
                 {}",
                mark_expression(new_paused)
            ),
        ),
    ]);
    let patch = format!(
        "[JSONPatch{{op: \"add\", path: \"/spec/paused\",\n  \
         value: variables.keep ? {old_paused} : true}}] +\n\
         (has(object.metadata.annotations) ? [] :\n  \
         [JSONPatch{{op: \"add\", path: \"/metadata/annotations\", value: {{}}}}]) +\n\
         [JSONPatch{{op: \"add\",\n  \
         path: \"/metadata/annotations/\" + jsonpatch.escapeKey(\"{mark}\"),\n  \
         value: variables.mark}}]"
    );
    vec![
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": metadata(),
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "IfNeeded",
                "paramKind": { "apiVersion": format!("{}/v1beta1", keys::GROUP), "kind": "Rollout" },
                "matchConstraints": {
                    "objectSelector": { "matchExpressions": [{ "key": keys::WORKLOAD_TYPE, "operator": "Exists" }] },
                    "resourceRules": [{
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": ["UPDATE"],
                        "resources": ["deployments"],
                    }],
                },
                "matchConditions": conditions,
                "variables": variables,
                "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression": patch } }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": metadata(),
            "spec": {
                "policyName": NAME,
                "paramRef": { "selector": {}, "parameterNotFoundAction": "Allow" },
            },
        }),
    ]
}

/// CEL for the mark's text, made from the mark that the engine writes, so that the two cannot drift apart.
fn mark_expression(paused: &str) -> String {
    let text = Mark::of_deployment("NAME").text();
    let text = text.replacen("NAME", "' + params.metadata.name + '", 1);
    format!(
        "'{}'",
        text.replacen("false", &format!("' + string({paused}) + '"), 1)
    )
}

fn metadata() -> Value {
    json!({ "name": NAME, "labels": { "app.kubernetes.io/part-of": "kubectl-kruise" } })
}

#[cfg(test)]
mod tests {
    use super::policy;
    use crate::manifests::to_yaml;

    #[test]
    fn reads_as_one_writes_it_by_hand() {
        insta::assert_snapshot!(to_yaml(&policy()), @r#"
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicy
        metadata:
          name: rollouts-hold-deployment
          labels:
            app.kubernetes.io/part-of: kubectl-kruise
        spec:
          failurePolicy: Fail
          matchConditions:
          - name: changed
            expression: |-
              object.spec.template != oldObject.spec.template ||
              (oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") != "" &&
                (object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") != oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") ||
                 object.spec.?paused.orValue(false) != oldObject.spec.?paused.orValue(false)))
          - name: not-engine
            expression: request.?options.?fieldManager.orValue("") != "rollouts-engine"
          - name: not-held
            expression: |-
              !(object.spec.?paused.orValue(false) && object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") != "" &&
                (oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") == "" ||
                 object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("") == oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("")))
          - name: rollout
            expression: |-
              has(params.spec) &&
              !params.spec.?disabled.orValue(false) &&
              !has(params.metadata.deletionTimestamp) &&
              params.spec.workloadRef.kind == "Deployment" &&
              params.spec.workloadRef.apiVersion.startsWith("apps/") &&
              params.spec.workloadRef.name == object.metadata.name
          matchConstraints:
            objectSelector:
              matchExpressions:
              - key: rollouts.kruise.io/workload-type
                operator: Exists
            resourceRules:
            - apiGroups:
              - apps
              apiVersions:
              - v1
              operations:
              - UPDATE
              resources:
              - deployments
          mutations:
          - jsonPatch:
              expression: |-
                [JSONPatch{op: "add", path: "/spec/paused",
                  value: variables.keep ? oldObject.spec.?paused.orValue(false) : true}] +
                (has(object.metadata.annotations) ? [] :
                  [JSONPatch{op: "add", path: "/metadata/annotations", value: {}}]) +
                [JSONPatch{op: "add",
                  path: "/metadata/annotations/" + jsonpatch.escapeKey("rollouts.kruise.io/in-progressing"),
                  value: variables.mark}]
            patchType: JSONPatch
          paramKind:
            apiVersion: rollouts.kruise.io/v1beta1
            kind: Rollout
          reinvocationPolicy: IfNeeded
          variables:
          - name: oldMark
            expression: >-
              oldObject.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("")
          - name: newMark
            expression: object.metadata.?annotations[?"rollouts.kruise.io/in-progressing"].orValue("")
          - name: keep
            expression: |-
              variables.oldMark != "" &&
              object.spec.template == oldObject.spec.template
          - name: mark
            expression: |-
              variables.oldMark != "" ? variables.oldMark :
              variables.newMark != "" ? variables.newMark :
              '{"rolloutName":"' + params.metadata.name + '","original":{"paused":' + string(object.spec.?paused.orValue(false)) + '}}'
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicyBinding
        metadata:
          name: rollouts-hold-deployment
          labels:
            app.kubernetes.io/part-of: kubectl-kruise
        spec:
          paramRef:
            parameterNotFoundAction: Allow
            selector: {}
          policyName: rollouts-hold-deployment
        "#);
    }
}
