//! From kubeconfig and flags to a client.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Client, Config,
    client::ClientBuilder,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{Cluster, Versions, failure};
use crate::{
    clock::Clock,
    error::{Error, Kind, Result},
};

/// What every request says of its sender.
pub const AGENT: &str = concat!("kubectl-kruise/", env!("CARGO_PKG_VERSION"));

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one request of a command may take when `--request-timeout` is not given.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How to reach and be known to the API server: kubectl's global flags.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--server`.
    pub server: Option<String>,
    /// `--token`.
    pub token: Option<String>,
    /// `--as`.
    pub act_as: Option<String>,
    /// `--as-group`.
    pub act_as_group: Vec<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--cache-dir`.
    pub cache_dir: Option<PathBuf>,
    /// `--request-timeout`; zero means no limit.
    pub request_timeout: Option<Duration>,
}

/// Connects with the user's flags. Sends nothing, except that a credential plugin may run.
///
/// # Errors
/// When there is no usable kubeconfig, or the credentials cannot be had.
pub async fn connect(access: &Access) -> Result<Cluster> {
    let config = config(access).await?;
    let namespace = access
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let client = client(config, &server)?;
    let request_timeout = match access.request_timeout {
        Some(Duration::ZERO) => None,
        given => Some(given.unwrap_or(REQUEST_TIMEOUT)),
    };
    let versions = Arc::new(Versions::of(&server, access.cache_dir.clone()));
    Ok(Cluster {
        client,
        namespace,
        server,
        versions,
        clock: Clock::machine(),
        request_timeout,
        memory: super::Memory::default(),
    })
}

/// Connects for the engine: as [`connect`], with kube's own patience for a server that is busy or away.
///
/// # Errors
/// As [`connect`].
pub async fn connect_engine(access: &Access) -> Result<Client> {
    let mut config = config(access).await?;
    config.default_retry = true;
    let server = config.cluster_url.to_string();
    client(config, &server)
}

fn client(config: Config, server: &str) -> Result<Client> {
    Ok(ClientBuilder::try_from(config)
        .map_err(|error| failure::credentials(&error, server))?
        .build())
}

async fn config(access: &Access) -> Result<Config> {
    let options = KubeConfigOptions {
        context: access.context.clone(),
        cluster: access.cluster.clone(),
        user: access.user.clone(),
    };
    let loaded = match read(access) {
        Ok(kubeconfig) => {
            named_are_there(access, &kubeconfig)?;
            let user = user(access, &kubeconfig);
            match Config::from_custom_kubeconfig(kubeconfig, &options).await {
                // The address says which server; who asks is said by --user, or nobody in particular.
                Err(KubeconfigError::CurrentContextNotSet) if access.server.is_some() => {
                    Ok(Base::Bare(Box::new(user)))
                }
                loaded => loaded
                    .map(|config| Base::Whole(Box::new(config)))
                    .map_err(|error| (None, error)),
            }
        }
        Err(error) => Err(error),
    };
    let mut config = match (loaded, &access.server) {
        (Ok(Base::Whole(config)), _) => *config,
        (Ok(Base::Bare(user)), server) => {
            let mut config = Config::new(url(server.as_deref().unwrap_or_default())?);
            config.auth_info = *user;
            config
        }
        (Err((_, error)), Some(server)) if is_none(access, &error) => Config::new(url(server)?),
        (Err((place, error)), None) if is_none(access, &error) && access.context.is_none() => {
            Config::incluster().map_err(|_| without_kubeconfig(place.as_deref(), &error))?
        }
        (Err((place, error)), _) => return Err(without_kubeconfig(place.as_deref(), &error)),
    };
    if let Some(server) = &access.server {
        config.cluster_url = url(server)?;
    }
    if let Some(token) = &access.token {
        config.auth_info = AuthInfo {
            token: Some(token.clone().into()),
            ..AuthInfo::default()
        };
    }
    if let Some(user) = &access.act_as {
        config.auth_info.impersonate = Some(user.clone());
    }
    if !access.act_as_group.is_empty() {
        config.auth_info.impersonate_groups = Some(access.act_as_group.clone());
    }
    if let Some(file) = &access.certificate_authority {
        std::fs::metadata(file).map_err(|error| {
            let shown = file.display();
            Error::new(
                Kind::General,
                format!("cannot read --certificate-authority {shown}: {error}"),
            )
        })?;
        config.root_cert = None;
        config.root_cert_file = Some(file.clone());
    }
    if let Some(name) = &access.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    let text = |file: &Option<PathBuf>| file.as_ref().map(|file| file.display().to_string());
    if access.client_certificate.is_some() || access.client_key.is_some() {
        config.auth_info.client_certificate = text(&access.client_certificate);
        config.auth_info.client_certificate_data = None;
        config.auth_info.client_key = text(&access.client_key);
        config.auth_info.client_key_data = None;
    }
    if access.insecure_skip_tls_verify {
        config.accept_invalid_certs = true;
        config.root_cert = None;
        config.root_cert_file = None;
    }
    let is_plain = config.cluster_url.scheme_str() == Some("http") && config.proxy_url.is_none();
    if (is_plain || config.accept_invalid_certs)
        && config.root_cert.is_none()
        && config.root_cert_file.is_none()
    {
        // Nobody's certificate is checked: to read all that the system knows would be half a megabyte for nothing.
        config.root_cert = Some(Vec::new());
    }
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static(AGENT)));
    Ok(config)
}

fn url(server: &str) -> Result<http::Uri> {
    let full = if server.contains("://") {
        server.to_owned()
    } else {
        format!("http://{server}")
    };
    full.parse()
        .map_err(|_| Error::usage(format!("--server {server:?} is no URL")))
}

/// The contexts of the kubeconfig, each with its cluster; none where it cannot be read.
#[must_use]
pub fn contexts(access: &Access) -> Vec<(String, String)> {
    let known = read(access)
        .map(|kubeconfig| kubeconfig.contexts)
        .unwrap_or_default();
    let cluster = |named: kube::config::NamedContext| {
        let cluster = named.context.map(|context| context.cluster).unwrap_or_default();
        (named.name, cluster)
    };
    known.into_iter().map(cluster).collect()
}

/// What a kubeconfig comes to.
enum Base {
    /// A server, and who asks it.
    Whole(Box<Config>),
    /// Only who asks.
    Bare(Box<AuthInfo>),
}

/// What is wrong with a kubeconfig, and with which file if that is known.
type Unusable = (Option<PathBuf>, KubeconfigError);

/// Reads the kubeconfig of `--kubeconfig`, or the files of KUBECONFIG, or the one in the user's home. Of a list, files that
/// are not there are passed over, as kubectl does.
fn read(access: &Access) -> std::result::Result<Kubeconfig, Unusable> {
    let one = |path: &Path| Kubeconfig::read_from(path).map_err(|error| (Some(path.to_owned()), error));
    if let Some(path) = &access.kubeconfig {
        return one(path);
    }
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let listed: Vec<PathBuf> = std::env::split_paths(&listed)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if listed.is_empty() {
        return Kubeconfig::read().map_err(|error| (None, error));
    }
    let mut merged: Option<Kubeconfig> = None;
    let mut missing = None;
    for path in &listed {
        match one(path) {
            Err(error) if is_missing(&error.1) => missing = missing.or(Some(error)),
            read => {
                let before = merged.unwrap_or_default();
                merged = Some(before.merge(read?).map_err(|error| (Some(path.clone()), error))?);
            }
        }
    }
    match (merged, missing) {
        (None, Some(error)) => Err(error),
        (merged, _) => Ok(merged.unwrap_or_default()),
    }
}

/// Checks that what the command line names is in the kubeconfig: without that a name mistyped would mean nobody.
fn named_are_there(access: &Access, kubeconfig: &Kubeconfig) -> Result<()> {
    let users = || kubeconfig.auth_infos.iter().map(|named| named.name.as_str());
    if let Some(user) = access
        .user
        .as_deref()
        .filter(|user| !users().any(|name| name == *user))
    {
        return Err(no_such("user", user, "users"));
    }
    let clusters = || kubeconfig.clusters.iter().map(|named| named.name.as_str());
    match access
        .cluster
        .as_deref()
        .filter(|cluster| !clusters().any(|name| name == *cluster))
    {
        Some(cluster) => Err(no_such("cluster", cluster, "clusters")),
        None => Ok(()),
    }
}

fn no_such(what: &str, name: &str, list: &str) -> Error {
    Error::new(Kind::General, format!("the kubeconfig has no {what} {name:?}"))
        .hint(format!("'kubectl config get-{list}' lists them"))
}

/// The credentials of `--user`; none without it.
fn user(access: &Access, kubeconfig: &Kubeconfig) -> AuthInfo {
    let named = kubeconfig
        .auth_infos
        .iter()
        .find(|named| Some(&named.name) == access.user.as_ref());
    named
        .and_then(|named| named.auth_info.clone())
        .unwrap_or_default()
}

fn is_missing(error: &KubeconfigError) -> bool {
    matches!(error, KubeconfigError::ReadConfig(error, _) if error.kind() == std::io::ErrorKind::NotFound)
}

/// Whether there is no kubeconfig, and nobody asked for one: a service account, or `--server` alone, may do.
fn is_none(access: &Access, error: &KubeconfigError) -> bool {
    let named = [&access.context, &access.user, &access.cluster];
    let missing = matches!(error, KubeconfigError::FindPath) || is_missing(error);
    access.kubeconfig.is_none() && named.iter().all(|name| name.is_none()) && missing
}

fn without_kubeconfig(place: Option<&Path>, error: &KubeconfigError) -> Error {
    let general = |message: String| Error::new(Kind::General, message);
    match error {
        KubeconfigError::FindPath => general("no kubeconfig was found".into())
            .hint("set KUBECONFIG or give --kubeconfig; 'kubectl kruise rollout demo' needs no cluster"),
        KubeconfigError::ReadConfig(cause, path) => {
            general(format!("cannot read kubeconfig {}: {cause}", path.display()))
                .hint("set KUBECONFIG or give --kubeconfig; 'kubectl kruise rollout demo' needs no cluster")
        }
        KubeconfigError::CurrentContextNotSet => general("the kubeconfig has no current context".into())
            .hint("give --context NAME, or run 'kubectl config use-context NAME'"),
        KubeconfigError::LoadContext(name) => no_such("context", name, "contexts"),
        KubeconfigError::LoadClusterOfContext(name) => no_such("cluster", name, "clusters"),
        error => {
            let place = place
                .map(|path| format!(" {}", path.display()))
                .unwrap_or_default();
            let (word, cause) = match error {
                KubeconfigError::Parse(cause) => ("valid", cause.without_snippet().to_string()),
                other => ("usable", other.to_string()),
            };
            let cause = failure::first_line(&cause);
            let cause = cause.strip_prefix("error: ").unwrap_or(cause);
            general(format!("the kubeconfig{place} is not {word}: {cause}"))
        }
    }
}
