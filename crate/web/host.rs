//! What the page side gives a load: a place to report to and a signal to stop it. And the text of a panic.

use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The object that `worker.js` passes to `Model.load`.
    #[wasm_bindgen(typescript_type = "{ \
        progress(phase: string, done: number, total: number): boolean, \
        warn(code: string, message: string): void, \
        readonly signal: AbortSignal }")]
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
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic aborts the module, and JavaScript sees only `unreachable`: its words are kept for `lastPanic`.
pub(super) fn keep_panics() {
    std::panic::set_hook(Box::new(|info| PANIC.set(Some(info.to_string()))));
}

/// The words of the panic, once.
pub(super) fn last_panic() -> Option<String> {
    PANIC.take()
}
