//! The module in the page: JavaScript sees these classes; wasm32 only.
