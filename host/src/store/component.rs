//! Components as files, by the digest of their bytes.

use super::disk::Disk;
use super::error::Error;
use crate::digest::Digest;

pub const FOLDER: &str = "components";

/// The file name of a component.
pub fn name(digest: &str) -> String {
    format!("{digest}.wasm")
}

/// Keeps a component; it is there whole or not at all, whenever power is lost.
pub fn put(disk: &dyn Disk, bytes: &[u8]) -> Result<Digest, Error> {
    let digest = Digest::of(bytes);
    let name = name(&digest.to_string());
    let fail = |cause| Error::disk(&format!("{FOLDER}/{name}"), cause);
    disk.create_folder(FOLDER).and_then(|()| disk.sync_folder("")).map_err(fail)?;
    let unfinished = format!("{FOLDER}/new-{name}");
    let file = disk.create(&unfinished).map_err(fail)?;
    file.set_len(bytes.len() as u64).map_err(fail)?;
    file.write(0, bytes).and_then(|()| file.sync()).map_err(fail)?;
    disk.rename(&unfinished, &format!("{FOLDER}/{name}")).map_err(fail)?;
    disk.sync_folder(FOLDER).map_err(fail)?;
    Ok(digest)
}

pub fn get(disk: &dyn Disk, digest: &str) -> Result<Vec<u8>, Error> {
    let path = format!("{FOLDER}/{}", name(digest));
    let fail = |cause| Error::disk(&path, cause);
    let file = disk.open(&path).map_err(fail)?;
    let mut bytes = vec![0; file.size().map_err(fail)? as usize];
    file.read(0, &mut bytes).map_err(fail)?;
    let found = Digest::of(&bytes).to_string();
    if found == digest { Ok(bytes) } else { Err(Error::damaged(&path, format!("its digest is {found}"))) }
}
