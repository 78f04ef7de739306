//! What the page side gives: to a load a place to report to and a signal to stop it, to a panic a place for its words.

use js_sys::{Function, Promise};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The object that `worker.js` passes to `Model.load`.
    #[wasm_bindgen(typescript_type = "{ \
        progress(phase: string, done: number, total: number): boolean, \
        warn(code: string, message: string): void, \
        readonly signal: AbortSignal, \
        readonly worth: number, \
        readonly least: number, \
        crew(module: WebAssembly.Module, exact: boolean, products: string): Promise<object | undefined>, \
        readonly patience?: number }")]
    pub type Host;

    /// `false` asks to stop.
    #[wasm_bindgen(method, structural)]
    pub(super) fn progress(this: &Host, phase: &str, done: f64, total: f64) -> bool;

    /// Something the user should know that is not an error.
    #[wasm_bindgen(method, structural)]
    pub(super) fn warn(this: &Host, code: &str, message: &str);

    /// Stops fetches under way.
    #[wasm_bindgen(method, structural, getter)]
    pub(super) fn signal(this: &Host) -> web_sys::AbortSignal;

    /// Terms of a product that is worth asking other workers.
    #[wasm_bindgen(method, structural, getter)]
    pub(super) fn worth(this: &Host) -> u32;

    /// Values of a model that is worth having some.
    #[wasm_bindgen(method, structural, getter)]
    pub(super) fn least(this: &Host) -> u32;

    /// Begins them; nothing where there are none.
    #[wasm_bindgen(method, structural)]
    pub(super) fn crew(this: &Host, module: &JsValue, exact: bool, products: &str) -> Promise;

    /// Milliseconds without a byte after which a request is sent again.
    #[wasm_bindgen(method, structural, getter)]
    pub(super) fn patience(this: &Host) -> Option<f64>;
}

thread_local! {
    static HEAR: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// A panic aborts the module: JavaScript sees only `unreachable`, and of an async export nothing at all, as its promise
/// never settles. So the words are said before.
pub(super) fn tell_panics(hear: Function) {
    HEAR.set(Some(hear));
    std::panic::set_hook(Box::new(|info| {
        if let Some(hear) = HEAR.take() {
            // the module ends whether it is heard or not
            let _ = hear.call1(&JsValue::NULL, &info.to_string().into());
        }
    }));
}
