//! What the namespace allows: LimitRanges for one pod, quotas for all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Blocker, Evidence, Ground, Id, Weight, name_of, text};
use crate::api::quantity::billionths;

/// Amounts by resource, in billionths.
pub(super) type Amounts = BTreeMap<String, i128>;

/// What one pod asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct PodAmounts {
    pub(super) requests: Amounts,
    pub(super) limits: Amounts,
    /// Keys of quotas that some container says nothing of.
    unsaid: BTreeSet<&'static str>,
}

/// What a quota refuses pods for whose containers do not all say how much of it they need; Kubernetes does so for these alone.
const TO_BE_SAID: [&str; 6] = [
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
];

impl PodAmounts {
    fn note_unsaid(&mut self, container: &Self) {
        let says = |key: &str| match key.split_once('.') {
            Some(("limits", resource)) => container.limits.contains_key(resource),
            Some((_, resource)) => container.requests.contains_key(resource),
            None => container.requests.contains_key(key),
        };
        self.unsaid
            .extend(TO_BE_SAID.into_iter().filter(|key| !says(key)));
    }

    /// Reads a pod template or a pod, with a namespace's defaults for its containers.
    pub(super) fn of(pod: &Value, defaults: &Defaults) -> Self {
        let spec = &pod["spec"];
        let mut sum = Self::default();
        for container in list(&spec["containers"]) {
            let one = defaults.fill(container);
            sum.note_unsaid(&one);
            sum.add(&one);
        }
        for container in list(&spec["initContainers"]) {
            let one = defaults.fill(container);
            sum.note_unsaid(&one);
            if container["restartPolicy"] == "Always" {
                sum.add(&one);
            } else {
                // It runs alone, before the others.
                sum.at_least(&one);
            }
        }
        merge(&mut sum.requests, &amounts(&spec["overhead"]), |a, b| a + b);
        sum
    }

    fn add(&mut self, other: &Self) {
        merge(&mut self.requests, &other.requests, |a, b| a + b);
        merge(&mut self.limits, &other.limits, |a, b| a + b);
    }

    fn at_least(&mut self, other: &Self) {
        merge(&mut self.requests, &other.requests, i128::max);
        merge(&mut self.limits, &other.limits, i128::max);
    }
}

fn merge(into: &mut Amounts, from: &Amounts, how: fn(i128, i128) -> i128) {
    for (key, amount) in from {
        let known = into.entry(key.clone()).or_default();
        *known = how(*known, *amount);
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Quantities by name.
pub(super) fn amounts(value: &Value) -> Amounts {
    let fields = value.as_object().into_iter().flatten();
    fields
        .filter_map(|(key, value)| Some((key.clone(), billionths(&text(value))?)))
        .collect()
}

/// What a namespace gives containers that ask for nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    requests: Amounts,
    limits: Amounts,
}

impl Defaults {
    pub(super) fn of(ground: &Ground<'_>) -> Self {
        let mut found = Self::default();
        for rule in ground
            .of_kind("LimitRange")
            .flat_map(|range| list(&range["spec"]["limits"]))
        {
            if rule["type"] == "Container" {
                found.requests.extend(amounts(&rule["defaultRequest"]));
                found.limits.extend(amounts(&rule["default"]));
            }
        }
        found
    }

    /// A container with what it lacks; a request that is not given is the limit.
    fn fill(&self, container: &Value) -> PodAmounts {
        let mut limits = amounts(&container["resources"]["limits"]);
        let mut requests = amounts(&container["resources"]["requests"]);
        for (key, amount) in &limits {
            requests.entry(key.clone()).or_insert(*amount);
        }
        for (key, amount) in &self.limits {
            limits.entry(key.clone()).or_insert(*amount);
        }
        for (key, amount) in self.requests.iter().chain(&self.limits) {
            requests.entry(key.clone()).or_insert(*amount);
        }
        PodAmounts {
            requests,
            limits,
            ..PodAmounts::default()
        }
    }
}

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let Some(template) = ground.template() else { return };
    let defaults = Defaults::of(ground);
    for range in ground.of_kind("LimitRange") {
        for rule in list(&range["spec"]["limits"]) {
            of_rule(ground, template, &defaults, (range, rule), found);
        }
    }
    let pod = PodAmounts::of(template, &defaults);
    let old = ground
        .old_template
        .map(|template| PodAmounts::of(template, &defaults));
    for quota in ground.of_kind("ResourceQuota") {
        of_quota(ground, (&pod, old.as_ref()), quota, found);
    }
}

/// Whether pods of one template ask for more of something than those of another.
#[must_use]
pub fn asks_more(template: &Value, than: &Value) -> bool {
    let [new, old] = [template, than].map(|one| PodAmounts::of(one, &Defaults::default()).requests);
    new.iter()
        .any(|(resource, amount)| *amount > old.get(resource).copied().unwrap_or_default())
}

/// What an amount is called in sentences.
pub(super) fn shown(amount: i128) -> String {
    const MILLI: i128 = 1_000_000;
    const ONE: i128 = 1_000_000_000;
    const MEBI: i128 = ONE << 20;
    if amount >= MEBI && amount % MEBI == 0 {
        format!("{}Mi", amount / MEBI)
    } else if amount % ONE == 0 {
        (amount / ONE).to_string()
    } else {
        format!("{}m", (amount + MILLI - 1) / MILLI)
    }
}

fn of_rule(
    ground: &Ground<'_>,
    template: &Value,
    defaults: &Defaults,
    (range, rule): (&Value, &Value),
    found: &mut Vec<Blocker>,
) {
    let subjects: Vec<(String, PodAmounts)> = match rule["type"].as_str() {
        Some("Container") => ["containers", "initContainers"]
            .into_iter()
            .flat_map(|list_name| list(&template["spec"][list_name]))
            .map(|container| {
                (
                    format!("container {}", text(&container["name"])),
                    defaults.fill(container),
                )
            })
            .collect(),
        Some("Pod") => vec![("a pod".to_owned(), PodAmounts::of(template, defaults))],
        _ => return,
    };
    let name = name_of(range);
    for (subject, asked) in subjects {
        for (bound, given) in [("max", &asked.limits), ("min", &asked.requests)] {
            for (resource, allowed) in amounts(&rule[bound]) {
                let given = given.get(&resource).copied();
                let message = match (bound, given) {
                    ("max", Some(given)) if given > allowed => {
                        format!(
                            "{subject} has a limit of {} {resource}, and limitrange/{name} allows {} at the most",
                            shown(given),
                            shown(allowed)
                        )
                    }
                    ("min", Some(given)) if given < allowed => {
                        format!(
                            "{subject} requests {} {resource}, and limitrange/{name} asks for {} at the least",
                            shown(given),
                            shown(allowed)
                        )
                    }
                    ("max", None) => format!(
                        "{subject} has no limit of {resource}, and limitrange/{name} asks for one of {} at the most",
                        shown(allowed)
                    ),
                    _ => continue,
                };
                let field = format!("spec.limits[{}].{bound}.{resource}", text(&rule["type"]));
                let evidence = vec![
                    Evidence::new(format!("limitrange/{name}"), field, shown(allowed)),
                    Evidence::new(
                        ground.workload_title(),
                        format!("resources of {subject}"),
                        given.map_or_else(|| "none".to_owned(), shown),
                    ),
                ];
                let command = ground.look_at("describe", "limitrange", name);
                found.push(Blocker::new(
                    Id::LimitRange,
                    Weight::Blocks,
                    message,
                    evidence,
                    command,
                ));
            }
        }
    }
}

fn of_quota(
    ground: &Ground<'_>,
    (pod, old): (&PodAmounts, Option<&PodAmounts>),
    quota: &Value,
    found: &mut Vec<Blocker>,
) {
    // Which pods a scope is about cannot be told by their template alone.
    if list(&quota["spec"]["scopes"]).next().is_some() || quota["spec"]["scopeSelector"].is_object() {
        return;
    }
    let name = name_of(quota);
    let added = i128::from(ground.added());
    let one: i128 = billionths("1").unwrap_or_default();
    let used = amounts(&quota["status"]["used"]);
    let made = |resource: &str| {
        let count = ground
            .demand
            .and_then(|demand| demand.made.get(resource))
            .copied();
        one * i128::try_from(count.unwrap_or_default()).unwrap_or_default()
    };
    for (key, hard) in amounts(&quota["spec"]["hard"]) {
        // Of a new pod, and of an old one.
        let each = |of: fn(&PodAmounts) -> &Amounts, resource: &str| {
            let amount = |pod: &PodAmounts| of(pod).get(resource).copied();
            let new = amount(pod);
            (new, old.map_or(new, |old| amount(old).or(Some(0))))
        };
        let requested = |resource: &str| each(|pod| &pod.requests, resource);
        let mut grows = false;
        let mut needs = |(new, old): (Option<i128>, Option<i128>)| {
            grows = new != old;
            Some(ground.needed(new?, old?))
        };
        let needed = match key.as_str() {
            "pods" | "count/pods" => Some(one * added),
            "cpu" | "memory" | "ephemeral-storage" => needs(requested(&key)),
            "services" => Some(made("services")),
            _ => match (key.split_once('.'), key.strip_prefix("count/")) {
                (_, Some(resource)) => Some(made(resource)),
                (Some(("requests", resource)), _) => needs(requested(resource)),
                (Some(("limits", resource)), _) => needs(each(|pod| &pod.limits, resource)),
                _ => continue,
            },
        };
        let needed = needed.or(Some(0)).filter(|_| !pod.unsaid.contains(key.as_str()));
        let used = used.get(&key).copied().unwrap_or_default();
        let field = format!("spec.hard[{key}]");
        let title = format!("quota/{name}");
        let hard_evidence = Evidence::new(&title, field, shown(hard));
        let command = ground.look_at("describe", "resourcequota", name);
        let Some(needed) = needed else {
            let message =
                format!("quota/{name} counts {key}, and the new pods say none: they would be refused");
            let evidence = vec![
                hard_evidence,
                Evidence::new(ground.workload_title(), format!("spec.template, {key}"), "none"),
            ];
            found.push(Blocker::new(
                Id::Quota,
                Weight::Blocks,
                message,
                evidence,
                command,
            ));
            continue;
        };
        if needed > 0 && used + needed > hard {
            let what = match ground.demand {
                Some(_) if grows => format!(
                    "the pods of the release need {} {key} more at one time than now",
                    shown(needed)
                ),
                Some(demand) if added > 0 && !key.starts_with("count/") || key == "count/pods" => {
                    format!(
                        "the release has {} pods at the most, {added} more than now, which need {} {key}",
                        demand.most_pods,
                        shown(needed)
                    )
                }
                _ => format!("the release makes {} {key}", shown(needed)),
            };
            let message = format!("{what}; quota/{name} leaves {}", shown((hard - used).max(0)));
            let evidence = vec![
                hard_evidence,
                Evidence::new(title, format!("status.used[{key}]"), shown(used)),
            ];
            found.push(Blocker::new(
                Id::Quota,
                Weight::Blocks,
                message,
                evidence,
                command,
            ));
        }
    }
}
