//! Data about data: shapes, block formats, the cheap handle of a tensor.

mod dtype;
mod shape;

pub use dtype::{Format, MAX_PLANES};
pub use shape::Shape;
