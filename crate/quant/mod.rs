//! Block formats: one file and one row of `FORMATS` each.

use crate::tensor::Format;

mod bf16;
mod f16;
mod f32;
pub(crate) mod half;
mod q4_0;
mod q8_0;

/// Every block format, in the order of their GGUF type numbers.
pub static FORMATS: &[&Format] = &[&f32::FORMAT, &f16::FORMAT, &q4_0::FORMAT, &q8_0::FORMAT, &bf16::FORMAT];

/// Plain floats: what vectors are on every device.
pub(crate) static F32: &Format = &f32::FORMAT;

/// The format with this GGUF type number.
pub fn by_ggml(number: u32) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.ggml == number)
}

/// The format with this safetensors name.
pub fn by_safetensors(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.safetensors == Some(name))
}

/// The format with this name, in any case.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.name.eq_ignore_ascii_case(name))
}

/// The names of all formats, for messages.
pub fn names() -> String {
    FORMATS.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
}
