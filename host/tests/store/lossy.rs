//! A disk in memory that forgets, when power is lost, what was not synced: any part of the bytes
//! written to a file since its last sync, and any part of the names changed in a folder since its own,
//! names of folders included.

use super::events::Random;
use bifocal::store::{Disk, File};
use std::collections::{BTreeMap, BTreeSet};
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
    FolderMade(String),
    FolderGone(String),
}

#[derive(Clone, Debug, Default)]
struct Names {
    files: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<Contents>,
    /// Names as a running process sees them, and as they would be after power was lost.
    live: Names,
    durable: Names,
    pending: Vec<Renaming>,
    operations: u64,
    fails_at: Option<u64>,
    /// There is no room for new files whose names have this.
    refused: Option<String>,
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

    fn change(&mut self, change: Renaming) {
        self.live.change(&change);
        self.pending.push(change);
    }
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folders that a name lies in, from the outermost.
fn folders(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(end, _)| &name[..end])
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

impl Names {
    fn change(&mut self, change: &Renaming) {
        match change {
            Renaming::Made(name, file) => _ = self.files.insert(name.clone(), *file),
            Renaming::Gone(name) => _ = self.files.remove(name),
            Renaming::Renamed(from, to) => {
                if let Some(file) = self.files.remove(from) {
                    self.files.insert(to.clone(), file);
                }
            }
            Renaming::FolderMade(name) => _ = self.folders.insert(name.clone()),
            // What is made under its name later is another folder, with nothing in it.
            Renaming::FolderGone(name) => {
                let inside = format!("{name}/");
                self.folders.retain(|other| other != name && !other.starts_with(&inside));
                self.files.retain(|other, _| !other.starts_with(&inside));
            }
        }
    }

    fn has_folder(&self, name: &str) -> bool {
        name.is_empty() || self.folders.contains(name)
    }

    /// Forgets what lies in folders that are not there.
    fn prune(&mut self) {
        let all = self.folders.clone();
        let is_reached = |name: &str| folders(name).all(|folder| all.contains(folder));
        self.folders.retain(|name| is_reached(name));
        self.files.retain(|name, _| is_reached(name));
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let inside = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let all = self.files.keys().chain(&self.folders);
        let below = all.filter_map(|name| name.strip_prefix(&inside)).filter(|rest| !rest.contains('/'));
        let names: BTreeSet<String> = below.map(str::to_owned).collect();
        names.into_iter().collect()
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

    /// From now on there is no room for new files whose names have this.
    #[allow(dead_code, reason = "the tests of the host use it")]
    pub fn refuse(&self, part_of_name: Option<&str>) {
        self.0.lock().unwrap().refused = part_of_name.map(str::to_owned);
    }

    /// A disk that has these folders for good.
    pub fn with_folders(names: &[&str]) -> Lossy {
        let folders: BTreeSet<String> = names.iter().map(|name| name.to_string()).collect();
        let names = Names { folders, ..Names::default() };
        let state = State { live: names.clone(), durable: names, ..State::default() };
        Lossy(Arc::new(Mutex::new(state)))
    }

    /// Another disk in the same state, with power and with no changes counted: what the next process
    /// finds when one was killed.
    pub fn copy(&self) -> Lossy {
        let state = State { operations: 0, fails_at: None, ..self.0.lock().unwrap().clone() };
        Lossy(Arc::new(Mutex::new(state)))
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
        state.pending[..kept].iter().for_each(|change| names.change(change));
        names.prune();
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
        let state = State { files, durable: names.clone(), live: names, ..State::default() };
        Lossy(Arc::new(Mutex::new(state)))
    }

    /// Flips one bit of a file.
    pub fn flip(&self, name: &str, bit: u64) {
        let mut state = self.0.lock().unwrap();
        let file = state.live.files[name];
        let contents = &mut state.files[file];
        let byte = (bit / 8) as usize % contents.live.len();
        contents.live[byte] ^= 1 << (bit % 8);
        contents.durable = contents.live.clone();
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().live.files.keys().cloned().collect()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        state.files[state.live.files[name]].live.clone()
    }
}

impl Disk for Lossy {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut state = self.0.lock().unwrap();
        if let Some(file) = state.live.files.get(name) {
            return Ok(Box::new(Open(self.0.clone(), *file)));
        }
        if !state.live.has_folder(folder(name)) {
            return Err(missing(folder(name)));
        }
        if state.refused.as_ref().is_some_and(|refused| name.contains(refused)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.tick()?;
        let file = state.files.len();
        state.files.push(Contents::default());
        state.change(Renaming::Made(name.into(), file));
        Ok(Box::new(Open(self.0.clone(), file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let state = self.0.lock().unwrap();
        let file = state.live.files.get(name).ok_or_else(|| missing(name))?;
        Ok(Box::new(Open(self.0.clone(), *file)))
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if !state.live.files.contains_key(name) {
            return Err(missing(name));
        }
        state.tick()?;
        state.change(Renaming::Gone(name.into()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if !state.live.files.contains_key(from) {
            return Err(missing(from));
        }
        state.tick()?;
        state.change(Renaming::Renamed(from.into(), to.into()));
        Ok(())
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        for folder in folders(name).chain([name]) {
            if !state.live.has_folder(folder) {
                state.tick()?;
                state.change(Renaming::FolderMade(folder.into()));
            }
        }
        Ok(())
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if !state.live.has_folder(name) {
            return Err(missing(name));
        }
        if !state.live.list(name).is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.tick()?;
        state.change(Renaming::FolderGone(name.into()));
        Ok(())
    }

    fn list(&self, wanted: &str) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        if state.live.files.contains_key(wanted) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(state.live.list(wanted))
    }

    fn sync_folder(&self, wanted: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if !state.live.has_folder(wanted) {
            return Err(missing(wanted));
        }
        state.tick()?;
        let is_here = |change: &Renaming| match change {
            Renaming::Made(name, _)
            | Renaming::Gone(name)
            | Renaming::Renamed(_, name)
            | Renaming::FolderMade(name)
            | Renaming::FolderGone(name) => folder(name) == wanted,
        };
        let (here, elsewhere): (Vec<_>, Vec<_>) = state.pending.drain(..).partition(is_here);
        state.pending = elsewhere;
        here.iter().for_each(|change| state.durable.change(change));
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

/// Whether all cases are wanted, or as many as a test may take.
pub fn is_long() -> bool {
    std::env::var_os("BIFOCAL_LONG").is_some()
}

/// Where power is lost, of so many changes: at `points` that lie as far apart as they can. The last one is
/// behind the last change, where nothing but what was not synced is lost.
pub fn points(operations: u64, points: u64) -> Vec<u64> {
    let points = points.min(operations).max(1);
    (0..=points).map(|i| i * operations / points).collect()
}

/// Lets `act` change a disk that stands as `start` does, and loses power at its changes in turn; then
/// the machine starts again, and now and then loses power once more while it does `restart`. `examine`
/// is given what is found in the end, and what `act` said before. Says how many changes there are.
pub fn lose_power<T>(
    start: &Lossy,
    at_most: u64,
    act: impl Fn(&Lossy) -> T,
    restart: impl Fn(&Lossy),
    examine: impl FnMut(&Lossy, &T, &mut Random),
) -> u64 {
    let rehearsal = start.copy();
    act(&rehearsal);
    let operations = rehearsal.operations();
    let at = points(operations, if is_long() { operations } else { at_most });
    lose_power_at(start, (&at, operations), act, restart, examine);
    operations
}

/// The same at some of so many changes.
pub fn lose_power_at<T>(
    start: &Lossy,
    (points, operations): (&[u64], u64),
    act: impl Fn(&Lossy) -> T,
    restart: impl Fn(&Lossy),
    mut examine: impl FnMut(&Lossy, &T, &mut Random),
) {
    println!("power is lost at {} places in {operations} changes", points.len());
    for at in points.iter().copied() {
        let disk = start.copy();
        disk.fail_at(at);
        let said = act(&disk);
        for image in 0..if is_long() { 6 } else { 2 } {
            let mut random = Random(at * 31 + image);
            let mut after = disk.after_power_loss(&mut random);
            let rehearsal = after.copy();
            restart(&rehearsal);
            let again = (image % 2 == 1).then(|| random.below(rehearsal.operations() + 1));
            if let Some(at) = again {
                after.fail_at(at);
                restart(&after);
                after = after.after_power_loss(&mut random);
            }
            // Printed only if the test fails.
            println!("power lost at change {at} of {operations}, image {image}, again at {again:?}");
            examine(&after, &said, &mut random);
        }
    }
}
