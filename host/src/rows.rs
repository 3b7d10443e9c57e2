//! stub
use crate::{column::Column, description::Field};
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub fields: Vec<Field>,
    pub columns: Vec<Column>,
    pub count: usize,
}
impl Rows {
    pub fn new(fields: Vec<Field>, columns: Vec<Column>, count: usize) -> Rows {
        Rows { fields, columns, count }
    }
}
