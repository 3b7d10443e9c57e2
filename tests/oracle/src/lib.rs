//! What the tests of this crate share. `oracle` is the judge: straight loops that know neither the
//! SDK nor the host. `mock` misbehaves on request. `load` is what the generator's jobs put into a log. `cases` says how many random cases a run makes.

pub mod cases;
pub mod load;
pub mod mock;
pub mod native;
pub mod oracle;
pub mod stage;
