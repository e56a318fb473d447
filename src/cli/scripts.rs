//! A folder of scripts, read where it is typed: what is wrong with it is said before anything is done.

use std::{fs, io, path::Path, sync::Arc};

use crate::traffic::script::{Folder, key_of_path};

/// What a folder holds, for its error.
const LAYOUT: &str =
    "trafficrouting_ingress/CLASS.lua, GROUP/KIND/trafficRouting.lua or files named lua.traffic.routing...";

/// Reads the scripts of a folder: laid out as OpenKruise Rollouts has them, or as a ConfigMap of scripts is mounted.
///
/// # Errors
/// It cannot be read, or holds no script.
pub(super) fn folder(name: &str) -> Result<Arc<Folder>, String> {
    let mut folder = Folder {
        name: name.to_owned(),
        ..Folder::default()
    };
    read(Path::new(name), &mut Vec::new(), &mut folder)?;
    if folder.texts.is_empty() {
        return Err(format!("no script in it: it should hold {LAYOUT}"));
    }
    Ok(Arc::new(folder))
}

fn read(at: &Path, names: &mut Vec<String>, folder: &mut Folder) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", at.display());
    for entry in fs::read_dir(at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A mounted ConfigMap keeps its past in hidden folders.
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        names.push(name);
        let is_folder = fs::metadata(&path).map_err(failed)?.is_dir();
        if is_folder && names.len() < 3 {
            read(&path, names, folder)?;
        } else if !is_folder {
            let parts: Vec<&str> = names.iter().map(String::as_str).collect();
            if let Some(key) = key_of_path(&parts) {
                let text =
                    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                folder.texts.insert(key, text.into());
            }
        }
        names.pop();
    }
    Ok(())
}
