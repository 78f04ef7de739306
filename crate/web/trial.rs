//! Kernels held against their twins in a browser, for `./build.sh formats`; only in modules that are quick to build.

use crate::{
    engine::trial::{self, Variant},
    error::{Error, Result},
    quant,
};
use serde_json::json;
use wasm_bindgen::prelude::*;

/// How each case of the operators goes on the GPU, as JSON: an array of name and error.
#[wasm_bindgen(js_name = tryKernels)]
pub async fn try_kernels(subgroups: bool) -> Result<String> {
    let variant = Variant {
        subgroups,
        as_hardware: true,
        max_binding: None,
        form: 0,
        only: None,
    };
    let (_, reports) = trial::gpu(variant).await?;
    let error = |r: &trial::Report| if r.overrun { f64::INFINITY } else { r.nmse };
    let all: Vec<_> = reports.iter().map(|r| json!([r.name, error(r)])).collect();
    Ok(json!(all).to_string())
}

/// The values of blocks as the GPU's kernels see them, as rows of `width`.
#[wasm_bindgen(js_name = decodeBlocks)]
pub async fn decode_blocks(format: String, width: usize, blocks: Vec<u8>) -> Result<Vec<f32>> {
    let format = quant::by_name(&format).ok_or_else(|| Error::internal(format))?;
    let values = trial::decoded(&[(format, width, blocks)]).await?;
    Ok(values.concat())
}
