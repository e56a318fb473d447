//! The one control plane that all live tests share, each in a namespace of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use kubectl_kruise::manifests;
use serde_json::{Value, json};

use crate::{crd_answers, harness::cluster::Cluster};

/// Namespaces with this label are left alone by the hold policy.
pub(crate) const UNHELD: &str = "tests/unheld";

/// A running control plane. It stops when this is dropped, or when this process ends, however it ends: the script holds
/// the other end of a pipe.
pub(crate) struct ControlPlane {
    folder: PathBuf,
    child: Child,
    _tether: ChildStdin,
}

/// Who talks to the API server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum User {
    /// May do everything.
    Admin,
    /// May do nothing until a test binds a role to the user `limited-N`.
    Limited(usize),
    /// Sends a token that the server does not know (any more).
    Expired,
    /// Asks where nobody listens.
    Unreachable,
}

static SHARED: LazyLock<ControlPlane> = LazyLock::new(|| ControlPlane::prepared(3));

/// The control plane of this run of the suite, with our definitions and the hold policy in it.
pub(crate) fn shared() -> &'static ControlPlane {
    &SHARED
}

impl ControlPlane {
    /// Builds what is missing and starts everything.
    pub(crate) fn start(nodes: usize) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        forget_dead(root);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = root.join(format!("control-plane-{}-{number}", std::process::id()));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/control-plane/up");
        let mut child = Command::new(&script)
            .arg(&folder)
            .arg(nodes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        let tether = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(
            line.trim(),
            folder.join("kubeconfig").to_string_lossy(),
            "the control plane did not start; what it said stands above"
        );
        Self {
            folder,
            child,
            _tether: tether,
        }
    }

    /// Starts one with our definitions and the hold policy in it.
    pub(crate) fn prepared(nodes: usize) -> Self {
        let plane = Self::start(nodes);
        // A client belongs to the runtime that made it, so the set-up gets a thread and a runtime of its own.
        std::thread::scope(|scope| scope.spawn(|| plane.install()).join()).unwrap();
        plane
    }

    /// Where the audit log and the logs of the components are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A kubeconfig for a user.
    fn kubeconfig_text(&self, user: User, namespace: &str) -> String {
        let (name, token) = match user {
            User::Admin | User::Unreachable => ("admin".to_owned(), "admin-token".to_owned()),
            User::Limited(number) => (format!("limited-{number}"), format!("limited-{number}-token")),
            User::Expired => ("expired".to_owned(), "expired-token".to_owned()),
        };
        let mut config = self.kubeconfig_with(&name, &token, namespace);
        if matches!(user, User::Unreachable) {
            // Port 1 is reserved and nothing listens there.
            config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1".into();
        }
        config.to_string()
    }

    /// A kubeconfig for whoever has a token.
    fn kubeconfig_with(&self, name: &str, token: &str, namespace: &str) -> Value {
        let text = fs::read_to_string(self.folder.join("kubeconfig")).unwrap();
        let mut config: Value = serde_saphyr::from_str(&text).unwrap();
        config["users"] = json!([{ "name": name, "user": { "token": token } }]);
        let context = json!({ "cluster": "local", "user": name, "namespace": namespace });
        config["contexts"] = json!([{ "name": "local", "context": context }]);
        config
    }

    /// Writes a kubeconfig for the bearer of a token, under a name of its own, and returns its path.
    pub(crate) fn kubeconfig_of_token(&self, name: &str, token: &str, namespace: &str) -> PathBuf {
        let path = self.folder.join(format!("kubeconfig-token-{name}"));
        fs::write(&path, self.kubeconfig_with(name, token, namespace).to_string()).unwrap();
        path
    }

    /// Writes a kubeconfig for a user and returns its path. A test uses a namespace of its own, so nobody else writes it.
    pub(crate) fn kubeconfig(&self, user: User, namespace: &str) -> PathBuf {
        let path = self
            .folder
            .join(format!("kubeconfig-{namespace}-{user:?}").replace(['(', ')'], "-"));
        fs::write(&path, self.kubeconfig_text(user, namespace)).unwrap();
        path
    }

    /// A client for the present runtime; its user agent names it in the audit log.
    pub(crate) async fn client(&self, user: User, agent: &str) -> Client {
        let kubeconfig = Kubeconfig::from_yaml(&self.kubeconfig_text(user, "default")).unwrap();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .unwrap();
        config.headers.push((
            http::header::USER_AGENT,
            http::HeaderValue::from_str(agent).unwrap(),
        ));
        Client::try_from(config).unwrap()
    }

    /// A new namespace, seen by the administrator. Held: the hold policy acts in it.
    pub(crate) async fn namespace(&self, name: &str, held: bool) -> Cluster {
        let client = self.client(User::Admin, "tests").await;
        let cluster = Cluster {
            client,
            namespace: name.to_owned(),
        };
        let labels = if held {
            json!({})
        } else {
            json!({ (UNHELD): "true" })
        };
        cluster.create_namespace(&labels).await;
        cluster
    }

    /// Our definitions, then the hold policy for all namespaces but those that ask to be left alone.
    fn install(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = self.client(User::Admin, "tests").await;
            crd_answers::install(&client, &manifests::crds()).await;
            let cluster = Cluster {
                client,
                namespace: String::new(),
            };
            for mut object in manifests::policy() {
                let plural = if object["kind"] == "MutatingAdmissionPolicyBinding" {
                    let expressions = json!([{ "key": UNHELD, "operator": "DoesNotExist" }]);
                    object["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"] = expressions;
                    "mutatingadmissionpolicybindings"
                } else {
                    "mutatingadmissionpolicies"
                };
                let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}");
                cluster
                    .send(http::Method::POST, &path, "application/json", &object)
                    .await
                    .unwrap();
            }
        });
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Only a plane that is not shared is ever dropped: a static lives until the process ends and closes the pipe.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Removes the logs of suites that are gone.
fn forget_dead(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name
            .strip_prefix("control-plane-")
            .and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
