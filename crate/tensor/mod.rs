//! Data about data: shapes, block formats, the cheap handle of a tensor.

mod dtype;
mod kv;
mod order;
mod shape;

pub use dtype::{Behind, Codes, Encoding, Format, Ints, Lie, MAX_PLANES};
pub use kv::Kv;
pub(crate) use kv::{Kept, block};
pub(crate) use order::{rank, sort_by_numbers};
pub use shape::Shape;
