//! Where scripts come from: a folder laid out as upstream's, then the ConfigMap that upstream reads; then come the providers
//! that are part of this program.
//!
//! Upstream asks the ConfigMap first for Ingress classes and last for other kinds (engine-traffic 8, D20); here the order is
//! the same for both, so that every script can be replaced.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{Fault, sandbox};

/// Namespace of upstream's controller, where its ConfigMap is.
pub const NAMESPACE: &str = "kruise-rollout";
/// Name of the ConfigMap.
pub const CONFIGURATION: &str = "kruise-rollout-configuration";
/// What every key of the ConfigMap begins with.
const PREFIX: &str = "lua.traffic.routing.";

/// Scripts of a folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Folder {
    /// The folder, as the user named it.
    pub name: String,
    /// Texts, by the keys that they would have in the ConfigMap.
    pub texts: BTreeMap<String, Arc<str>>,
}

/// What is known of the ConfigMap.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Configuration {
    /// It is not there, or nobody looked.
    #[default]
    Missing,
    /// It cannot be read, and why.
    Unreadable(String),
    /// Its texts, by key.
    Read(BTreeMap<String, Arc<str>>),
}

impl Configuration {
    /// Of the ConfigMap's data.
    #[must_use]
    pub fn read(data: &Value) -> Self {
        let texts = data.as_object().into_iter().flatten();
        let texts = texts.filter(|(key, _)| key.starts_with(PREFIX));
        Self::Read(
            texts
                .filter_map(|(key, text)| Some((key.clone(), text.as_str()?.into())))
                .collect(),
        )
    }
}

/// All scripts that there are.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    /// Those of a folder that the user named.
    pub folder: Option<Arc<Folder>>,
    /// Those of the cluster.
    pub configuration: Arc<Configuration>,
}

/// A script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Script {
    /// Its key in the ConfigMap.
    pub key: String,
    /// Where it is from, in words.
    pub origin: String,
    text: Arc<str>,
}

/// What came of looking for a script.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Lookup {
    /// Nobody looked yet.
    #[default]
    Unasked,
    /// This one is to be used.
    Found(Script),
    /// There is none, and where it was looked for, in words.
    Nowhere(String),
}

impl Lookup {
    /// The script, if there is one.
    #[must_use]
    pub fn script(&self) -> Option<&Script> {
        match self {
            Self::Found(script) => Some(script),
            Self::Unasked | Self::Nowhere(_) => None,
        }
    }
}

impl Script {
    pub(super) fn run(&self, input: &Value, like: &Value) -> Result<Value, Fault> {
        sandbox::run(&self.key, &self.text, input, like)
    }
}

impl Scripts {
    /// The script for an Ingress class; an empty one is nginx, as upstream has it.
    #[must_use]
    pub fn ingress(&self, class: &str) -> Lookup {
        let class = if class.is_empty() { "nginx" } else { class };
        self.look(&format!("{PREFIX}ingress.{class}"))
    }

    /// The script for a kind.
    #[must_use]
    pub fn custom(&self, api_version: &str, kind: &str) -> Lookup {
        self.look(&custom_key(api_version, kind))
    }

    fn look(&self, key: &str) -> Lookup {
        let found = |text: Option<&Arc<str>>, origin: String| {
            let text = text.filter(|text| !text.trim().is_empty())?;
            Some(Lookup::Found(Script {
                key: key.to_owned(),
                origin,
                text: Arc::clone(text),
            }))
        };
        let folder = self.folder.as_ref();
        let map = format!("ConfigMap {NAMESPACE}/{CONFIGURATION}");
        let of_folder =
            folder.and_then(|folder| found(folder.texts.get(key), format!("folder {}", folder.name)));
        let of_cluster = match self.configuration.as_ref() {
            Configuration::Read(texts) => found(texts.get(key), map.clone()),
            _ => None,
        };
        of_folder.or(of_cluster).unwrap_or_else(|| {
            let file = path_of_key(key);
            let folder = folder.map(|folder| format!("{file} in folder {}, ", folder.name));
            let state = match self.configuration.as_ref() {
                Configuration::Missing => " (not there)".to_owned(),
                Configuration::Unreadable(why) => format!(" (cannot be read: {why})"),
                Configuration::Read(_) => String::new(),
            };
            Lookup::Nowhere(format!("{}key {key} of {map}{state}", folder.unwrap_or_default()))
        })
    }
}

fn custom_key(api_version: &str, kind: &str) -> String {
    // What stands before the slash; the core group has none, and its version takes the place.
    let group = api_version.split('/').next().unwrap_or_default();
    format!("{PREFIX}{kind}.{group}")
}

/// The key in the ConfigMap of a file in a folder of scripts, by its path there: `trafficrouting_ingress/CLASS.lua`,
/// `GROUP/KIND/trafficRouting.lua` as upstream has them, or a file named by the key, as a mounted ConfigMap has them.
#[must_use]
pub fn key_of_path(path: &[&str]) -> Option<String> {
    match path {
        ["trafficrouting_ingress", file] => Some(format!("{PREFIX}ingress.{}", file.strip_suffix(".lua")?)),
        [group, kind, "trafficRouting.lua"] => Some(custom_key(group, kind)),
        [key] if key.starts_with(PREFIX) => Some((*key).to_owned()),
        _ => None,
    }
}

/// Where a script stands in a folder.
fn path_of_key(key: &str) -> String {
    let name = key.strip_prefix(PREFIX).unwrap_or(key);
    match name.split_once('.') {
        Some(("ingress", class)) => format!("trafficrouting_ingress/{class}.lua"),
        Some((kind, group)) => format!("{group}/{kind}/trafficRouting.lua"),
        None => name.to_owned(),
    }
}
