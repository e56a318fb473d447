//! From kubeconfig and flags to a client.

use std::{path::PathBuf, sync::Arc, time::Duration};

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
        clock: Clock::wall(),
        request_timeout,
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
    let read = match &access.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let loaded = match read {
        Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
        Err(error) => Err(error),
    };
    let mut config = match (loaded, &access.server) {
        (Ok(config), _) => config,
        (Err(_), Some(server)) => Config::new(url(server)?),
        (Err(error), None) if in_cluster_allowed(access, &error) => {
            Config::incluster().map_err(|_| without_kubeconfig(access, &error))?
        }
        (Err(error), None) => return Err(without_kubeconfig(access, &error)),
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

/// A service account is used only where no kubeconfig was asked for or found.
fn in_cluster_allowed(access: &Access, error: &KubeconfigError) -> bool {
    let missing = match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(error, _) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    };
    access.kubeconfig.is_none() && access.context.is_none() && missing
}

fn without_kubeconfig(access: &Access, error: &KubeconfigError) -> Error {
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
        KubeconfigError::LoadContext(name) => general(format!("the kubeconfig has no context {name:?}"))
            .hint("'kubectl config get-contexts' lists them"),
        KubeconfigError::LoadClusterOfContext(name) => {
            general(format!("the kubeconfig has no cluster {name:?}"))
                .hint("'kubectl config get-clusters' lists them")
        }
        KubeconfigError::Parse(cause) => {
            let place = access
                .kubeconfig
                .as_ref()
                .map(|path| format!(" {}", path.display()))
                .unwrap_or_default();
            general(format!(
                "the kubeconfig{place} is not valid: {}",
                failure::first_line(&cause.to_string())
            ))
        }
        other => general(format!(
            "the kubeconfig is not usable: {}",
            failure::first_line(&other.to_string())
        )),
    }
}
