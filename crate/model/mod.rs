//! Model families: one file each, reading metadata into a config and writing the network with operators.

pub mod export;
mod export_text;
