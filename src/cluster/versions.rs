//! In which versions a server has the kinds that commands name. The usual ones are asked for as they are, so that nothing
//! needs to be looked up; only a server that does not have them is asked what it has, and what was found is kept in a file for
//! a while.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cluster, Resource, RolloutVersion, Served, failure};
use crate::{
    api::keys,
    error::{Error, Kind, Result},
    workload,
};

/// How long an answer is believed without asking again. What is kept is a first guess only: a server that has something
/// else by now is asked anew.
pub(super) const BELIEVED: Duration = Duration::from_secs(600);

/// What stands for the version of a kind that is not served.
const NONE: &str = "-";

/// Versions by the kind's full name, `clonesets.apps.kruise.io`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Kept {
    at: Timestamp,
    kinds: BTreeMap<String, String>,
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
            let set = |name: &str| {
                std::env::var_os(name)
                    .filter(|value| !value.is_empty())
                    .map(PathBuf::from)
            };
            set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
        };
        // The address without what file names may not hold.
        let name: String = server
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let folder = folder.or_else(|| home().map(|home| home.join("kubectl-kruise")));
        Self {
            file: folder.map(|folder| folder.join("versions").join(format!("{name}.json"))),
            kept: Mutex::new(None),
        }
    }

    fn known(&self, kind: &str, now: Timestamp) -> Option<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_with(|| {
            let text = self.file.as_ref().and_then(|file| fs::read_to_string(file).ok());
            let read = text.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
            read.filter(|kept| now.duration_since(kept.at).unsigned_abs() < BELIEVED)
                .unwrap_or_default()
        });
        kept.kinds.get(kind).cloned()
    }

    /// Keeps what was found. That it cannot be written only costs a request next time.
    fn keep(&self, kind: &str, version: &str, now: Timestamp) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_or_insert_with(Kept::default);
        kept.at = now;
        kept.kinds.insert(kind.to_owned(), version.to_owned());
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
    /// Asks for Rollouts in one version after another until the server has one.
    ///
    /// # Errors
    /// The last answer, when there is none.
    pub(super) async fn in_rollout_version<T>(
        &self,
        ask: impl AsyncFn(RolloutVersion) -> Result<T>,
    ) -> Result<(RolloutVersion, T)> {
        let full = Resource::Rollouts(RolloutVersion::default()).full();
        let known = self.versions.known(&full, self.clock.now());
        let mut versions: Vec<RolloutVersion> =
            known.iter().map(|name| RolloutVersion::named(name)).collect();
        versions.extend(RolloutVersion::KNOWN);
        let mut names: Vec<String> = versions.iter().map(|version| version.name().to_owned()).collect();
        names.dedup();
        let (name, answer) = self
            .first_served(&full, keys::GROUP, names, async |name| {
                ask(RolloutVersion::named(name)).await
            })
            .await?;
        Ok((RolloutVersion::named(&name), answer))
    }

    /// Asks for a kind of workload in one version after another until the server has one.
    ///
    /// # Errors
    /// The last answer, when there is none.
    pub async fn in_served_version<T>(
        &self,
        kind: workload::Kind,
        ask: impl AsyncFn(&Served) -> Result<T>,
    ) -> Result<(Served, T)> {
        let usual = Served::workload(kind);
        let bare = |version: &str| version.rsplit('/').next().unwrap_or_default().to_owned();
        let known = self.versions.known(&usual.full(), self.clock.now());
        let mut names: Vec<String> = known.into_iter().collect();
        names.extend(kind.api_versions().iter().map(|version| bare(version)));
        names.dedup();
        let served = |name: &str| {
            let version = format!("{}/{name}", kind.group());
            Served::namespaced(&version, kind.kind(), kind.plural())
        };
        let (name, answer) = self
            .first_served(&usual.full(), kind.group(), names, async |name| {
                ask(&served(name)).await
            })
            .await?;
        Ok((served(&name), answer))
    }

    /// Whether the server has a kind, or had it when it was asked within the last minutes: it takes an installation to change
    /// that.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub(super) async fn serves_or_did(&self, resource: Resource) -> Result<bool> {
        let (full, now) = (resource.full(), self.clock.now());
        if let Some(known) = self.versions.known(&full, now) {
            return Ok(known != NONE);
        }
        let serves = self.serves(resource).await?;
        let version = if serves { resource.version() } else { NONE };
        self.versions.keep(&full, version, now);
        Ok(serves)
    }

    /// Asks in these versions, then in all others of the group; the one that is served is kept unless it is the usual one.
    async fn first_served<T>(
        &self,
        full: &str,
        group: &str,
        mut names: Vec<String>,
        ask: impl AsyncFn(&str) -> Result<T>,
    ) -> Result<(String, T)> {
        let now = self.clock.now();
        let mut tried: Vec<String> = Vec::new();
        let mut last = None;
        for round in 0..2 {
            for name in names.drain(..) {
                match ask(&name).await {
                    Ok(answer) => {
                        let known = self.versions.known(full, now);
                        if !tried.is_empty() && known.as_ref() != Some(&name) {
                            self.versions.keep(full, &name, now);
                        }
                        return Ok((name, answer));
                    }
                    Err(error) if error.kind == Kind::NotFound => last = Some(error),
                    Err(error) => return Err(error),
                }
                tried.push(name);
            }
            if round == 0 {
                names = self.ask_versions(group).await?;
                names.retain(|name| !tried.contains(name));
            }
        }
        Err(last.unwrap_or_else(|| Error::new(Kind::NotFound, format!("the server has no {full}"))))
    }

    /// Asks the server for the versions of a group, its favourite first. Not every kind of the group has all of them.
    async fn ask_versions(&self, group: &str) -> Result<Vec<String>> {
        let path = format!("/apis/{group}");
        let answer = match self.send("GET", &path, None, Vec::new()).await {
            Ok(answer) => answer,
            Err(super::Failed::Answer(error)) if failure::is_not_found(&error) => return Ok(Vec::new()),
            Err(failed) => return Err(self.group_unreadable(failed, group)),
        };
        let name = |version: &serde_json::Value| version["version"].as_str().map(str::to_owned);
        let mut versions: Vec<String> = name(&answer["preferredVersion"]).into_iter().collect();
        for version in answer["versions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(name)
        {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
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
        assert_eq!(versions().known("a", now), None);
        versions().keep("a", "v2", now);
        assert_eq!(versions().known("a", soon).as_deref(), Some("v2"));
        assert_eq!(versions().known("a", late), None);
        assert_eq!(
            Versions::of("https://other:6443", Some(folder.clone())).known("a", soon),
            None
        );
        // A file that is none is as good as none.
        std::fs::write(folder.join("versions/host_6443_path.json"), "{").unwrap();
        assert_eq!(versions().known("a", soon), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
