//! Rules with weighted targets, as HTTPRoutes, GRPCRoutes and VirtualServices have them: which of it is ours, what the
//! user's was, and how weights are divided.

use serde_json::{Value, json};

use super::Share;

/// More than any weight that a server takes; what is more is taken for this, so that sums are no matter.
const MOST: u64 = i32::MAX as u64;

/// How a kind of rule names its targets.
pub(super) struct Grammar<'a> {
    /// The field with the list of targets: `backendRefs`, `route`.
    pub(super) targets: &'static str,
    /// Whether a target is the stable version.
    pub(super) is_stable: &'a dyn Fn(&Value) -> bool,
    /// Whether a target is the new version: no user's rule has one, a release adds them.
    pub(super) is_canary: &'a dyn Fn(&Value) -> bool,
    /// The largest weight there may be.
    pub(super) most: u64,
    /// The weight of a target that says none beside others that do.
    pub(super) unsaid: u64,
}

/// A rule without the new version.
struct Bare {
    rule: Value,
    had_canary: bool,
}

impl Grammar<'_> {
    /// The targets of a rule.
    pub(super) fn targets<'r>(&self, rule: &'r Value) -> &'r [Value] {
        rule[self.targets].as_array().map_or(&[], Vec::as_slice)
    }

    /// Whether a rule sends requests to the stable version.
    #[must_use]
    pub(super) fn is_ours(&self, rule: &Value) -> bool {
        self.targets(rule).iter().any(self.is_stable)
    }

    fn bare(&self, rule: &Value) -> Bare {
        let had_canary = self.targets(rule).iter().any(self.is_canary);
        let mut rule = rule.clone();
        if had_canary && let Some(targets) = rule[self.targets].as_array_mut() {
            targets.retain(|target| !(self.is_canary)(target));
        }
        Bare { rule, had_canary }
    }

    /// A rule without what a release changes: the new version, and the weights beside the stable one.
    fn skeleton(&self, rule: &Value) -> Value {
        let Bare { mut rule, .. } = self.bare(rule);
        if self.is_ours(&rule) {
            for target in rule[self.targets].as_array_mut().into_iter().flatten() {
                target.as_object_mut().map(|fields| fields.remove("weight"));
            }
        }
        rule
    }

    /// Whether a rule goes nowhere but to the new version: a release made it.
    fn is_made(&self, rule: &Value) -> bool {
        let targets = self.targets(rule);
        !targets.is_empty() && targets.iter().all(self.is_canary)
    }

    /// The user's rules, and whether they are others than those that were kept.
    ///
    /// As kept, as long as nothing differs but what a release changes. Otherwise somebody edited the route in the middle:
    /// each rule that is as before counts as before, weights included, and of the others what a release added is taken
    /// away. A rule of which somebody left nothing but the new version is as before too.
    #[must_use]
    pub(super) fn of_user(&self, live: &[Value], kept: Option<&[Value]>) -> (Vec<Value>, bool) {
        let skeletons = |rules: &[Value]| -> Vec<Value> {
            let own = rules.iter().filter(|rule| !self.is_made(rule));
            own.map(|rule| self.skeleton(rule)).collect()
        };
        if let Some(kept) = kept
            && skeletons(live) == skeletons(kept)
        {
            return (kept.to_vec(), false);
        }
        let mut known: Vec<Option<&Value>> = kept.unwrap_or_default().iter().map(Some).collect();
        let mut take = |is_same: &dyn Fn(&Value) -> bool| -> Option<Value> {
            let found = known.iter_mut().find(|rule| rule.is_some_and(is_same))?;
            found.take().cloned()
        };
        let mut rules: Vec<Option<Value>> = Vec::new();
        for rule in live {
            rules.push(if self.is_made(rule) {
                None
            } else {
                let skeleton = self.skeleton(rule);
                take(&|known| self.skeleton(known) == skeleton).or_else(|| Some(self.released(rule)))
            });
        }
        let without_targets = |rule: &Value| {
            let mut rule = rule.clone();
            rule.as_object_mut().map(|fields| fields.remove(self.targets));
            rule
        };
        for (place, rule) in live.iter().enumerate().filter(|(_, rule)| self.is_made(rule)) {
            let bare = without_targets(rule);
            rules[place] = take(&|known| self.is_ours(known) && without_targets(known) == bare);
        }
        (rules.into_iter().flatten().collect(), kept.is_some())
    }

    /// A rule that a release changed and of which nothing was kept. A lone target's weight says nothing, and with several
    /// the new version's share is the stable one's again.
    fn released(&self, rule: &Value) -> Value {
        let bare = self.bare(rule);
        if !bare.had_canary {
            return bare.rule;
        }
        let weight = |target: &Value| target["weight"].as_u64().unwrap_or(0).min(MOST);
        let canary = self
            .targets(rule)
            .iter()
            .filter(|target| (self.is_canary)(target));
        let lost: u64 = canary.map(weight).sum();
        let mut rule = bare.rule;
        match rule[self.targets].as_array_mut().map(Vec::as_mut_slice) {
            Some([target]) => target["weight"] = json!(1),
            Some(targets) => {
                if let Some(target) = targets.iter_mut().find(|target| (self.is_stable)(target)) {
                    target["weight"] = json!(weight(target) + lost);
                }
            }
            None => {}
        }
        rule
    }

    /// What of the requests the rules send to the new version. Every rule that is split is split alike.
    pub(super) fn share(&self, rules: &[Value]) -> Share {
        if rules.iter().any(|rule| self.is_made(rule)) {
            return Share::Matching;
        }
        let split = rules
            .iter()
            .find(|rule| self.targets(rule).iter().any(self.is_canary));
        let targets = split.map_or(&[][..], |rule| self.targets(rule));
        let sum = |is: &dyn Fn(&Value) -> bool| -> u64 {
            let weights = targets.iter().filter(|target| is(target));
            weights
                .map(|target| target["weight"].as_u64().unwrap_or(0).min(MOST))
                .sum()
        };
        let (new, old) = (sum(self.is_canary), sum(self.is_stable));
        let percent = (new * 100 + (new + old) / 2).checked_div(new + old).unwrap_or(0);
        Share::Percent(i32::try_from(percent).unwrap_or(100))
    }

    /// The targets of a rule of the user's with a share of the stable version's requests for the new one; what goes to
    /// others stays. `twin` makes the new version's target of a stable one; equal twins are one target. Nothing when no
    /// requests go to the stable version anyway.
    ///
    /// Upstream divides 100 between the two and leaves the other targets their small weights, or scales those too; both
    /// give the new version another share than was asked for.
    #[must_use]
    pub(super) fn divided(
        &self,
        rule: &Value,
        percent: u64,
        twin: &dyn Fn(&Value) -> Value,
    ) -> Option<Vec<Value>> {
        let bare = self.bare(rule).rule;
        let mut targets = self.targets(&bare).to_vec();
        let said = targets.iter().any(|target| target["weight"].is_u64());
        // Where none is said all are equal, which for the one target that most rules have means everything.
        let unsaid = if said { self.unsaid } else { 1 };
        let weights: Vec<u64> = targets
            .iter()
            .map(|target| target["weight"].as_u64().unwrap_or(unsaid).min(MOST))
            .collect();
        let stable: Vec<bool> = targets.iter().map(self.is_stable).collect();
        let mine: u64 = weights
            .iter()
            .zip(&stable)
            .filter(|(_, s)| **s)
            .map(|(w, _)| w)
            .sum();
        let total: u64 = weights.iter().sum();
        if mine == 0 {
            return None;
        }
        let mut raw = Vec::new();
        let mut twins: Vec<(Value, u64)> = Vec::new();
        for ((target, weight), stable) in targets.iter().zip(&weights).zip(&stable) {
            if !stable {
                raw.push(weight * 100);
                continue;
            }
            raw.push(weight * (100 - percent));
            let made = twin(target);
            match twins.iter_mut().find(|(known, _)| *known == made) {
                Some((_, share)) => *share += weight * percent,
                None => twins.push((made, weight * percent)),
            }
        }
        raw.extend(twins.iter().map(|(_, share)| *share));
        targets.extend(twins.into_iter().map(|(made, _)| made));
        let divisor = if total == mine { mine } else { 100 };
        let divisor = if raw.iter().all(|share| share % divisor == 0) {
            divisor
        } else {
            raw.iter().copied().fold(0, greatest_common_divisor).max(1)
        };
        let largest = raw.iter().map(|share| share / divisor).max().unwrap_or(0);
        for (target, share) in targets.iter_mut().zip(raw) {
            let share = share / divisor;
            target["weight"] = json!(if largest <= self.most {
                share
            } else {
                let scaled = u128::from(share) * u128::from(self.most) / u128::from(largest);
                u64::try_from(scaled)
                    .unwrap_or(self.most)
                    .max(u64::from(share > 0))
            });
        }
        Some(targets)
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
