//! A component in one long-lived instance: what a fresh instance for every call is compared with.

use super::Component;
use super::guest::Guest;
use crate::column::{Blobs, Column};
use crate::description::Description;
use crate::digest::Digest;
use crate::limits::Limits;
use crate::transform::{Events, Fault, Folded, Transform};
use std::sync::{Mutex, PoisonError};

/// A transform whose calls share one instance, one after the other. A call that fails in another
/// way than by returning an error ends the instance; the next call starts another.
pub struct Reused {
    component: Component,
    guest: Mutex<Option<Guest>>,
}

impl Reused {
    pub(super) fn new(component: Component) -> Reused {
        Reused { component, guest: Mutex::new(None) }
    }

    /// Of the linear memories of the instance; 0 if there is none.
    pub fn memory_bytes(&self) -> u64 {
        let kept = self.guest.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map_or(0, Guest::memory_bytes)
    }

    fn with<R>(&self, fuel: u64, call: impl FnOnce(&mut Guest) -> Result<R, Fault>) -> Result<R, Fault> {
        let mut kept = self.guest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guest = match kept.take() {
            Some(mut guest) => {
                guest.restart(fuel)?;
                guest
            }
            None => self.component.start(fuel)?,
        };
        let result = call(&mut guest);
        if matches!(result, Ok(_) | Err(Fault::Failed(_))) {
            *kept = Some(guest);
        }
        result
    }
}

impl Transform for Reused {
    fn description(&self) -> &Description {
        self.component.description()
    }

    fn version(&self) -> Digest {
        self.component.version()
    }

    fn limits(&self) -> Limits {
        self.component.limits()
    }

    fn fold(&self, events: &Events, fuel: u64) -> Result<Folded, Fault> {
        self.with(fuel, |guest| self.component.fold_in(guest, events))
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        self.with(self.limits().fuel, |guest| self.component.merge_in(guest, left, right))
    }

    fn present(&self, keys: &[Column], windows: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault> {
        self.with(self.limits().fuel, |guest| self.component.present_in(guest, keys, windows, states))
    }
}
