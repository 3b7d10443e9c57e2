//! Removing what is no longer, or not yet, the catalog's: what a process left that died on its way.

use super::catalog::{Catalog, StreamRecord, ViewRecord};
use super::component;
use super::disk::Disk;
use super::error::Error;
use std::collections::BTreeSet;

/// Files of the speed view, a cache that no catalog names: who follows a view keeps what fits.
pub const DELTA_PREFIX: &str = "delta-";

/// Removes folders and files that the catalog does not name; which they were.
pub fn sweep(disk: &dyn Disk, catalog: &Catalog) -> Result<Vec<String>, Error> {
    let mut swept = Vec::new();
    let streams = catalog.all::<StreamRecord>()?;
    let views = catalog.all::<ViewRecord>()?;
    let known = streams.iter().map(|stream| stream.number.to_string()).collect();
    remove_unknown(disk, "streams", &known, &mut swept)?;
    let known = views.iter().map(|view| view.number.to_string()).collect();
    remove_unknown(disk, "views", &known, &mut swept)?;
    for view in &views {
        let known = view.runs.iter().filter_map(|run| run.file.clone()).collect();
        remove_unknown(disk, &view.folder(), &known, &mut swept)?;
    }
    let versions = views.iter().flat_map(|view| &view.versions);
    let known = versions.map(|version| component::name(&version.component)).collect();
    remove_unknown(disk, component::FOLDER, &known, &mut swept)?;
    Ok(swept)
}

fn remove_unknown(
    disk: &dyn Disk,
    folder: &str,
    known: &BTreeSet<String>,
    swept: &mut Vec<String>,
) -> Result<(), Error> {
    for name in disk.list(folder).map_err(|cause| Error::disk(folder, cause))? {
        if !known.contains(&name) && !name.starts_with(DELTA_PREFIX) {
            let path = format!("{folder}/{name}");
            remove_tree(disk, &path)?;
            swept.push(path);
        }
    }
    Ok(())
}

/// Removes a file, or a folder with all that is in it; nothing if there is no such thing.
pub fn remove_tree(disk: &dyn Disk, name: &str) -> Result<(), Error> {
    let fail = |cause| Error::disk(name, cause);
    let Some((folder, last)) = name.rsplit_once('/') else { return Ok(()) };
    if !disk.list(folder).map_err(fail)?.iter().any(|there| there == last) {
        return Ok(());
    }
    // What cannot be listed is no folder.
    match disk.list(name) {
        Ok(names) => {
            names.iter().try_for_each(|inner| remove_tree(disk, &format!("{name}/{inner}")))?;
            disk.remove_folder(name).map_err(fail)
        }
        Err(_) => disk.unlink(name).map_err(fail),
    }
}
