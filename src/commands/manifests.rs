//! `manifests`: prints what a cluster may be given, as YAML.

use crate::{
    cli::{
        Global,
        args::{Manifest, ManifestsArgs},
    },
    error::Result,
    exit_code, manifests,
    ui::Ui,
};

/// Runs the command. Asks no server.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(ui: &Ui, global: &Global, args: &ManifestsArgs) -> Result<u8> {
    let namespace = global.namespace.as_deref();
    let documents: Vec<_> = args
        .what
        .iter()
        .flat_map(|what| match what {
            Manifest::Crds => manifests::crds(),
            Manifest::Policy => manifests::policy(),
            Manifest::Rbac => manifests::rbac(namespace),
            Manifest::Engine => {
                manifests::engine(namespace.unwrap_or(manifests::rbac::NAMESPACE), &args.image)
            }
        })
        .collect();
    ui.text(&manifests::to_yaml(&documents))?;
    Ok(exit_code::DONE)
}
