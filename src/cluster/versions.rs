//! Which versions of a group a server has. The usual ones are asked for as they are, so that nothing needs to be looked up;
//! only a server that does not have them is asked what it has, and the answer is kept in a file for a while.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cluster, RolloutVersion, Served, failure};
use crate::{
    api::keys,
    error::{Error, Result},
    workload,
};

/// How long an answer is believed without asking again. What is kept is a first guess only: a server that has something
/// else by now is asked anew.
const BELIEVED: Duration = Duration::from_secs(600);

/// Versions by group, the server's favourite first.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Kept {
    at: Timestamp,
    groups: BTreeMap<String, Vec<String>>,
}

/// What is known of one server's versions.
#[derive(Debug, Default)]
pub struct Versions {
    file: Option<PathBuf>,
    kept: Mutex<Option<Kept>>,
}

impl Versions {
    /// What was kept of a server: a file in the user's folder for caches (`XDG_CACHE_HOME`, else `~/.cache`; `--cache-dir` names
    /// another one). Nothing is read before somebody asks.
    #[must_use]
    pub fn of(server: &str, folder: Option<PathBuf>) -> Self {
        let home = || {
            let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
        };
        // The address without what file names may not hold.
        let name: String = server
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' })
            .collect();
        let folder = folder.or_else(|| home().map(|home| home.join("kubectl-kruise")));
        Self {
            file: folder.map(|folder| folder.join("versions").join(format!("{name}.json"))),
            kept: Mutex::new(None),
        }
    }

    fn known(&self, group: &str, now: Timestamp) -> Vec<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_with(|| {
            let text = self.file.as_ref().and_then(|file| fs::read_to_string(file).ok());
            let read = text.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
            read.filter(|kept| now.duration_since(kept.at).unsigned_abs() < BELIEVED)
                .unwrap_or_default()
        });
        kept.groups.get(group).cloned().unwrap_or_default()
    }

    /// Keeps an answer. That it cannot be written only costs a request next time.
    fn keep(&self, group: &str, versions: &[String], now: Timestamp) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_or_insert_with(Kept::default);
        kept.at = now;
        kept.groups.insert(group.to_owned(), versions.to_vec());
        if let (Some(file), Ok(text)) = (&self.file, serde_json::to_string(kept)) {
            let _ = file.parent().map(fs::create_dir_all);
            // Others may read it at the same time: it is whole or not there.
            let own = file.with_extension(std::process::id().to_string());
            if fs::write(&own, text).is_ok() && fs::rename(&own, file).is_err() {
                let _ = fs::remove_file(&own);
            }
        }
    }
}

impl Cluster {
    /// The versions in which Rollouts are to be asked for, one after another until the server has one.
    pub(super) fn rollout_versions(&self) -> Vec<RolloutVersion> {
        let known = self.versions.known(keys::GROUP, self.clock.now());
        let mut all: Vec<RolloutVersion> = RolloutVersion::KNOWN
            .into_iter()
            .filter(|version| known.iter().any(|name| name == version.name()))
            .collect();
        if all.is_empty() {
            all.extend(known.first().map(|name| RolloutVersion::named(name)));
        }
        let rest = RolloutVersion::KNOWN
            .into_iter()
            .filter(|version| !all.contains(version));
        let rest: Vec<RolloutVersion> = rest.collect();
        all.extend(rest);
        all
    }

    /// A version of Rollouts that is newer than this program, after those it knows were asked for in vain.
    pub(super) async fn newer_rollouts(&self, tried: &[RolloutVersion]) -> Result<Option<RolloutVersion>> {
        let versions = self.ask_versions(keys::GROUP).await?;
        let newer = versions.first().map(|name| RolloutVersion::named(name));
        Ok(newer.filter(|version| !tried.contains(version)))
    }

    /// Notes in which version Rollouts were found, where that is not the usual one.
    pub(super) fn note_rollouts(&self, version: RolloutVersion) {
        let now = self.clock.now();
        let name = version.name().to_owned();
        if version != RolloutVersion::default() && !self.versions.known(keys::GROUP, now).contains(&name) {
            self.versions.keep(keys::GROUP, &[name], now);
        }
    }

    /// A kind of workload in the version that the server is known to have.
    #[must_use]
    pub fn workloads(&self, kind: workload::Kind) -> Served {
        let usual = Served::workload(kind);
        let known = self.versions.known(kind.group(), self.clock.now());
        let is_known = |version: &str| known.iter().any(|name| format!("{}/{name}", kind.group()) == version);
        if known.is_empty() {
            return usual;
        }
        let of_ours = kind.api_versions().iter().find(|version| is_known(version));
        match (of_ours, known.first()) {
            (Some(version), _) => Served::namespaced(version, kind.kind(), kind.plural()),
            (None, Some(name)) => in_version(kind, name),
            (None, None) => usual,
        }
    }

    /// A kind of workload in a version that the server has, after the one in hand was asked for in vain: one request.
    ///
    /// # Errors
    /// When the server has no version of the group, or cannot be asked.
    pub async fn workloads_anew(&self, kind: workload::Kind) -> Result<Option<Served>> {
        let versions = self.ask_versions(kind.group()).await?;
        Ok((!versions.is_empty()).then(|| self.workloads(kind)))
    }

    /// Asks the server for the versions of a group, its favourite first, and keeps the answer.
    async fn ask_versions(&self, group: &str) -> Result<Vec<String>> {
        let path = format!("/apis/{group}");
        let answer = match self.send("GET", &path, None, Vec::new()).await {
            Ok(answer) => answer,
            Err(super::Failed::Answer(error)) if failure::is_not_found(&error) => return Ok(Vec::new()),
            Err(failed) => return Err(self.group_unreadable(failed, group)),
        };
        let name = |version: &serde_json::Value| version["version"].as_str().map(str::to_owned);
        let mut versions: Vec<String> = name(&answer["preferredVersion"]).into_iter().collect();
        for version in answer["versions"].as_array().into_iter().flatten().filter_map(name) {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        self.versions.keep(group, &versions, self.clock.now());
        Ok(versions)
    }

    fn group_unreadable(&self, failed: super::Failed, group: &str) -> Error {
        let request = failure::Request {
            verb: "get",
            full: group,
            subresource: None,
            namespace: None,
            name: None,
            server: &self.server,
        };
        self.why(failed, request)
    }
}

fn in_version(kind: workload::Kind, name: &str) -> Served {
    let version = format!("{}/{name}", kind.group());
    Served::namespaced(&version, kind.kind(), kind.plural())
}

#[cfg(test)]
mod tests {
    use super::Versions;

    #[test]
    fn keeps_answers_for_a_while() {
        let folder = std::env::temp_dir().join(format!("kruise-versions-{}", std::process::id()));
        let at = |text: &str| text.parse().unwrap();
        let (now, soon, late) = (
            at("2026-11-21T10:00:00Z"),
            at("2026-11-21T10:09:59Z"),
            at("2026-11-21T10:10:00Z"),
        );
        let versions = || Versions::of("https://host:6443/path", Some(folder.clone()));
        assert_eq!(versions().known("a", now), Vec::<String>::new());
        versions().keep("a", &["v2".to_owned(), "v1".to_owned()], now);
        assert_eq!(versions().known("a", soon), ["v2", "v1"]);
        assert_eq!(versions().known("a", late), Vec::<String>::new());
        assert_eq!(
            Versions::of("https://other:6443", Some(folder.clone())).known("a", soon),
            Vec::<String>::new()
        );
        // A file that is none is as good as none.
        std::fs::write(folder.join("versions/host_6443_path.json"), "{").unwrap();
        assert_eq!(versions().known("a", soon), Vec::<String>::new());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
