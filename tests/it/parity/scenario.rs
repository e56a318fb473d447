//! One recorded release: what the user has, what happens in which order, and what the cluster was at each checkpoint.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use serde_json::Value;

/// A recorded release.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) manifests: Vec<Value>,
    pub(crate) rollout: String,
    pub(crate) timeout: Duration,
    pub(crate) script: Vec<Verb>,
    pub(crate) expected: BTreeMap<String, Value>,
}

/// One line of a script.
#[derive(Debug)]
pub(crate) enum Verb {
    /// Until the Rollout is in this state.
    Wait {
        rollout: Option<String>,
        gone: bool,
        wanted: BTreeMap<String, Value>,
    },
    /// Let what is under way come to rest.
    Settle(Duration),
    /// Note what the cluster looks like.
    Checkpoint(String),
    /// Put another version into a workload's first container.
    Image { kind: String, name: String, to: String },
    /// Let the Rollout go on from its pause.
    Approve { rollout: Option<String> },
    /// Merge-patch an object or its status.
    Patch {
        kind: String,
        name: String,
        status: bool,
        merge: Value,
    },
    /// Change a workload's replicas.
    Scale { kind: String, name: String, to: i64 },
    /// Delete an object.
    Delete { kind: String, name: String },
}

/// The folder of the recorded releases.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/parity")
}

fn read(path: &std::path::Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Scenario {
    /// Reads a recorded release.
    pub(crate) fn load(name: &str) -> Self {
        let folder = folder().join("golden").join(name);
        let script: Value = serde_saphyr::from_str(&read(&folder.join("scenario.yaml"))).unwrap();
        let manifests = serde_saphyr::from_multiple(&read(&folder.join("manifests.yaml"))).unwrap();
        let mut expected = BTreeMap::new();
        for file in fs::read_dir(folder.join("expected")).unwrap() {
            let path = file.unwrap().path();
            let checkpoint = path.file_stem().unwrap().to_string_lossy().into_owned();
            expected.insert(checkpoint, serde_saphyr::from_str(&read(&path)).unwrap());
        }
        Self {
            name: name.to_owned(),
            manifests,
            rollout: script["rollout"].as_str().unwrap_or("demo").to_owned(),
            timeout: Duration::from_secs(script["timeout"].as_u64().unwrap_or(150)),
            script: script["script"]
                .as_array()
                .unwrap()
                .iter()
                .map(Verb::read)
                .collect(),
            expected,
        }
    }

    /// The names of all recorded releases.
    pub(crate) fn names() -> Vec<String> {
        let folders = fs::read_dir(folder().join("golden")).unwrap();
        let mut names: Vec<_> = folders
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Verb {
    fn read(line: &Value) -> Self {
        let line = line.as_object().unwrap();
        assert_eq!(line.len(), 1, "one verb a line: {line:?}");
        let (verb, value) = line.iter().next().unwrap();
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let kind = || text("kind").unwrap_or_else(|| "deployment".to_owned());
        let name = || text("name").unwrap_or_else(|| "echoserver".to_owned());
        match verb.as_str() {
            "wait" => Self::Wait {
                rollout: text("rollout"),
                gone: value["gone"] == true,
                wanted: value
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(key, _)| *key != "rollout" && *key != "gone")
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            },
            "settle" => Self::Settle(Duration::from_secs_f64(value.as_f64().unwrap())),
            "checkpoint" => Self::Checkpoint(value.as_str().unwrap().to_owned()),
            "image" => Self::Image {
                kind: kind(),
                name: name(),
                to: text("to").unwrap(),
            },
            "approve" => Self::Approve {
                rollout: text("rollout"),
            },
            "patch" => Self::Patch {
                kind: kind(),
                name: name(),
                status: value["status"] == true,
                merge: value["merge"].clone(),
            },
            "scale" => Self::Scale {
                kind: kind(),
                name: name(),
                to: value["to"].as_i64().unwrap(),
            },
            "delete" => Self::Delete {
                kind: kind(),
                name: name(),
            },
            other => panic!("unknown verb {other}"),
        }
    }
}

#[test]
fn every_recorded_release_can_be_read_and_expects_its_checkpoints() {
    let names = Scenario::names();
    assert_eq!(names.len(), 137);
    for name in names {
        let scenario = Scenario::load(&name);
        let mut noted: Vec<&String> = scenario
            .script
            .iter()
            .filter_map(|verb| match verb {
                Verb::Checkpoint(name) => Some(name),
                _ => None,
            })
            .collect();
        noted.sort();
        assert_eq!(noted, scenario.expected.keys().collect::<Vec<_>>(), "{name}");
    }
}
