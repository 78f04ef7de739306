//! Compiles `shaders/*.wgsl` into `$OUT_DIR/shader.rs`: every variant is expanded, validated with naga and reflected, and
//! one Rust module per shader gives the host typed bindings, so that group and binding numbers exist in WGSL only. And assembles
//! `crate/cpu/simd/relaxed.wat`.

#[path = "build/emit.rs"]
mod emit;
#[path = "build/grammar.rs"]
mod grammar;
#[path = "build/preprocess.rs"]
mod preprocess;
#[path = "build/reflect.rs"]
mod reflect;

use std::{env, fs, path::Path, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let path = |key| env::var_os(key).map(PathBuf::from).unwrap_or_default();
    let (dir, out) = (path("CARGO_MANIFEST_DIR").join("shaders"), path("OUT_DIR"));
    println!("cargo:rerun-if-changed={}", dir.display());
    match compile(&dir, &out).and_then(|()| assemble(&path("CARGO_MANIFEST_DIR"), &out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}

/// Assembles the loops that need relaxed SIMD.
fn assemble(root: &Path, out: &Path) -> Result<(), String> {
    let text = root.join("crate/cpu/simd/relaxed.wat");
    println!("cargo:rerun-if-changed={}", text.display());
    let wasm = wat::parse_file(&text).map_err(|e| e.to_string())?;
    let file = out.join("relaxed.wasm");
    fs::write(&file, wasm).map_err(|e| format!("{}: {e}", file.display()))
}

/// Compiles every root shader; the errors of all of them come back together.
fn compile(dir: &Path, out: &Path) -> Result<(), String> {
    let mut roots: Vec<PathBuf> = fs::read_dir(dir)
        .map_err(|e| format!("{}: {e}", dir.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "wgsl"))
        .collect();
    roots.sort();
    let mut rust = String::from(emit::HEADER);
    let (mut errors, mut kernels, mut probes) = (vec![], emit::Parts::default(), emit::Parts::default());
    for root in &roots {
        let name = root.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let texts = match name.starts_with("probe_") {
            true => ("PROBES", &mut probes),
            false => ("KERNELS", &mut kernels),
        };
        match shader(dir, name, out, texts) {
            Ok(module) => rust.push_str(&module),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    rust.push_str(&kernels.version());
    rust.push_str(&kernels.table("KERNELS"));
    rust.push_str(&probes.table("PROBES"));
    let file = out.join("shader.rs");
    fs::write(&file, rust).map_err(|e| format!("{}: {e}", file.display()))
}

/// The Rust module of one root shader.
fn shader(dir: &Path, name: &str, out: &Path, texts: (&str, &mut emit::Parts)) -> Result<String, String> {
    let shader = preprocess::expand(dir, name)?;
    let mut interface: Option<reflect::Interface> = None;
    for variant in &shader.variants {
        // Line numbers of an error refer to the expanded text, so that text is kept where the message says.
        let checked = grammar::check(&variant.expanded).and_then(|()| reflect::reflect(&variant.expanded));
        let reflected = checked.map_err(|error| {
            let file = out.join(format!("{}.wgsl", variant.name));
            let place = match fs::write(&file, &variant.expanded) {
                Ok(()) => file.display().to_string(),
                Err(e) => format!("not written: {e}"),
            };
            format!(
                "shaders/{name}.wgsl, variant {}: {error}\nexpanded source: {place}",
                variant.name
            )
        })?;
        match &mut interface {
            None => interface = Some(reflected),
            Some(first) => first
                .merge(reflected)
                .map_err(|e| format!("shaders/{name}.wgsl, variant {}: {e}", variant.name))?,
        }
    }
    let interface = interface.ok_or_else(|| format!("shaders/{name}.wgsl: no variant at all"))?;
    emit::module(&shader, &interface, texts).map_err(|e| format!("shaders/{name}.wgsl: {e}"))
}
