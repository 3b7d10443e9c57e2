//! stub
use crate::{description::Description, event::Event, offset::Range, transform::Events};
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub offset: u64,
    pub reason: String,
}
#[derive(Clone, Debug)]
pub struct Extracted {
    pub range: Range,
    pub offsets: Vec<u64>,
    pub events: Events,
    pub rejected: Vec<Rejected>,
    pub ignored: u64,
}
#[derive(Default)]
pub struct Scratch;
pub struct Extractor;
impl Extractor {
    pub fn extract<'a>(
        &self,
        _: &mut Scratch,
        _range: Range,
        _events: impl Iterator<Item = Event<'a>>,
    ) -> Extracted {
        todo!()
    }
}
