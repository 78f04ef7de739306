//! Workers beside this one that multiply rows of weights (`www/crew.js`): the side that asks, and the part that each of them has.

use super::host::Host;
use crate::{
    cpu::simd,
    engine::{self, Helpers, Threads},
    error::{Error, Result},
    format::source::Pending,
};
use js_sys::{Float32Array, Promise};
use std::{fmt, rc::Rc};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// Workers that were begun.
    pub type Crew;

    #[wasm_bindgen(method, structural, getter)]
    fn count(this: &Crew) -> usize;

    /// What one is to call of its part; bytes are copied before it returns.
    #[wasm_bindgen(method, structural)]
    fn reserve(this: &Crew, helper: usize, format: &str, rows: usize, width: usize);

    #[wasm_bindgen(method, structural)]
    fn fill(this: &Crew, helper: usize, weight: usize, first: usize, bytes: &[u8]);

    #[wasm_bindgen(method, structural)]
    fn multiply(this: &Crew, helper: usize, weights: &[u32], x: &[f32]) -> Promise;

    #[wasm_bindgen(method, structural)]
    fn end(this: &Crew);
}

struct Workers(Crew);

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Helpers for Workers {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn reserve(&self, helper: usize, format: &str, rows: usize, width: usize) {
        self.0.reserve(helper, format, rows, width);
    }

    fn fill(&self, helper: usize, weight: usize, first: usize, bytes: &[u8]) {
        self.0.fill(helper, weight, first, bytes);
    }

    fn multiply(&self, helper: usize, weights: &[u32], x: &[f32]) -> Pending<'static, Vec<f32>> {
        let answer = JsFuture::from(self.0.multiply(helper, weights, x));
        Box::pin(async move {
            let values = answer.await.map_err(|e| failed(&e))?;
            Ok(values.unchecked_into::<Float32Array>().to_vec())
        })
    }
}

/// What went wrong in a worker, or with it.
fn failed(error: &JsValue) -> Error {
    let message = js_sys::Reflect::get(error, &"message".into()).ok();
    let message = message.and_then(|m| m.as_string()).unwrap_or_default();
    Error::internal(format!(
        "a worker beside this one failed: {message}; the option threads: 1 goes without"
    ))
}

/// Where workers come from.
pub(super) struct Pages(pub(super) Rc<Host>);

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("workers")
    }
}

impl Threads for Pages {
    fn worth(&self) -> u64 {
        self.0.worth().into()
    }

    fn least(&self) -> u64 {
        self.0.least().into()
    }

    fn begin(&self, exact: bool) -> Pending<'static, Option<Rc<dyn Helpers>>> {
        let begun = JsFuture::from(self.0.crew(&wasm_bindgen::module(), exact, simd::name()));
        Box::pin(async move {
            // where there can be no workers there are none
            let Ok(crew) = begun.await else { return Ok(None) };
            let crew = (!crew.is_undefined()).then(|| Workers(crew.unchecked_into()));
            Ok(crew.map(|crew| Rc::new(crew) as Rc<dyn Helpers>))
        })
    }
}

/// Rows of weights in a worker of their own.
#[wasm_bindgen]
pub struct Part(engine::Part);

#[wasm_bindgen]
impl Part {
    /// None yet; an error unless this thread multiplies by the same loops, which round alike.
    #[wasm_bindgen(constructor)]
    pub fn new(exact: bool, products: &str) -> Result<Self> {
        super::relaxed::take();
        if products != simd::name() {
            return Err(Error::internal(products));
        }
        Ok(Self(engine::Part::new(exact)))
    }

    /// Makes room for rows of the next weight.
    pub fn reserve(&mut self, format: &str, rows: usize, width: usize) -> Result<()> {
        self.0.reserve(format, rows, width)
    }

    /// Fills rows of a weight.
    pub fn fill(&mut self, weight: usize, first: usize, bytes: &[u8]) -> Result<()> {
        self.0.fill(weight, first, bytes)
    }

    /// The products of weights with rows of x.
    pub fn multiply(&self, weights: &[u32], x: &[f32]) -> Result<Vec<f32>> {
        self.0.multiply(weights, x)
    }
}
