//! Whether the writes of a release may be made by whoever asks.

use std::collections::BTreeSet;

use super::{Blocker, Evidence, Ground, Id, Weight, resource_of};
use crate::{engine::driver::lease_name, plan::Plan};

/// A right, and whether it is given.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Access {
    /// `create`, `patch` or `delete`.
    pub verb: &'static str,
    /// API group; empty for the core group.
    pub group: String,
    /// Plural.
    pub resource: String,
    /// Such as `status`; empty without.
    pub subresource: String,
    /// Of which object; empty for any. A right may be bound to names.
    pub name: String,
    /// What the server says; nothing as long as it was not asked.
    pub allowed: Option<bool>,
    /// Why, in the server's words.
    pub reason: String,
}

impl Access {
    /// The rights that the writes of a plan need, each once.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        let mut needed: BTreeSet<Self> = plan
            .writes
            .iter()
            .map(|write| {
                let path = resource_of(&write.path);
                Self {
                    verb: match write.verb {
                        "POST" => "create",
                        "DELETE" => "delete",
                        _ => "patch",
                    },
                    // Those of the pods to come nobody knows.
                    name: match path.plural.as_str() {
                        "pods" | "replicasets" => String::new(),
                        _ => path.name,
                    },
                    group: path.group,
                    resource: path.plural,
                    subresource: path.subresource,
                    allowed: None,
                    reason: String::new(),
                }
            })
            .collect();
        // Who writes holds the Rollout's Lease meanwhile.
        let leased = ["create", "patch"].map(|verb| Self {
            verb,
            group: "coordination.k8s.io".to_owned(),
            resource: "leases".to_owned(),
            subresource: String::new(),
            name: match verb {
                "create" => String::new(),
                _ => lease_name(&plan.rollout),
            },
            allowed: None,
            reason: String::new(),
        });
        if !needed.is_empty() {
            needed.extend(leased);
        }
        needed.into_iter().collect()
    }

    /// `patch deployments.apps web`.
    #[must_use]
    pub fn title(&self) -> String {
        let mut resource = self.resource.clone();
        if !self.group.is_empty() {
            resource += &format!(".{}", self.group);
        }
        if !self.subresource.is_empty() {
            resource += &format!("/{}", self.subresource);
        }
        format!("{} {resource} {}", self.verb, self.name)
            .trim_end()
            .to_owned()
    }
}

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let asked = ground.rights.iter().filter(|access| access.allowed.is_some());
    let denied: Vec<&Access> = asked
        .clone()
        .filter(|access| access.allowed == Some(false))
        .collect();
    if denied.is_empty() {
        return;
    }
    let titles: Vec<String> = denied.iter().map(|access| access.title()).collect();
    // Who may write nothing at all looks on; who may write some is meant to act.
    let is_onlooker = denied.len() == asked.count();
    let (weight, message) = if is_onlooker {
        (
            Weight::Risk,
            "you may make none of these writes: somebody else has to act".to_owned(),
        )
    } else {
        (Weight::Blocks, format!("you may not {}", titles.join(", ")))
    };
    let shown = |access: &&Access| {
        let why = if access.reason.is_empty() {
            "not allowed"
        } else {
            &access.reason
        };
        Evidence::new("selfsubjectaccessreview", access.title(), why)
    };
    // All of an onlooker's would be a page.
    let shown = denied
        .iter()
        .take(if is_onlooker { 3 } else { denied.len() })
        .map(shown);
    let command = format!("kubectl kruise rollout manifests rbac -n {}", ground.namespace());
    found.push(Blocker::new(
        Id::NotAllowed,
        weight,
        message,
        shown.collect(),
        command,
    ));
}
