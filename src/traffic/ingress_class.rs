//! How each class of Ingress says which requests the canary gets: annotations (engine-traffic 3.5).

use std::collections::BTreeMap;

use super::Split;
use crate::api::v1beta1::NamedMatch;

const NGINX: &str = "nginx.ingress.kubernetes.io/";
const ALB: &str = "alb.ingress.kubernetes.io/";
const MSE: &str = "mse.ingress.kubernetes.io/";

/// What says which requests the canary gets, under the class's prefix; all of it is rebuilt with every split.
const CANARY: [&str; 6] = [
    "canary",
    "canary-by-cookie",
    "canary-by-header",
    "canary-by-header-pattern",
    "canary-by-header-value",
    "canary-weight",
];
/// The same for query parameters, which only MSE knows.
const BY_QUERY: [&str; 3] = [
    "canary-by-query",
    "canary-by-query-pattern",
    "canary-by-query-value",
];

/// A class of Ingress, as the Rollout's `classType` names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// ingress-nginx.
    Nginx,
    /// Higress; reads nginx's annotations.
    Higress,
    /// Microservices Engine of Alibaba Cloud; nginx's annotations and some of its own.
    Mse,
    /// Application Load Balancer of Alibaba Cloud.
    AliyunAlb,
}

impl Class {
    /// The class of this name; an empty one is nginx, as upstream has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" | "nginx" => Some(Self::Nginx),
            "higress" => Some(Self::Higress),
            "mse" => Some(Self::Mse),
            "aliyun-alb" => Some(Self::AliyunAlb),
            _ => None,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Nginx => "ingress-nginx",
            Self::Higress => "Higress",
            Self::Mse => "MSE Ingress",
            Self::AliyunAlb => "ALB Ingress",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Nginx | Self::Higress | Self::Mse => NGINX,
            Self::AliyunAlb => ALB,
        }
    }

    /// Whether this class can express a split.
    ///
    /// # Errors
    /// What it cannot do; upstream ignores or stumbles over these (engine-traffic 8, D10 to D12).
    pub fn check(self, split: &Split<'_>) -> Result<(), String> {
        let title = self.title();
        if split.matches.len() > 1 {
            return Err(format!(
                "{title} takes one match, the step has {}",
                split.matches.len()
            ));
        }
        for one in split.matches {
            if one.path.is_some() {
                return Err(format!("{title} cannot match a path"));
            }
            let (headers, queries) = (one.headers.len(), one.query_params.len());
            if queries > 0 && self != Self::Mse {
                return Err(format!("{title} cannot match query parameters"));
            }
            if headers > 1 || queries > 1 || headers + queries == 0 {
                let what = if self == Self::Mse {
                    "one header, one query parameter, or both"
                } else {
                    "exactly one header"
                };
                return Err(format!(
                    "{title} matches {what}; the step has {headers} headers and {queries} query parameters"
                ));
            }
        }
        if let Some(modifier) = split.header_modifier {
            if self != Self::Mse {
                return Err(format!("{title} cannot change request headers"));
            }
            if !modifier.add.is_empty() || !modifier.remove.is_empty() || modifier.set.is_empty() {
                return Err(format!("{title} can set request headers, not add or remove them"));
            }
        }
        Ok(())
    }

    /// The annotations of the canary twin: the user's own with the canary's laid over.
    #[must_use]
    pub fn annotations(self, user: &BTreeMap<String, String>, split: &Split<'_>) -> BTreeMap<String, String> {
        let mut wanted = user.clone();
        wanted.remove("kubectl.kubernetes.io/last-applied-configuration");
        let prefix = self.prefix();
        for key in CANARY {
            wanted.remove(&format!("{prefix}{key}"));
        }
        let mut set = |key: String, value: &str| wanted.insert(key, value.to_owned());
        set(format!("{prefix}canary"), "true");
        if let Some(weight) = split.weight {
            set(format!("{prefix}canary-weight"), &weight.to_string());
        }
        // What is checked has one match; of several, the later ones win as in upstream's scripts.
        for header in split.matches.iter().filter_map(|one| one.headers.first()) {
            if header.name == "canary-by-cookie" {
                set(format!("{prefix}canary-by-cookie"), &header.value);
            } else {
                set(format!("{prefix}canary-by-header"), &header.name);
                set(format!("{prefix}canary-by-header-{}", how(header)), &header.value);
            }
        }
        match self {
            Self::Nginx | Self::Higress => {}
            Self::AliyunAlb => {
                set(format!("{ALB}order"), "1");
            }
            Self::Mse => mse(&mut wanted, split),
        }
        wanted
    }
}

/// How a value is compared, as the annotations' names end.
fn how(wanted: &NamedMatch) -> &'static str {
    if wanted.kind.as_deref() == Some("RegularExpression") {
        "pattern"
    } else {
        "value"
    }
}

/// What MSE has beyond nginx. Query keys stand under its own prefix, which alone it reads (upstream writes the wrong one,
/// engine-traffic 8, D10), and several headers are told apart by line breaks.
fn mse(wanted: &mut BTreeMap<String, String>, split: &Split<'_>) {
    for key in BY_QUERY {
        wanted.remove(&format!("{MSE}{key}"));
    }
    for query in split.matches.iter().filter_map(|one| one.query_params.first()) {
        wanted.insert(format!("{MSE}canary-by-query"), query.name.clone());
        wanted.insert(
            format!("{MSE}canary-by-query-{}", how(query)),
            query.value.clone(),
        );
    }
    let subset = format!("{MSE}service-subset");
    if wanted.contains_key(&subset) {
        wanted.insert(subset, "gray".to_owned());
    }
    if let Some(modifier) = split.header_modifier {
        let lines: Vec<String> = modifier
            .set
            .iter()
            .map(|header| format!("{} {}", header.name, header.value))
            .collect();
        wanted.insert(format!("{MSE}request-header-control-update"), lines.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::Class;
    use crate::{
        api::v1beta1::{HeaderModifier, RouteMatch},
        traffic::Split,
    };

    fn annotations(
        class: Class,
        user: &[(&str, &str)],
        weight: Option<i32>,
        matches: serde_json::Value,
        modifier: serde_json::Value,
    ) -> String {
        let user: BTreeMap<String, String> = user
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let matches: Vec<RouteMatch> = serde_json::from_value(matches).unwrap();
        let modifier: Option<HeaderModifier> = serde_json::from_value(modifier).unwrap();
        let split = Split {
            weight,
            matches: &matches,
            header_modifier: modifier.as_ref(),
        };
        match class.check(&split) {
            Err(why) => why,
            Ok(()) => serde_json::to_string(&class.annotations(&user, &split))
                .unwrap()
                .replace("nginx.ingress.kubernetes.io/", "N/")
                .replace("mse.ingress.kubernetes.io/", "M/")
                .replace("alb.ingress.kubernetes.io/", "A/"),
        }
    }

    #[test]
    fn every_class_says_it_its_own_way() {
        let none = || json!(null);
        let android = || json!([{ "headers": [{ "name": "user-agent", "value": "Android" }] }]);
        let regex =
            || json!([{ "headers": [{ "type": "RegularExpression", "name": "uid", "value": "12.*" }] }]);
        let cookie = || json!([{ "headers": [{ "name": "canary-by-cookie", "value": "demo" }] }]);
        let query = || json!([{ "queryParams": [{ "name": "user", "value": "a" }] }]);
        let path = || json!([{ "path": { "value": "/x" } }]);
        let two = || json!([{ "headers": [{ "name": "a", "value": "1" }, { "name": "b", "value": "2" }] }]);
        let set = || json!({ "set": [{ "name": "x-a", "value": "1" }, { "name": "x-b", "value": "2" }] });
        let left = [("k", "v"), ("nginx.ingress.kubernetes.io/canary-weight", "7")];
        let subset = [("mse.ingress.kubernetes.io/service-subset", "")];
        let lines = [
            annotations(Class::Nginx, &left, Some(20), json!([]), none()),
            annotations(Class::Nginx, &[], None, android(), none()),
            annotations(Class::Nginx, &[], None, regex(), none()),
            annotations(Class::Nginx, &[], None, cookie(), none()),
            annotations(Class::Nginx, &[], Some(30), android(), none()),
            annotations(Class::Nginx, &[], None, query(), none()),
            annotations(Class::Nginx, &[], None, path(), none()),
            annotations(Class::Nginx, &[], None, two(), none()),
            annotations(Class::Nginx, &[], Some(20), json!([]), set()),
            annotations(Class::Higress, &[], Some(20), json!([]), none()),
            annotations(Class::Mse, &subset, None, android(), set()),
            annotations(Class::Mse, &[], None, query(), none()),
            annotations(Class::Mse, &[], Some(1), json!([]), json!({ "remove": ["x"] })),
            annotations(Class::AliyunAlb, &[], Some(20), json!([]), none()),
            annotations(Class::AliyunAlb, &[], None, android(), none()),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"k":"v","N/canary":"true","N/canary-weight":"20"}
        {"N/canary":"true","N/canary-by-header":"user-agent","N/canary-by-header-value":"Android"}
        {"N/canary":"true","N/canary-by-header":"uid","N/canary-by-header-pattern":"12.*"}
        {"N/canary":"true","N/canary-by-cookie":"demo"}
        {"N/canary":"true","N/canary-by-header":"user-agent","N/canary-by-header-value":"Android","N/canary-weight":"30"}
        ingress-nginx cannot match query parameters
        ingress-nginx cannot match a path
        ingress-nginx matches exactly one header; the step has 2 headers and 0 query parameters
        ingress-nginx cannot change request headers
        {"N/canary":"true","N/canary-weight":"20"}
        {"M/request-header-control-update":"x-a 1\nx-b 2","M/service-subset":"gray","N/canary":"true","N/canary-by-header":"user-agent","N/canary-by-header-value":"Android"}
        {"M/canary-by-query":"user","M/canary-by-query-value":"a","N/canary":"true"}
        MSE Ingress can set request headers, not add or remove them
        {"A/canary":"true","A/canary-weight":"20","A/order":"1"}
        {"A/canary":"true","A/canary-by-header":"user-agent","A/canary-by-header-value":"Android","A/order":"1"}
        "#);
        assert_eq!(Class::named("istio"), None);
    }

    #[test]
    fn d10_mse_needs_no_annotations_parts_its_headers_and_forgets_earlier_steps() {
        let set = || json!({ "set": [{ "name": "x-a", "value": "1" }, { "name": "x-b", "value": "2" }] });
        let query =
            || json!([{ "queryParams": [{ "type": "RegularExpression", "name": "user", "value": "a.*" }] }]);
        let mse =
            |user: &[(&str, &str)], matches, modifier| annotations(Class::Mse, user, None, matches, modifier);
        let android = || json!([{ "headers": [{ "name": "user-agent", "value": "Android" }] }]);
        // No annotations at all; several headers; the prefix that MSE reads.
        let both = mse(&[], query(), set());
        assert_eq!(
            both,
            r#"{"M/canary-by-query":"user","M/canary-by-query-pattern":"a.*","M/request-header-control-update":"x-a 1\nx-b 2","N/canary":"true"}"#
        );
        // Made from the user's Ingress every time: nothing of another step is left.
        assert_eq!(
            mse(&[("k", "v")], android(), json!(null)),
            r#"{"k":"v","N/canary":"true","N/canary-by-header":"user-agent","N/canary-by-header-value":"Android"}"#
        );
        for modifier in [
            json!({ "add": [{ "name": "x", "value": "1" }] }),
            json!({ "remove": ["x"] }),
        ] {
            assert_eq!(
                mse(&[], android(), modifier),
                "MSE Ingress can set request headers, not add or remove them"
            );
        }
    }

    #[test]
    fn d11_a_match_that_the_class_cannot_express_is_refused_and_not_passed_over() {
        let query = || json!([{ "queryParams": [{ "name": "user", "value": "a" }] }]);
        let path = || json!([{ "path": { "value": "/x" } }]);
        for class in [Class::Nginx, Class::Higress, Class::AliyunAlb, Class::Mse] {
            let refused = |matches| annotations(class, &[], None, matches, json!(null));
            let title = class.title();
            assert_eq!(refused(path()), format!("{title} cannot match a path"));
            assert!(refused(json!([{}])).starts_with(&format!("{title} matches ")));
            if class != Class::Mse {
                assert_eq!(refused(query()), format!("{title} cannot match query parameters"));
            }
        }
    }

    #[test]
    fn d12_a_second_header_or_match_is_refused_and_overwrites_nothing() {
        let header = |name: &str| json!({ "name": name, "value": "1" });
        for class in [Class::Nginx, Class::Higress, Class::AliyunAlb, Class::Mse] {
            let refused = |matches| annotations(class, &[], None, matches, json!(null));
            let title = class.title();
            let headers = refused(json!([{ "headers": [header("a"), header("b")] }]));
            assert!(headers.contains("the step has 2 headers"), "{headers}");
            assert_eq!(
                refused(json!([{ "headers": [header("a")] }, { "headers": [header("b")] }])),
                format!("{title} takes one match, the step has 2")
            );
        }
    }
}
