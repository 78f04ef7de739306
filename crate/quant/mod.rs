//! Block formats: one file and one row of `FORMATS` each.

use crate::tensor::Format;

mod bf16;
mod f16;
mod f32;
pub(crate) mod half;
mod iq4_nl;
mod mxfp4;
mod nearest;
mod packets;
mod pairs;
mod q4_0;
mod q4_1;
mod q4_k;
mod q5_0;
mod q5_1;
mod q5_k;
mod q6_k;
mod q8_0;

/// Every block format, in the order of their GGUF type numbers.
pub static FORMATS: &[&Format] = &[
    &f32::FORMAT,
    &f16::FORMAT,
    &q4_0::FORMAT,
    &q4_1::FORMAT,
    &q5_0::FORMAT,
    &q5_1::FORMAT,
    &q8_0::FORMAT,
    &q4_k::FORMAT,
    &q5_k::FORMAT,
    &q6_k::FORMAT,
    &iq4_nl::FORMAT,
    &bf16::FORMAT,
    &mxfp4::FORMAT,
];

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
    list(|_| true)
}

/// The names of the formats that can be written, for messages.
pub fn written() -> String {
    list(|f| f.encoding.is_some())
}

fn list(wanted: fn(&Format) -> bool) -> String {
    let formats = FORMATS.iter().filter(|f| wanted(f));
    formats.map(|f| f.name).collect::<Vec<_>>().join(", ")
}
