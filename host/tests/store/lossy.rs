//! A disk in memory that forgets, when power is lost, what was not synced: any part of the bytes
//! written to a file since its last sync, and any part of the names changed in a folder since its own.

use super::events::Random;
use bifocal::store::{Disk, File};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Clone, Debug, Default)]
struct Contents {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Renaming {
    Made(String, usize),
    Gone(String),
    Renamed(String, String),
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Contents>,
    /// Names as a running process sees them, and as they would be after power was lost.
    names: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<Renaming>,
    operations: u64,
    fails_at: Option<u64>,
}

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Lossy(Arc<Mutex<State>>);

#[derive(Debug)]
struct Open(Arc<Mutex<State>>, usize);

fn lost() -> io::Error {
    io::Error::other("power was lost")
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{name}: no such file"))
}

impl State {
    /// One more change of the disk, unless power is gone.
    fn tick(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self.fails_at.is_some_and(|at| self.operations > at) { Err(lost()) } else { Ok(()) }
    }
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write(at, written) => {
            if bytes.len() < at + written.len() {
                bytes.resize(at + written.len(), 0);
            }
            bytes[*at..at + written.len()].copy_from_slice(written);
        }
    }
}

fn rename(names: &mut BTreeMap<String, usize>, change: &Renaming) {
    match change {
        Renaming::Made(name, file) => _ = names.insert(name.clone(), *file),
        Renaming::Gone(name) => _ = names.remove(name),
        Renaming::Renamed(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
    }
}

impl Lossy {
    pub fn operations(&self) -> u64 {
        self.0.lock().unwrap().operations
    }

    /// Loses power at the change after so many.
    pub fn fail_at(&self, operations: u64) {
        self.0.lock().unwrap().fails_at = Some(operations);
    }

    /// The disk as a machine finds it that starts again: which of the changes that were not synced are
    /// there is chosen by `random`.
    pub fn after_power_loss(&self, random: &mut Random) -> Lossy {
        let state = self.0.lock().unwrap();
        let mode = random.below(4);
        let keep = move |random: &mut Random| match mode {
            0 => false,
            1 => true,
            _ => random.below(2) == 0,
        };
        let mut names = state.durable.clone();
        // A journal keeps the order of names: some first part of the changes is there.
        let kept = match mode {
            0 => 0,
            1 => state.pending.len(),
            _ => random.below(state.pending.len() as u64 + 1) as usize,
        };
        state.pending[..kept].iter().for_each(|change| rename(&mut names, change));
        let mut files = Vec::new();
        for contents in &state.files {
            let mut bytes = contents.durable.clone();
            for change in &contents.pending {
                match change {
                    Change::Length(_) if keep(random) => apply(&mut bytes, change),
                    Change::Length(_) => {}
                    Change::Write(at, written) => {
                        for (i, sector) in written.chunks(SECTOR_BYTES).enumerate() {
                            let at = at + i * SECTOR_BYTES;
                            if keep(random) && at + sector.len() <= bytes.len() {
                                apply(&mut bytes, &Change::Write(at, sector.to_vec()));
                            }
                        }
                    }
                }
            }
            files.push(Contents { live: bytes.clone(), durable: bytes, pending: Vec::new() });
        }
        let state = State { files, durable: names.clone(), names, ..State::default() };
        Lossy(Arc::new(Mutex::new(state)))
    }

    /// Flips one bit of a file.
    pub fn flip(&self, name: &str, bit: u64) {
        let mut state = self.0.lock().unwrap();
        let file = state.names[name];
        let contents = &mut state.files[file];
        let byte = (bit / 8) as usize % contents.live.len();
        contents.live[byte] ^= 1 << (bit % 8);
        contents.durable = contents.live.clone();
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().names.keys().cloned().collect()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        state.files[state.names[name]].live.clone()
    }
}

impl Disk for Lossy {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut state = self.0.lock().unwrap();
        if let Some(file) = state.names.get(name) {
            return Ok(Box::new(Open(self.0.clone(), *file)));
        }
        state.tick()?;
        let file = state.files.len();
        state.files.push(Contents::default());
        state.names.insert(name.into(), file);
        state.pending.push(Renaming::Made(name.into(), file));
        Ok(Box::new(Open(self.0.clone(), file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let state = self.0.lock().unwrap();
        let file = state.names.get(name).ok_or_else(|| missing(name))?;
        Ok(Box::new(Open(self.0.clone(), *file)))
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.tick()?;
        state.names.remove(name).ok_or_else(|| missing(name))?;
        state.pending.push(Renaming::Gone(name.into()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.tick()?;
        let change = Renaming::Renamed(from.into(), to.into());
        rename(&mut state.names, &change);
        state.pending.push(change);
        Ok(())
    }

    fn create_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, wanted: &str) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        if state.names.contains_key(wanted) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let inside = if wanted.is_empty() { String::new() } else { format!("{wanted}/") };
        let below = state.names.keys().filter_map(|name| name.strip_prefix(&inside));
        let mut names: Vec<String> = below.map(|rest| rest.split('/').next().unwrap().into()).collect();
        names.dedup();
        Ok(names)
    }

    fn sync_folder(&self, wanted: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.tick()?;
        let is_here = |change: &Renaming| match change {
            Renaming::Made(name, _) | Renaming::Gone(name) | Renaming::Renamed(_, name) => {
                folder(name) == wanted
            }
        };
        let (here, elsewhere): (Vec<_>, Vec<_>) = state.pending.drain(..).partition(is_here);
        state.pending = elsewhere;
        here.iter().for_each(|change| rename(&mut state.durable, change));
        Ok(())
    }
}

impl File for Open {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().files[self.1].live.len() as u64)
    }

    fn read(&self, position: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let at = position as usize;
        let bytes = state.files[self.1].live.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.tick()?;
        let change = Change::Write(position as usize, bytes.to_vec());
        let contents = &mut state.files[self.1];
        apply(&mut contents.live, &change);
        contents.pending.push(change);
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.tick()?;
        let change = Change::Length(bytes as usize);
        let contents = &mut state.files[self.1];
        apply(&mut contents.live, &change);
        contents.pending.push(change);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.tick()?;
        let Contents { durable, pending, .. } = &mut state.files[self.1];
        pending.drain(..).for_each(|change| apply(durable, &change));
        Ok(())
    }
}
