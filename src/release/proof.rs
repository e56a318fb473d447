//! Whether a rollback took effect.

use super::{Pods, Role, Traffic};

/// That the old version serves alone, as a sentence: all of its pods are ready, there are none of another version, and no
/// requests go to one.
///
/// # Errors
/// What is missing, as a sentence.
pub fn proof(pods: &Pods, traffic: &[Traffic]) -> Result<String, String> {
    let mut images = String::new();
    let mut ready = 0;
    for revision in &pods.revisions {
        if revision.role == Role::Stable {
            ready = revision.ready;
            images = revision.images.join(", ");
        } else if revision.current > 0 {
            return Err(format!(
                "{} pods of revision {} are left",
                revision.current, revision.hash
            ));
        }
    }
    let wanted = pods.wanted;
    if ready < wanted {
        return Err(format!("{ready} of {wanted} pods of the old version are ready"));
    }
    if let Some(traffic) = traffic.iter().find(|traffic| traffic.percent != Some(0)) {
        return Err(format!(
            "{} still sends {} to the new version",
            traffic.route, traffic.set
        ));
    }
    let to_new = if traffic.is_empty() {
        ""
    } else {
        ", no traffic to the new one"
    };
    Ok(format!(
        "verified: {ready}/{wanted} pods of the old version ready ({images}), none of the new{to_new}"
    ))
}

#[cfg(test)]
mod tests {
    use super::proof;
    use crate::release::{Pods, Revision, Role, Traffic};

    #[test]
    fn needs_all_old_pods_none_of_the_new_and_no_requests_to_it() {
        let revision = |role: Role, current: i64, ready: i64| Revision {
            role,
            hash: "abc".to_owned(),
            images: vec!["web:v1".to_owned()],
            desired: current,
            current,
            ready,
        };
        let traffic = |percent: i32| Traffic {
            route: "ingress/web".to_owned(),
            set: format!("{percent}%"),
            percent: Some(percent),
            ..Traffic::default()
        };
        let judged = |ready: i64, new: i64, traffic: &[Traffic]| {
            let pods = Pods {
                wanted: 3,
                revisions: vec![revision(Role::Stable, 3, ready), revision(Role::New, new, 0)],
            };
            proof(&pods, traffic)
        };
        let well = "verified: 3/3 pods of the old version ready (web:v1), none of the new";
        assert_eq!(
            [
                judged(3, 0, &[]),
                judged(3, 0, &[traffic(0)]),
                judged(2, 0, &[]),
                judged(3, 1, &[]),
                judged(3, 0, &[traffic(20)]),
            ],
            [
                Ok(well.to_owned()),
                Ok(format!("{well}, no traffic to the new one")),
                Err("2 of 3 pods of the old version are ready".to_owned()),
                Err("1 pods of revision abc are left".to_owned()),
                Err("ingress/web still sends 20% to the new version".to_owned()),
            ]
        );
    }
}
