//! The text stage of a shader: `//! variant` headers, `#import`, `#if`, `#else`, `#endif`. Anything else that starts with
//! `#` is an error, and so is a name that no header declares.

use std::{fs, path::Path};

/// One axis of variants: `//! variant QUANT: quant/*` or `//! variant SUBGROUPS: off on`.
#[derive(Debug, PartialEq)]
pub(crate) struct Axis {
    /// As written, upper case.
    pub(crate) name: String,
    /// As written; modules of a folder as `folder/stem`, sorted.
    pub(crate) values: Vec<String>,
}

impl Axis {
    /// Whether it is a switch: values exactly `off on`.
    pub(crate) fn is_switch(&self) -> bool {
        self.values == ["off", "on"]
    }
}

/// One product of the axes.
#[derive(Debug)]
pub(crate) struct Variant {
    /// `shader.value_value`: switches by their name when on, other axes by their value.
    pub(crate) name: String,
    /// `enable` extensions, those left out of the text included.
    pub(crate) enables: Vec<String>,
    /// The text with comments: what is validated, and what line numbers refer to.
    pub(crate) expanded: String,
}

impl Variant {
    /// The text that is shipped: no comments, indentation, alignment or empty lines.
    pub(crate) fn stripped(&self) -> String {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let code = |line: &str| words(line.split("//").next().unwrap_or_default());
        let lines = self.expanded.lines().map(code).filter(|line| !line.is_empty());
        lines.map(|line| line + "\n").collect()
    }
}

/// A root shader, expanded.
#[derive(Debug)]
pub(crate) struct Shader {
    /// File stem.
    pub(crate) name: String,
    /// Its `//!` lines, without the variant headers.
    pub(crate) docs: Vec<String>,
    /// In order of their headers.
    pub(crate) axes: Vec<Axis>,
    /// Every product of the axes; the last axis turns fastest.
    pub(crate) variants: Vec<Variant>,
}

/// Reads `dir/name.wgsl` and expands all its variants.
pub(crate) fn expand(dir: &Path, name: &str) -> Result<Shader, String> {
    let text = read(dir, name)?;
    let (mut docs, mut axes) = (vec![], vec![]);
    for line in text.lines().filter_map(|line| line.strip_prefix("//!")) {
        match line.trim_start().strip_prefix("variant ") {
            Some(header) => axes.push(axis(dir, header).map_err(|e| format!("shaders/{name}.wgsl: {e}"))?),
            None => docs.push(line.to_owned()),
        }
    }
    let mut products: Vec<Vec<&str>> = vec![vec![]];
    for axis in &axes {
        products = products
            .iter()
            .flat_map(|p| {
                axis.values
                    .iter()
                    .map(|v| p.iter().copied().chain([v.as_str()]).collect())
            })
            .collect();
    }
    let variants = products
        .iter()
        .map(|values| variant(dir, name, &text, &axes, values))
        .collect::<Result<_, _>>()?;
    Ok(Shader {
        name: name.to_owned(),
        docs,
        axes,
        variants,
    })
}

fn read(dir: &Path, module: &str) -> Result<String, String> {
    fs::read_to_string(dir.join(format!("{module}.wgsl"))).map_err(|e| format!("shaders/{module}.wgsl: {e}"))
}

/// Parses what follows `//! variant `.
fn axis(dir: &Path, header: &str) -> Result<Axis, String> {
    let wrong = |what: &str| format!("`//! variant {header}`: {what}");
    let (name, values) = header
        .split_once(':')
        .ok_or_else(|| wrong("expected `NAME: value value`"))?;
    let mut out = vec![];
    for value in values.split_whitespace() {
        match value.strip_suffix("/*") {
            None => out.push(value.to_owned()),
            Some(folder) => {
                let entries = fs::read_dir(dir.join(folder)).map_err(|e| wrong(&format!("{folder}: {e}")))?;
                let paths = entries.filter_map(|e| e.ok().map(|e| e.path()));
                let mut stems: Vec<String> = paths
                    .filter(|p| p.extension().is_some_and(|e| e == "wgsl"))
                    .filter_map(|p| Some(format!("{folder}/{}", p.file_stem()?.to_str()?)))
                    .collect();
                stems.sort();
                out.append(&mut stems);
            }
        }
    }
    let name = name.trim().to_owned();
    if name.is_empty()
        || !name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    {
        return Err(wrong("the name is not in upper case"));
    }
    match out.len() {
        0 => Err(wrong("no values")),
        _ => Ok(Axis { name, values: out }),
    }
}

/// The last component of a value: its name in Rust and in the name of a variant.
pub(crate) fn leaf(value: &str) -> &str {
    value.rsplit('/').next().unwrap_or(value)
}

fn variant(dir: &Path, shader: &str, text: &str, axes: &[Axis], values: &[&str]) -> Result<Variant, String> {
    let mut names = vec![];
    for (axis, value) in axes.iter().zip(values) {
        match (axis.is_switch(), *value) {
            (true, "on") => names.push(axis.name.to_lowercase()),
            (true, _) => {}
            (false, value) => names.push(leaf(value).to_owned()),
        }
    }
    let name = match names.len() {
        0 => shader.to_owned(),
        _ => format!("{shader}.{}", names.join("_")),
    };
    let mut e = Expansion {
        dir,
        axes,
        values,
        seen: vec![shader.to_owned()],
        directives: vec![],
        enables: vec![],
        body: String::new(),
    };
    e.module(shader, text)
        .map_err(|error| format!("{error} (variant {name})"))?;
    let directives = e.directives.iter().map(|d| format!("{d}\n"));
    Ok(Variant {
        name,
        enables: e.enables,
        expanded: directives.chain([e.body]).collect(),
    })
}

/// One variant in the making.
struct Expansion<'a> {
    dir: &'a Path,
    axes: &'a [Axis],
    values: &'a [&'a str],
    /// Modules that are in already: each comes once, at its first import.
    seen: Vec<String>,
    /// `enable`, `requires` and `diagnostic` lines: WGSL wants them before everything else, wherever they were imported.
    directives: Vec<String>,
    enables: Vec<String>,
    body: String,
}

impl Expansion<'_> {
    fn module(&mut self, module: &str, text: &str) -> Result<(), String> {
        let mut open: Vec<bool> = vec![];
        for (i, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("shaders/{module}.wgsl:{}: {what}: {}", i + 1, line.trim());
            let code = line.split("//").next().unwrap_or_default().trim();
            let (word, rest) = code.split_once(char::is_whitespace).unwrap_or((code, ""));
            let rest = rest.trim();
            match word {
                "#if" => {
                    let holds = self.holds(rest).map_err(|e| wrong(&e))?;
                    open.push(holds);
                    continue;
                }
                "#else" => {
                    let last = open.last_mut().ok_or_else(|| wrong("no `#if` before it"))?;
                    *last = !*last;
                    continue;
                }
                "#endif" => {
                    open.pop().ok_or_else(|| wrong("no `#if` before it"))?;
                    continue;
                }
                "#import" => {}
                _ if word.starts_with('#') => return Err(wrong("unknown directive")),
                _ => {}
            }
            if open.contains(&false) {
                continue;
            }
            match word {
                "#import" => self.import(rest).map_err(|e| wrong(&e))?,
                "enable" => self.enable(code),
                "requires" => self.direct(code),
                _ if code.starts_with("diagnostic") => self.direct(code),
                _ => {
                    self.body.push_str(line);
                    self.body.push('\n');
                }
            }
        }
        match open.len() {
            0 => Ok(()),
            _ => Err(format!("shaders/{module}.wgsl: an `#if` without `#endif`")),
        }
    }

    /// The value of an axis in this variant.
    fn value(&self, name: &str) -> Option<(&Axis, &str)> {
        let i = self.axes.iter().position(|a| a.name == name)?;
        Some((&self.axes[i], self.values[i]))
    }

    fn holds(&self, condition: &str) -> Result<bool, String> {
        let (name, wanted) = match condition.split_once('=') {
            Some((name, wanted)) => (name.trim(), Some(wanted.trim())),
            None => (condition, None),
        };
        let (axis, value) = self
            .value(name)
            .ok_or_else(|| format!("no `//! variant {name}: …` line in {}", self.seen[0]))?;
        let Some(wanted) = wanted else {
            return match axis.is_switch() {
                true => Ok(value == "on"),
                false => Err(format!("{name} is no switch: write `#if {name}=value`")),
            };
        };
        match axis.values.iter().any(|v| v == wanted || leaf(v) == wanted) {
            true => Ok(value == wanted || leaf(value) == wanted),
            false => Err(format!("{name} has no value {wanted}")),
        }
    }

    fn import(&mut self, path: &str) -> Result<(), String> {
        let module = self.value(path).map_or(path, |(_, value)| value).to_owned();
        if self.seen.contains(&module) {
            return Ok(());
        }
        self.seen.push(module.clone());
        let text = read(self.dir, &module)?;
        self.module(&module, &text)
    }

    /// naga 30 rejects `enable subgroups;` while browsers require it: it stands beside the text, not in it.
    fn enable(&mut self, code: &str) {
        let names = code.trim_start_matches("enable").trim_end_matches(';');
        for name in names.split(',').map(str::trim) {
            if !self.enables.iter().any(|e| e == name) {
                self.enables.push(name.to_owned());
            }
            if name != "subgroups" {
                self.direct(&format!("enable {name};"));
            }
        }
    }

    fn direct(&mut self, directive: &str) {
        if !self.directives.iter().any(|d| d == directive) {
            self.directives.push(directive.to_owned());
        }
    }
}
