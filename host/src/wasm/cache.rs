//! Compiled code on disk, so that a component is compiled once a machine and not once a process.
//! An entry is a cache in every sense: it is checked whenever it is read, made again when it is
//! missing, damaged or of another engine, and removed when newer ones need the room.
//!
//! ```text
//! entry  = name of component digest and engine:  <64 hex digits>-<16 hex digits>.code
//! bytes  = SHA-256 over (name, code)  32 bytes
//!          code                       what wasmtime serialized
//! ```

use crate::digest::{Digest, Hasher};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use std::{fs, io};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes that all entries together may take; the least recently used go first.
const CACHE_BYTES_MAX: u64 = 1 << 30;
/// A temporary file older than this was left by a process that died.
const TEMPORARY_AGE_MAX: Duration = Duration::from_secs(3600);
const DIGEST_BYTES: usize = 32;
const SUFFIX: &str = "code";
const TEMPORARY_SUFFIX: &str = "new";

pub struct Cache {
    directory: PathBuf,
    bytes_max: u64,
}

/// What looking an entry up gave.
pub enum Found {
    Code(Component),
    Nothing,
    /// There is one that cannot be used, and why.
    Damaged(String),
}

impl Cache {
    pub fn new(directory: PathBuf) -> Cache {
        Cache { directory, bytes_max: CACHE_BYTES_MAX }
    }

    fn path(&self, engine: &Engine, component: Digest) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.directory.join(format!("{component}-{:016x}.{SUFFIX}", hasher.finish()))
    }

    pub fn find(&self, engine: &Engine, component: Digest) -> Found {
        let path = self.path(engine, component);
        let entry = match fs::read(&path) {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(error) => return Found::Damaged(error.to_string()),
        };
        let Some((digest, code)) = entry.split_at_checked(DIGEST_BYTES) else {
            return Found::Damaged(format!("it has only {} bytes", entry.len()));
        };
        if digest != sum(&path, code).0 {
            return Found::Damaged("its checksum does not match".into());
        }
        match deserialize(engine, code) {
            Ok(component) => {
                mark_used(&path);
                Found::Code(component)
            }
            Err(error) => Found::Damaged(format!("{error:#}")),
        }
    }

    /// Writes an entry in place of what is there. Readers see the old one or the new one whole,
    /// whichever process wrote it.
    pub fn keep(&self, engine: &Engine, component: Digest, code: &[u8]) -> io::Result<()> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let path = self.path(engine, component);
        fs::create_dir_all(&self.directory)?;
        let write = WRITES.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{write}.{TEMPORARY_SUFFIX}", std::process::id()));
        let written = fs::write(&temporary, [&sum(&path, code).0, code].concat())
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // It may not exist; what matters is the first error.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.make_room(&path)
    }

    /// Removes the least recently used entries beyond the limit, but never `newest`.
    fn make_room(&self, newest: &Path) -> io::Result<()> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.directory)? {
            let file = file?;
            // A file that another process has just removed is no concern of ours.
            let Ok(metadata) = file.metadata() else { continue };
            let path = file.path();
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|suffix| suffix.to_str()) {
                Some(SUFFIX) => entries.push((used, metadata.len(), path)),
                Some(TEMPORARY_SUFFIX) if used.elapsed().is_ok_and(|age| age > TEMPORARY_AGE_MAX) => {
                    let _ = fs::remove_file(path);
                }
                _ => {}
            }
        }
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in entries {
            if total <= self.bytes_max {
                break;
            }
            if path != newest && fs::remove_file(path).is_ok() {
                total -= bytes;
            }
        }
        Ok(())
    }
}

/// The checksum covers the entry's name too: a file under another's name is not that other.
fn sum(path: &Path, code: &[u8]) -> Digest {
    let mut hasher = Hasher::new("bifocal compiled component");
    hasher.part(path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default());
    hasher.part(code);
    hasher.finish()
}

/// Lets [`Cache::make_room`] know. A directory that cannot be written still serves its entries.
fn mark_used(path: &Path) {
    let _ = fs::File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// The one hand-written use of `unsafe` in the host.
#[allow(unsafe_code)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: wasmtime runs these bytes as machine code and trusts their layout, so they must be
    // what `Component::serialize` wrote. The caller has verified their SHA-256, which only `keep`
    // writes, and wasmtime itself refuses code of another engine version or configuration. Who can
    // forge an entry can write this user's files and needs no such detour.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn entry_names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn least_recently_used_entries_make_room_and_the_newest_stays() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let code = Component::new(&engine, EMPTY).unwrap().serialize().unwrap();
        let entry_bytes = (code.len() + DIGEST_BYTES) as u64;
        let cache = Cache { directory: directory.path().into(), bytes_max: 2 * entry_bytes };
        let digests = [1, 2, 3].map(|byte| Digest([byte; 32]));
        for (digest, age_s) in digests.iter().zip([100, 300]) {
            cache.keep(&engine, *digest, &code).unwrap();
            let file = fs::File::options().append(true).open(cache.path(&engine, *digest)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age_s)).unwrap();
        }
        // The older one is used again, so the other has to go.
        assert!(matches!(cache.find(&engine, digests[1]), Found::Code(_)));
        cache.keep(&engine, digests[2], &code).unwrap();
        assert!(matches!(cache.find(&engine, digests[0]), Found::Nothing));
        assert!(matches!(cache.find(&engine, digests[1]), Found::Code(_)));
        assert!(matches!(cache.find(&engine, digests[2]), Found::Code(_)));

        let tight = Cache { directory: directory.path().into(), bytes_max: 1 };
        tight.keep(&engine, digests[0], &code).unwrap();
        assert_eq!(entry_names(directory.path()).len(), 1);
        assert!(matches!(tight.find(&engine, digests[0]), Found::Code(_)));
    }

    #[test]
    fn an_entry_under_the_name_of_another_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let code = Component::new(&engine, EMPTY).unwrap().serialize().unwrap();
        let cache = Cache::new(directory.path().into());
        let [one, other] = [1, 2].map(|byte| Digest([byte; 32]));
        cache.keep(&engine, one, &code).unwrap();
        fs::rename(cache.path(&engine, one), cache.path(&engine, other)).unwrap();
        assert!(matches!(cache.find(&engine, other), Found::Damaged(_)));
    }

    #[test]
    fn temporary_files_of_dead_processes_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let (old, young) = (directory.path().join("a.1-0.new"), directory.path().join("a.1-1.new"));
        fs::write(&young, "").unwrap();
        let file = fs::File::create(&old).unwrap();
        file.set_modified(SystemTime::now() - 2 * TEMPORARY_AGE_MAX).unwrap();
        let code = Component::new(&engine, EMPTY).unwrap().serialize().unwrap();
        Cache::new(directory.path().into()).keep(&engine, Digest([1; 32]), &code).unwrap();
        assert!(!old.exists());
        assert!(young.exists());
    }
}
