//! Events for tests and benches, the same for the same seed on any machine. Owns what the orders
//! job looks like and what a wild case may hold; knows nothing of transforms or of the host.
//!
//! ```
//! use generator::orders::{Orders, Shape};
//!
//! let mut lines = Vec::new();
//! Orders::new(Shape { events: 1_000, ..Shape::default() }).fill(&mut lines, usize::MAX);
//! assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 1_000);
//! ```

pub mod orders;
pub mod rng;
pub mod wild;
