//! What the tests of this crate share. `oracle` is the judge: straight loops that know neither the
//! SDK nor the host. `mock` misbehaves on request. `cases` says how many random cases a run makes.

pub mod cases;
pub mod mock;
pub mod native;
pub mod oracle;
pub mod stage;
