//! The constants that a component carries, for who wants to guess at inputs that matter to it.

use wasmparser::{Parser, Payload};

/// The data segments of all core modules in a component, in order. What does not parse is left out.
pub fn data_segments(component: &[u8]) -> Vec<Vec<u8>> {
    let sections =
        Parser::new(0).parse_all(component).map_while(Result::ok).filter_map(|payload| match payload {
            Payload::DataSection(section) => Some(section),
            _ => None,
        });
    sections.flatten().filter_map(Result::ok).map(|segment| segment.data.to_vec()).collect()
}
