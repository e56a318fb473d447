//! Which pods of a DaemonSet are replaced next: its controller replaces none by itself while it is held, and makes every
//! new one from the new template (engine-workloads 8).

use super::{Pod, size};

/// The pods to delete so that `wanted` of the pods have the new version, never more at a time than `unavailable` allows.
///
/// Pods that serve nobody go first and cost nothing more, since they are missing already; then those that the user marked as cheap; then the newest.
#[must_use]
pub fn to_replace<'a>(
    old: &[&'a Pod],
    new: &[&Pod],
    desired: i32,
    wanted: i32,
    unavailable: i32,
) -> Vec<&'a Pod> {
    // A pod on its way out makes place for a new one already.
    let going = size(old.iter().filter(|pod| pod.deleting).count());
    let missing = (desired - size(old.len()) - size(new.iter().filter(|pod| !pod.deleting).count())).max(0);
    let coming = size(new.iter().filter(|pod| !pod.deleting).count()) + going + missing;
    let mut needed = wanted - coming;
    let unready = |pods: &[&Pod]| size(pods.iter().filter(|pod| !pod.ready && !pod.deleting).count());
    let mut down = going + missing + unready(new) + unready(old);
    let mut candidates: Vec<&'a Pod> = old.iter().copied().filter(|pod| !pod.deleting).collect();
    candidates.sort_by(|a, b| {
        let rank = |pod: &Pod| (!pod.pending, pod.ready, pod.deletion_cost);
        rank(a)
            .cmp(&rank(b))
            .then_with(|| b.created.cmp(&a.created))
            .then_with(|| a.name.cmp(&b.name))
    });
    let mut chosen = Vec::new();
    for pod in candidates {
        if needed <= 0 {
            break;
        }
        if pod.ready {
            if down >= unavailable {
                break;
            }
            down += 1;
        }
        needed -= 1;
        chosen.push(pod);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::to_replace;
    use crate::workload::Pod;

    fn pods(names: &str) -> Vec<Pod> {
        // `a` is ready, `a!` is not, `a-` is being deleted, `a$` costs more to delete.
        names
            .split_whitespace()
            .map(|text| Pod {
                name: text.trim_end_matches(['!', '-', '$']).to_owned(),
                ready: !text.ends_with(['!', '-']),
                deleting: text.ends_with('-'),
                deletion_cost: i32::from(text.ends_with('$')),
                ..Pod::default()
            })
            .collect()
    }

    #[test]
    fn replaces_what_it_may() {
        // old, new, wanted new, maxUnavailable, chosen; five nodes
        let cases = [
            ("a b c d e", "", 1, 1, "a"),
            ("a b c d e", "", 5, 2, "a b"),
            ("b c d e", "a!", 5, 1, ""),
            ("b c d e", "a", 5, 1, "b"),
            ("b c d e", "a", 1, 1, ""),
            ("a b! c d! e", "", 5, 1, "b d"),
            ("a b! c d! e", "", 5, 3, "b d a"),
            ("a- b c d e", "", 5, 1, ""),
            ("a- b c d e", "", 5, 2, "b"),
            ("b c d e", "", 5, 1, ""),
            ("a$ b c d e", "", 1, 1, "b"),
            ("a b c d e", "", 0, 1, ""),
        ];
        for (old, new, wanted, unavailable, expected) in cases {
            let (old_pods, new_pods) = (pods(old), pods(new));
            let (olds, news): (Vec<&Pod>, Vec<&Pod>) = (old_pods.iter().collect(), new_pods.iter().collect());
            let chosen: Vec<&str> = to_replace(&olds, &news, 5, wanted, unavailable)
                .iter()
                .map(|pod| pod.name.as_str())
                .collect();
            assert_eq!(
                chosen.join(" "),
                expected,
                "{old} | {new} | {wanted} {unavailable}"
            );
        }
    }
}
