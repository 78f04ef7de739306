//! The rules of the house that a text scan can check: layers, rooms, tables, first lines, sizes, names. Each message says
//! where and what to do; why a rule exists stands in `ARCHITECTURE.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::scan::{File, crate_files, files, paths, rust, shaders, www};
use std::{collections::BTreeSet, path::PathBuf};

/// Layers from the ground up; a room imports from lower rows only.
const LAYERS: &[&[&str]] = &[
    &["error", "shader"],
    &["tensor"],
    &["gpu", "cpu", "quant", "format"],
    &["op"],
    &["plan"],
    &["model", "text"],
    &["engine"],
    &["web", "bin"],
];

/// Sideways imports that are meant.
const SIDEWAYS: &[(&str, &str)] = &[("format", "quant"), ("cpu", "quant")];

/// Storage buffers that WebGPU grants a stage everywhere.
const MAX_STORAGE: usize = 8;

/// Fails with all findings at once.
fn none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}\n  {}\n", found.join("\n  "));
}

/// Lines of `file` whose code has one of `words` as a whole word or path, outside the places `allowed`.
fn uses(file: &File, words: &[&str], allowed: &[&str]) -> Vec<String> {
    if allowed.iter().any(|a| file.path.starts_with(a)) {
        return vec![];
    }
    let mut out = vec![];
    for (line, path) in paths(&file.code()) {
        let hit = words
            .iter()
            .find(|w| path == **w || path.starts_with(&format!("{w}::")));
        out.extend(hit.map(|w| format!("{}:{line}: {w}", file.path)));
    }
    out.dedup();
    out
}

fn everywhere(words: &[&str], allowed: &[&str]) -> Vec<String> {
    crate_files().iter().flat_map(|f| uses(f, words, allowed)).collect()
}

#[test]
fn a_room_imports_from_lower_layers_only() {
    let layer = |room: &str| LAYERS.iter().position(|rooms| rooms.contains(&room));
    let mut found = vec![];
    for file in crate_files() {
        let from = file.room().unwrap();
        if ["lib", "dev"].contains(&from) {
            continue;
        }
        let own = layer(from).unwrap_or_else(|| panic!("{}: {from} is in no layer of tests/it/tidy.rs", file.path));
        for (line, path) in paths(&file.code()) {
            let mut parts = path.split("::");
            // In the program `crate` is the program itself.
            let ours = if from == "bin" { "nomoat" } else { "crate" };
            let inside = parts.next() == Some(ours);
            let Some(to) = parts.next().filter(|_| inside) else {
                continue;
            };
            // What `lib.rs` re-exports from `error.rs` and macros are at the bottom.
            let room = if to.starts_with(char::is_uppercase) {
                "error"
            } else {
                to
            };
            let below = layer(room).is_some_and(|to| to < own);
            let meant = room == from || SIDEWAYS.contains(&(from, room)) || (from, room) == ("bin", "dev");
            if !below && !meant {
                found.push(format!("{}:{line}: {path}", file.path));
            }
        }
    }
    none("imports go to lower layers only:", &found);
}

#[test]
fn wgpu_stays_in_the_gpu_room() {
    none(
        "only crate/gpu/ may name wgpu:",
        &everywhere(&["wgpu"], &["crate/gpu/"]),
    );
}

#[test]
fn javascript_stays_in_the_web_room() {
    let words = ["wasm_bindgen", "wasm_bindgen_futures", "js_sys", "web_sys"];
    none(
        "only crate/web/ may name JavaScript:",
        &everywhere(&words, &["crate/web/"]),
    );
}

#[test]
fn files_and_the_environment_stay_in_the_program() {
    let words = ["std::fs", "std::env"];
    none(
        "only crate/bin/ touches files and the environment:",
        &everywhere(&words, &["crate/bin/"]),
    );
}

#[test]
fn clocks_come_from_outside() {
    let words = ["std::time::Instant", "std::time::SystemTime"];
    none(
        "Instant panics in wasm; take a clock:",
        &everywhere(&words, &["crate/bin/", "crate/web/"]),
    );
}

#[test]
fn the_target_is_asked_in_three_files_only() {
    let allowed = ["crate/lib.rs", "crate/gpu/mod.rs", "crate/cpu/simd.rs"];
    none(
        "capabilities are run-time values in gpu::Caps:",
        &everywhere(&["target_arch"], &allowed),
    );
}

#[test]
fn a_model_never_learns_its_device() {
    let words = ["crate::gpu", "crate::cpu", "crate::plan", "Cx::Gpu", "Cx::Cpu"];
    let models = crate_files().into_iter().filter(|f| f.room() == Some("model"));
    let found: Vec<String> = models.flat_map(|f| uses(&f, &words, &[])).collect();
    none("a model calls operators and nothing below them:", &found);
}

#[test]
fn recording_is_synchronous() {
    let edges = ["gpu", "format", "engine", "web", "bin", "lib", "dev"];
    let inner = crate_files()
        .into_iter()
        .filter(|f| !edges.contains(&f.room().unwrap()));
    let found: Vec<String> = inner.flat_map(|f| uses(&f, &["async"], &[])).collect();
    none(
        "async at the edges: open the device, read bytes, read back, wait for threads:",
        &found,
    );
}

#[test]
fn every_row_is_in_its_table() {
    let mut found = vec![];
    for (room, row) in [("quant", "FORMAT"), ("op", "OP"), ("model", "ARCH")] {
        let files = crate_files();
        let table = files.iter().find(|f| f.path == format!("crate/{room}/mod.rs")).unwrap();
        let registered = table.code();
        for file in files.iter().filter(|f| f.room() == Some(room) && f.path != table.path) {
            let x = file.stem();
            if !registered.contains(&format!("mod {x};")) {
                found.push(format!("{}: no `mod {x};`", table.path));
            }
            let has_row = file.code().contains(&format!("static {row}:"));
            if has_row && !registered.contains(&format!("&{x}::{row}")) {
                found.push(format!("{}: no `&{x}::{row},`", table.path));
            }
        }
    }
    none("one line registers a file:", &found);
}

#[test]
fn every_shader_of_a_block_format_has_its_format() {
    let named: BTreeSet<_> = nomoat::quant::FORMATS.iter().map(|f| f.shader.to_owned()).collect();
    let of = |f: &File| f.path.starts_with("shaders/quant/").then(|| f.stem().to_owned());
    let there: BTreeSet<_> = shaders().iter().filter_map(of).collect();
    assert_eq!(named, there, "a row of FORMATS names a file of shaders/quant");
}

#[test]
fn a_block_format_is_called_like_its_file() {
    // build/formats.mjs tells the page the names by those of the files.
    for format in nomoat::quant::FORMATS {
        let path = format!("crate/quant/{}.rs", format.name.to_lowercase());
        let file = crate_files().into_iter().find(|f| f.path == path);
        let name = format!("name: \"{}\",", format.name);
        assert!(file.is_some_and(|f| f.text.contains(&name)), "{path}: no {name}");
    }
}

#[test]
fn quant_shaders_offer_the_same_functions() {
    let all = shaders();
    let mut found = vec![];
    for quant in all.iter().filter(|f| f.path.starts_with("shaders/quant/")) {
        // What it imports, it offers.
        let (mut code, mut open) = (String::new(), vec![quant.path.clone()]);
        while let Some(path) = open.pop() {
            let file = all.iter().find(|f| f.path == path).unwrap();
            let imports = file.text.lines().filter_map(|l| l.strip_prefix("#import "));
            open.extend(imports.map(|i| format!("shaders/{}.wgsl", i.trim())));
            code += &file.code();
        }
        for function in ["w_units", "w_dot", "w_load4"] {
            if !code.contains(&format!("fn {function}(")) {
                found.push(format!("{}: no {function}", quant.path));
            }
        }
    }
    none("a kernel imports any format and calls its functions:", &found);
}

#[test]
fn a_shader_starts_with_its_formula() {
    let bad: Vec<String> = shaders()
        .into_iter()
        .filter(|f| !f.text.starts_with("//! "))
        .map(|f| f.path)
        .collect();
    none("a shader's first line is `//! ` and what it computes:", &bad);
}

#[test]
fn no_kernel_uses_more_than_eight_storage_buffers() {
    let mut found = vec![];
    for file in shaders() {
        let code = file.code();
        let lines = code.lines().filter(|l| l.contains("var<storage"));
        let mut numbers: Vec<&str> = lines
            .filter_map(|l| l.split_once("@binding(")?.1.split(')').next())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() > MAX_STORAGE {
            found.push(format!("{}: {}", file.path, numbers.len()));
        }
    }
    none("more storage buffers than every device grants:", &found);
}

#[test]
fn every_file_says_first_what_it_is() {
    let mut found = vec![];
    for file in files() {
        let lead: &[&str] = match file.path.rsplit('.').next().unwrap() {
            "rs" => &["//!"],
            "js" | "mjs" => &["//", "/*"],
            "css" => &["/*"],
            "sh" => &["#"],
            _ => continue,
        };
        let first = file.text.lines().find(|l| !l.starts_with("#!/")).unwrap_or_default();
        if !lead.iter().any(|l| first.starts_with(l)) {
            found.push(format!("{}: {first}", file.path));
        }
    }
    none("the first line is a comment that says what the file is:", &found);
}

#[test]
fn no_file_is_over_600_lines_without_a_reason() {
    let ours = ["rs", "wgsl", "js", "mjs", "css", "html", "sh"];
    let mut found = vec![];
    for file in files().into_iter().filter(|f| ours.iter().any(|e| f.is(e))) {
        let comment = |l: &&str| l.starts_with(['/', '#', '*', '<', ' ']);
        let header: String = file.text.lines().take_while(comment).take(6).collect();
        let lines = file.text.lines().count();
        if lines > 600 && !header.contains("long because") {
            found.push(format!("{}: {lines} lines", file.path));
        }
    }
    none("split it, or say `long because …` in its first comment:", &found);
}

#[test]
fn names_say_what_is_inside() {
    let empty = ["util", "utils", "helper", "helpers", "common", "manager", "misc"];
    let is_empty = |f: &File| f.path.split(['/', '.', '_', '-']).any(|part| empty.contains(&part));
    let found: Vec<String> = files().into_iter().filter(is_empty).map(|f| f.path).collect();
    none("a name that says nothing:", &found);
}

#[test]
fn nothing_is_left_to_do() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
    ];
    let mut found = vec![];
    for file in files().into_iter().filter(|f| !f.is("json") && !f.is("lock")) {
        for (n, line) in file.text.lines().enumerate() {
            let hit = words.iter().find(|w| line.contains(**w));
            found.extend(hit.map(|w| format!("{}:{}: {w}", file.path, n + 1)));
        }
    }
    none("do it, or open an issue:", &found);
}

#[test]
fn unsafe_is_in_few_files_and_says_why() {
    let allowed = ["crate/cpu/simd/", "crate/gpu/pipeline.rs", "tests/it/heap.rs"];
    let mut found = vec![];
    for file in rust() {
        let lines: Vec<&str> = file.text.lines().collect();
        for hit in uses(&file, &["unsafe"], &[]) {
            let line: usize = hit.split(':').nth(1).unwrap().parse().unwrap();
            let above = &lines[line.saturating_sub(8)..line];
            let says = above.iter().any(|l| l.contains("// SAFETY:") || l.contains("# Safety"));
            let here = allowed.iter().any(|a| file.path.starts_with(a));
            if !here || !says {
                found.push(hit);
            }
        }
    }
    none(&format!("only in {allowed:?}, each block under `// SAFETY:`:"), &found);
}

#[test]
fn every_allow_has_a_reason() {
    let mut found = vec![];
    for file in rust() {
        let code = file.code();
        for open in ["[allow(", "[expect("] {
            for (at, _) in code.match_indices(open) {
                let attribute = code[at..].split(']').next().unwrap();
                if !attribute.contains("reason =") {
                    let line = code[..at].lines().count();
                    found.push(format!("{}:{line}", file.path));
                }
            }
        }
    }
    none("an allow without `reason = \"…\"`:", &found);
}

#[test]
fn there_are_three_features_at_most() {
    let manifest = files().into_iter().find(|f| f.path == "Cargo.toml").unwrap();
    let section = manifest.text.split("[features]").nth(1).unwrap();
    let lines = section.lines().take_while(|l| !l.starts_with('['));
    let features: Vec<&str> = lines.filter(|l| l.contains('=') && !l.starts_with("default")).collect();
    assert!(
        features.len() <= 3,
        "a feature removes a dependency, and three are enough: {features:?}"
    );
}

/// Lines of the page's modules whose code contains one of `words`, except in files that `allowed` accepts.
fn page(words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = vec![];
    for file in www().into_iter().filter(|f| !allowed(&f.path)) {
        for (n, line) in file.code().lines().enumerate() {
            let tokens = || line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
            let hit = words.iter().find(|w| tokens().any(|t| t == **w));
            found.extend(hit.map(|w| format!("{}:{}: {w}", file.path, n + 1)));
        }
    }
    found
}

#[test]
fn only_the_worker_imports_the_module() {
    let mut found = vec![];
    for file in www().into_iter().filter(|f| f.path != "www/worker.js") {
        let imports = |l: &&str| {
            let listed = ["pkg/shell.js", "pkg/formats.js"].iter().any(|list| l.contains(list));
            !l.trim_start().starts_with(['*', '/']) && l.contains("import") && l.contains("pkg/") && !listed
        };
        let lines = file.text.lines().filter(imports);
        found.extend(lines.map(|l| format!("{}: {}", file.path, l.trim())));
    }
    none("www/pkg/ is the worker's:", &found);
}

#[test]
fn only_the_ui_touches_the_dom() {
    let words = [
        "document",
        "querySelector",
        "createElement",
        "customElements",
        "HTMLElement",
        "textContent",
    ];
    none(
        // the examples are other people's pages
        "the DOM belongs to www/ui/:",
        &page(&words, |path| {
            path.starts_with("www/ui/") || path.starts_with("www/docs/")
        }),
    );
}

#[test]
fn model_output_is_never_markup() {
    let words = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "setHTMLUnsafe",
        "eval",
        "createContextualFragment",
    ];
    none("text goes into textContent:", &page(&words, |_| false));
}

#[test]
fn addresses_in_the_page_are_relative() {
    let starts = [
        "src=",
        "href=",
        "from ",
        "import(",
        "URL(",
        "fetch(",
        "register(",
        "importScripts(",
        "url(",
    ];
    let served = |f: &File| f.path.starts_with("www/") && ["js", "html", "css"].iter().any(|e| f.is(e));
    let mut found = vec![];
    for file in files().into_iter().filter(served) {
        for (n, line) in file.text.lines().enumerate() {
            let hit = starts
                .iter()
                .any(|s| ["", "\"", "'"].iter().any(|q| line.contains(&format!("{s}{q}/"))));
            if hit {
                found.push(format!("{}:{}: {}", file.path, n + 1, line.trim()));
            }
        }
    }
    for name in ["src", "action", "start_url", "scope", "id"] {
        let manifest = include_str!("../../www/manifest.webmanifest");
        if manifest.contains(&format!("\"{name}\": \"/")) {
            found.push(format!("www/manifest.webmanifest: {name}"));
        }
    }
    none("the page is served from any folder:", &found);
}

#[test]
fn the_protocol_imports_nothing() {
    none(
        "protocol.js stands alone:",
        &page(&["import", "require"], |path| path != "www/protocol.js"),
    );
}

#[test]
fn no_path_or_host_of_one_machine_is_in_the_project() {
    let words = [
        concat!("/wo", "rk/"),
        concat!("/tm", "p/wt"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("registry.", "npm", "js"),
        concat!("index.", "crates", ".io"),
    ];
    let mut found = vec![];
    for file in files() {
        for (n, line) in file.text.lines().enumerate() {
            let hit = words.iter().find(|w| line.contains(**w));
            found.extend(hit.map(|w| format!("{}:{}: {w}", file.path, n + 1)));
        }
    }
    none("write it relative, or leave it out:", &found);
}

#[test]
fn every_document_is_there() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let wanted = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
    ];
    let missing: Vec<String> = wanted
        .iter()
        .filter(|f| !root.join(f).is_file())
        .map(|f| (*f).to_owned())
        .collect();
    none("missing:", &missing);
}
