//! Verbs that bring a new version: set and apply.

use clap::{Args, Subcommand};

use super::{
    super::{
        target::{ObjectArgs, PickArgs},
        values::Amount,
    },
    ChangeArgs,
};

/// What a command does that holds a new version back.
const HOLDS: &str = "\
The new version is held in the request that brings it, so that no pod of it starts before an engine acts ('rollout run',
'rollout run --forever' in the cluster, or --standalone here). Nothing is held where no enabled Rollout names the workload,
where a controller in the cluster holds new versions, where there are 0 replicas, or where the update strategy is OnDelete.
Before that, the finalizer rollouts.kruise.io/rollout is put on the Rollout if it has none: a Rollout that is deleted then
stays until an engine has given its workload back to the user.";

/// What `set` can change.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum SetVerb {
    /// Set images of containers
    #[command(after_help = HOLDS)]
    Image(SetImageArgs),
    /// Set or remove environment variables of containers
    #[command(after_help = HOLDS)]
    Env(SetEnvArgs),
    /// Set limits and requests of containers
    #[command(after_help = HOLDS)]
    Resources(SetResourcesArgs),
}

/// Set images of containers
#[derive(Args, Debug)]
pub struct SetImageArgs {
    /// Rollouts or workloads (TYPE NAME, TYPE/NAME; a bare NAME is a Rollout), then images by container; * stands for all
    #[arg(value_name = "TARGET... CONTAINER=IMAGE", required = true)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Set or remove environment variables of containers
#[derive(Args, Debug)]
pub struct SetEnvArgs {
    /// Rollouts or workloads (TYPE NAME, TYPE/NAME; a bare NAME is a Rollout), then variables: KEY=VALUE, or KEY- to remove one
    #[arg(value_name = "TARGET... KEY=VALUE", required = true)]
    pub words: Vec<String>,
    /// Only these containers; * stands for any text
    #[arg(short, long, value_name = "NAME", default_value = "*")]
    pub containers: String,
    /// A variable for every key of configmap/NAME or secret/NAME
    #[arg(long, value_name = "TYPE/NAME")]
    pub from: Option<String>,
    /// What the names of variables of --from begin with
    #[arg(long, value_name = "TEXT", default_value = "", requires = "from")]
    pub prefix: String,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Set limits and requests of containers
#[derive(Args, Debug)]
pub struct SetResourcesArgs {
    #[command(flatten)]
    pub(crate) targets: ObjectArgs,
    /// Only these containers; * stands for any text
    #[arg(short, long, value_name = "NAME", default_value = "*")]
    pub containers: String,
    /// Limits, such as cpu=500m,memory=1Gi
    #[arg(
        long,
        value_name = "NAME=AMOUNT",
        value_delimiter = ',',
        required_unless_present = "requests"
    )]
    pub limits: Vec<Amount>,
    /// Requests, such as cpu=100m,memory=256Mi
    #[arg(long, value_name = "NAME=AMOUNT", value_delimiter = ',')]
    pub requests: Vec<Amount>,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Apply manifests; a new version of a workload that a Rollout names is held back
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// Files or folders of manifests, YAML or JSON; - reads them from stdin
    #[arg(short, long, value_name = "FILE", required = true, value_delimiter = ',')]
    pub filename: Vec<String>,
    /// Read folders within folders too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}
