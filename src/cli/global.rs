//! kubectl's global flags.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::values::{ColorChoice, duration};
use crate::cluster::Access;

/// Flags that every command takes, with kubectl's names and meanings.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Namespace; the context's own unless given
    #[arg(short, long, global = true, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub user: Option<String>,
    /// Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub kubeconfig: Option<PathBuf>,
    /// Address of the API server
    #[arg(short, long, global = true, value_name = "URL", hide_short_help = true)]
    pub server: Option<String>,
    /// Bearer token
    #[arg(long, global = true, value_name = "TOKEN", hide_short_help = true)]
    pub token: Option<String>,
    /// User to act as
    #[arg(long = "as", global = true, value_name = "USER", hide_short_help = true)]
    pub act_as: Option<String>,
    /// Group to act as; may be repeated
    #[arg(
        long = "as-group",
        global = true,
        value_name = "GROUP",
        hide_short_help = true
    )]
    pub act_as_group: Vec<String>,
    /// Do not check the API server's certificate
    #[arg(long, global = true, hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,
    /// File of the certificates that the API server is known by
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub certificate_authority: Option<PathBuf>,
    /// File of the certificate to be known by
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "client_key",
        hide_short_help = true
    )]
    pub client_certificate: Option<PathBuf>,
    /// File of the key to that certificate
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "client_certificate",
        hide_short_help = true
    )]
    pub client_key: Option<PathBuf>,
    /// Name in the API server's certificate, where it is not that of the address
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub tls_server_name: Option<String>,
    /// Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache
    #[arg(long, global = true, value_name = "FOLDER", hide_short_help = true)]
    pub cache_dir: Option<PathBuf>,
    /// How long one request may take, such as 10s; 30s unless given, 0 for no limit
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    pub request_timeout: Option<Duration>,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_short_help = true
    )]
    pub color: ColorChoice,
    /// How much to tell on stderr; 6 shows requests
    #[arg(
        short = 'v',
        long = "v",
        global = true,
        value_name = "LEVEL",
        default_value_t = 0,
        hide_short_help = true
    )]
    pub verbosity: u8,
}

impl Global {
    /// The flags that say how to reach the API server.
    #[must_use]
    pub fn access(&self) -> Access {
        Access {
            namespace: self.namespace.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            kubeconfig: self.kubeconfig.clone(),
            server: self.server.clone(),
            token: self.token.clone(),
            act_as: self.act_as.clone(),
            act_as_group: self.act_as_group.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            certificate_authority: self.certificate_authority.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            tls_server_name: self.tls_server_name.clone(),
            cache_dir: self.cache_dir.clone(),
            request_timeout: self.request_timeout,
        }
    }
}
