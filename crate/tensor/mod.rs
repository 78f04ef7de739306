//! Data about data: shapes, block formats, the cheap handle of a tensor.

mod dtype;
mod order;
mod shape;

pub use dtype::{Behind, Codes, Encoding, Format, Ints, Lie, MAX_PLANES};
pub(crate) use order::{rank, sort_by_numbers};
pub use shape::Shape;
