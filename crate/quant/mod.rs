//! Block formats: one file and one row of `FORMATS` each.

use crate::{
    error::{Error, Result},
    tensor::Format,
};

mod bf16;
mod f16;
mod f32;
mod f8_e4m3;
mod grid;
pub(crate) mod half;
mod iq1_m;
mod iq1_s;
mod iq2_s;
mod iq2_xs;
mod iq2_xxs;
mod iq3_s;
mod iq3_xxs;
mod iq4_nl;
mod iq4_xs;
mod mxfp4;
mod nearest;
mod packets;
mod pairs;
mod q2_k;
mod q3_k;
mod q4_0;
mod q4_1;
mod q4_k;
mod q5_0;
mod q5_1;
mod q5_k;
mod q6_k;
mod q8_0;
mod runs;
mod tq1_0;
mod tq2_0;

pub(crate) use {f8_e4m3::join as join_f8_e4m3, mxfp4::join as join_mxfp4};

/// Every block format, in the order of their GGUF type numbers; at the end those that GGUF lacks.
pub static FORMATS: &[&Format] = &[
    &f32::FORMAT,
    &f16::FORMAT,
    &q4_0::FORMAT,
    &q4_1::FORMAT,
    &q5_0::FORMAT,
    &q5_1::FORMAT,
    &q8_0::FORMAT,
    &q2_k::FORMAT,
    &q3_k::FORMAT,
    &q4_k::FORMAT,
    &q5_k::FORMAT,
    &q6_k::FORMAT,
    &iq2_xxs::FORMAT,
    &iq2_xs::FORMAT,
    &iq3_xxs::FORMAT,
    &iq1_s::FORMAT,
    &iq4_nl::FORMAT,
    &iq3_s::FORMAT,
    &iq2_s::FORMAT,
    &iq4_xs::FORMAT,
    &iq1_m::FORMAT,
    &bf16::FORMAT,
    &tq1_0::FORMAT,
    &tq2_0::FORMAT,
    &mxfp4::FORMAT,
    &f8_e4m3::FORMAT,
];

/// Plain floats: what vectors are on every device.
pub(crate) static F32: &Format = &f32::FORMAT;

/// Half floats: what columns of blocks become.
pub(crate) static F16: &Format = &f16::FORMAT;

/// 4-bit floats, which safetensors files have in two parts.
pub(crate) static MXFP4: &Format = &mxfp4::FORMAT;

/// 8-bit floats, whose scales safetensors files have apart.
pub(crate) static F8_E4M3: &Format = &f8_e4m3::FORMAT;

/// The format with this GGUF type number.
pub fn by_ggml(number: u32) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.ggml == Some(number))
}

/// The format with this safetensors name.
pub fn by_safetensors(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.safetensors == Some(name))
}

/// The format with this name, in any case.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.name.eq_ignore_ascii_case(name))
}

/// The format with this name, if it can be written.
pub fn to_write(name: &str) -> Option<&'static Format> {
    by_name(name).filter(|f| f.encoding.is_some())
}

/// Whether weights of this GGUF name stay as they are where a model is quantised: routers, whose choice small errors turn,
/// tables of positions and kinds, biases by distance, and what is a vector although it has a second dimension.
pub fn stays(name: &str) -> bool {
    let all = [
        "ffn_gate_inp.weight",
        "position_embd.weight",
        "token_types.weight",
        "rel_b.weight",
        "norm.weight",
        "conv.weight",
        "conv1d.weight",
    ];
    all.iter().any(|end| name.ends_with(end))
}

/// Whole blocks of `format` with the values of a tensor.
///
/// # Errors
/// [`Error::Invalid`] for a value that the format has none for.
pub fn encode(tensor: &str, values: &[f32], format: &Format) -> Result<Vec<u8>> {
    // Half of the step above the largest f16 still rounds to it.
    let largest = if format.name == "F16" { 65_519.0 } else { f32::MAX };
    if let Some(value) = values.iter().find(|v| !v.is_finite() || v.abs() > largest) {
        return Err(Error::Invalid {
            field: format!("tensor {tensor}"),
            expected: format!("finite values that {} can hold", format.name),
            found: value.to_string(),
        });
    }
    let only_read = || Error::internal(format!("{} is only read, not written", format.name));
    format.encode(values).ok_or_else(only_read)
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
