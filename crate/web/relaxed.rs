//! The inner loop that needs relaxed SIMD: a module of its own in the large one, compiled where it is valid, and put into its table.

use crate::cpu::simd::{self, RELAXED_MODULE};
use js_sys::{
    Function, Object, Reflect, Uint8Array,
    WebAssembly::{self, Instance, Module, Table},
};
use std::cell::Cell;
use wasm_bindgen::{JsCast, JsValue};

thread_local! {
    static TRIED: Cell<bool> = const { Cell::new(false) };
}

/// Takes the loop where the machine has it and it is right; without it there is another.
pub(super) fn take() {
    if let (false, Ok(at)) = (TRIED.replace(true), place()) {
        simd::relax(at);
    }
}

/// Where the loop stands in the table.
fn place() -> Result<u32, JsValue> {
    let bytes = Uint8Array::from(RELAXED_MODULE);
    if !WebAssembly::validate(&bytes)? {
        return Err(JsValue::NULL);
    }
    let (imports, own) = (Object::new(), Object::new());
    Reflect::set(&own, &"memory".into(), &wasm_bindgen::memory())?;
    Reflect::set(&imports, &"nomoat".into(), &own)?;
    let instance = Instance::new(&Module::new(&bytes)?, &imports)?;
    let tiles: Function = Reflect::get(&instance.exports(), &"tiles".into())?.dyn_into()?;
    let table: Table = wasm_bindgen::function_table().dyn_into()?;
    let at = table.grow(1)?;
    table.set(at, &tiles)?;
    Ok(at)
}
