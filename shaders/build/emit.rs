//! Writes the Rust module of one shader: `Params`, `Args`, `Consts`, the axes, `Variant` and the sources.

use crate::{
    preprocess::{Axis, Shader, leaf},
    reflect::{self, Interface},
};
use std::fmt::{self, Write as _};

/// What stands above the modules.
pub(crate) const HEADER: &str = "\
/// One variant of a shader.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// `shader.variant`, for messages, labels and caches.
    pub name: &'static str,
    /// Extensions it needs. `subgroups` is not in the text: the web prepends `enable subgroups;`, naga rejects it.
    pub enables: &'static [&'static str],
    /// The text, as numbers of `PARTS`; its entry point is `main`.
    parts: &'static [u16],
}

impl Source {
    /// The text.
    pub fn wgsl(&self) -> String {
        self.parts.iter().map(|part| PARTS[usize::from(*part)]).collect()
    }
}

/// A storage buffer bound to a shader, in group 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<B> {
    /// `@binding(index)`.
    pub index: u32,
    /// The caller's kind of buffer.
    pub buffer: B,
    /// Whether the shader writes it.
    pub write: bool,
}
";

/// The declarations that shaders are made of: many variants have the same, so each is there once.
#[derive(Default)]
pub(crate) struct Parts(Vec<String>);

impl Parts {
    /// The numbers of a text's declarations.
    fn of(&mut self, text: &str) -> Vec<usize> {
        let (mut numbers, mut part, mut depth) = (vec![], String::new(), 0);
        for line in text.split_inclusive('\n') {
            part.push_str(line);
            depth += line.matches('{').count();
            depth -= line.matches('}').count();
            if depth == 0 {
                let known = self.0.iter().position(|p| *p == part);
                numbers.push(known.unwrap_or(self.0.len()));
                let new = std::mem::take(&mut part);
                self.0.extend(known.is_none().then_some(new));
            }
        }
        numbers
    }

    /// The table of them.
    pub(crate) fn table(&self) -> String {
        format!("static PARTS: [&str; {}] = {:?};\n", self.0.len(), self.0)
    }
}

/// The module of one shader.
pub(crate) fn module(shader: &Shader, interface: &Interface, parts: &mut Parts) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, shader, interface, parts).map_err(|e| e.to_string())?;
    for axis in shader.axes.iter().filter(|a| !a.is_switch()) {
        let mut names: Vec<String> = axis.values.iter().map(|v| camel(leaf(v))).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|p| p[0] == p[1]) {
            return Err(format!("axis {} has two values called {}", axis.name, pair[0]));
        }
    }
    Ok(out)
}

fn write(w: &mut String, shader: &Shader, interface: &Interface, parts: &mut Parts) -> fmt::Result {
    for line in &shader.docs {
        writeln!(w, "///{line}")?;
    }
    writeln!(w, "pub mod {} {{", shader.name)?;
    writeln!(w, "use super::{{Binding, Source}};")?;
    params(w, interface)?;
    args(w, interface)?;
    consts(w, interface)?;
    for axis in shader.axes.iter().filter(|a| !a.is_switch()) {
        enumeration(w, axis)?;
    }
    variants(w, shader)?;
    sources(w, shader, interface, parts)?;
    writeln!(w, "}}")
}

fn doc(w: &mut String, text: &str, otherwise: &str) -> fmt::Result {
    let text = if text.is_empty() { otherwise } else { text };
    writeln!(w, "/// {text}")
}

fn params(w: &mut String, interface: &Interface) -> fmt::Result {
    let (fields, size) = interface.params.clone().unwrap_or_default();
    let binding = interface.params.as_ref().map(|_| 0u32);
    writeln!(w, "/// Where the uniform is bound, if the shader has one.")?;
    writeln!(w, "pub const PARAMS_BINDING: Option<u32> = {binding:?};")?;
    writeln!(w, "/// The uniform, as WGSL lays it out.")?;
    writeln!(w, "#[repr(C)]")?;
    writeln!(
        w,
        "#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]"
    )?;
    writeln!(w, "pub struct Params {{")?;
    let (mut at, mut pads) = (0, 0);
    let mut pad = |w: &mut String, at: &mut u32, to: u32| -> fmt::Result {
        while *at < to {
            writeln!(w, "/// Padding.\npub pad_{pads}: u32,")?;
            pads += 1;
            *at += 4;
        }
        Ok(())
    };
    for f in &fields {
        pad(w, &mut at, f.offset)?;
        doc(w, &f.doc, &format!("`{}`", f.name))?;
        writeln!(w, "pub {}: {},", f.name, f.ty)?;
        at += 4;
    }
    pad(w, &mut at, size)?;
    writeln!(w, "}}")?;
    writeln!(w, "const _: () = {{\nassert!(size_of::<Params>() == {size});")?;
    for f in &fields {
        writeln!(w, "assert!(std::mem::offset_of!(Params, {}) == {});", f.name, f.offset)?;
    }
    writeln!(w, "}};")
}

fn args(w: &mut String, interface: &Interface) -> fmt::Result {
    writeln!(w, "/// How many storage buffers it binds.")?;
    writeln!(w, "pub const STORAGE_BINDINGS: usize = {};", interface.storage.len())?;
    writeln!(w, "/// The storage buffers, in binding order.")?;
    writeln!(w, "#[derive(Clone, Copy, Debug)]\npub struct Args<B> {{")?;
    for b in &interface.storage {
        let access = if b.write { "read_write" } else { "read" };
        match b.doc.as_str() {
            "" => writeln!(w, "/// {access}")?,
            text => writeln!(w, "/// {text} ({access})")?,
        }
        writeln!(w, "pub {}: B,", b.name)?;
    }
    writeln!(w, "}}\nimpl<B: Copy> Args<B> {{")?;
    writeln!(
        w,
        "/// The buffers with their numbers.\npub fn bindings(&self) -> Vec<Binding<B>> {{ vec!["
    )?;
    for b in &interface.storage {
        writeln!(
            w,
            "Binding {{ index: {}, buffer: self.{}, write: {} }},",
            b.index, b.name, b.write
        )?;
    }
    writeln!(w, "] }}\n}}")
}

fn consts(w: &mut String, interface: &Interface) -> fmt::Result {
    let overrides = &interface.overrides;
    writeln!(w, "/// The `override` constants, set when a pipeline is made.")?;
    writeln!(w, "#[derive(Clone, Copy, Debug, PartialEq)]\npub struct Consts {{")?;
    for o in overrides {
        doc(w, &o.doc, &format!("`{}`", o.name))?;
        writeln!(w, "pub {}: {},", o.name.to_lowercase(), o.ty)?;
    }
    writeln!(
        w,
        "}}\n#[allow(clippy::derivable_impls, reason = \"written out for every shader\")]"
    )?;
    writeln!(w, "impl Default for Consts {{\nfn default() -> Self {{ Self {{")?;
    for o in overrides {
        writeln!(w, "{}: {},", o.name.to_lowercase(), o.default)?;
    }
    writeln!(w, "}} }}\n}}\nimpl Consts {{")?;
    writeln!(
        w,
        "/// Names and values; every variant knows every name.\npub fn entries(&self) -> Vec<(&'static str, f64)> {{ vec!["
    )?;
    for o in overrides {
        let field = o.name.to_lowercase();
        match o.ty {
            "bool" => writeln!(w, "({:?}, f64::from(u8::from(self.{field}))),", o.name)?,
            _ => writeln!(w, "({:?}, f64::from(self.{field})),", o.name)?,
        }
    }
    writeln!(w, "] }}\n}}")
}

fn enumeration(w: &mut String, axis: &Axis) -> fmt::Result {
    let name = camel(&axis.name.to_lowercase());
    writeln!(w, "/// The axis `{}`.", axis.name)?;
    writeln!(
        w,
        "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\npub enum {name} {{"
    )?;
    for v in &axis.values {
        writeln!(w, "/// `{v}`\n{},", camel(leaf(v)))?;
    }
    writeln!(w, "}}\nimpl {name} {{")?;
    writeln!(
        w,
        "/// All values, in the order of the sources.\npub const ALL: &[Self] = &["
    )?;
    for v in &axis.values {
        write!(w, "Self::{}, ", camel(leaf(v)))?;
    }
    writeln!(w, "];")?;
    writeln!(
        w,
        "/// The value with this name.\npub fn from_name(name: &str) -> Option<Self> {{ match name {{"
    )?;
    for v in &axis.values {
        writeln!(w, "{:?} => Some(Self::{}),", leaf(v), camel(leaf(v)))?;
    }
    writeln!(w, "_ => None,\n}} }}\n}}")
}

fn variants(w: &mut String, shader: &Shader) -> fmt::Result {
    writeln!(w, "/// Which variant: one field per axis.")?;
    writeln!(
        w,
        "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\npub struct Variant {{"
    )?;
    let field = |axis: &Axis| axis.name.to_lowercase();
    for axis in &shader.axes {
        match axis.is_switch() {
            true => writeln!(w, "/// The switch `{}`.\npub {}: bool,", axis.name, field(axis))?,
            false => writeln!(
                w,
                "/// The axis `{}`.\npub {}: {},",
                axis.name,
                field(axis),
                camel(&field(axis))
            )?,
        }
    }
    writeln!(w, "}}\nimpl Variant {{")?;
    writeln!(
        w,
        "/// Every variant, in the order of the sources.\npub const ALL: &[Self] = &["
    )?;
    let count = shader.variants.len();
    for i in 0..count {
        write!(w, "Self {{ ")?;
        let mut rest = count;
        for axis in &shader.axes {
            rest /= axis.values.len();
            let value = &axis.values[i / rest % axis.values.len()];
            match axis.is_switch() {
                true => write!(w, "{}: {}, ", field(axis), value == "on")?,
                false => write!(w, "{}: {}::{}, ", field(axis), camel(&field(axis)), camel(leaf(value)))?,
            }
        }
        writeln!(w, "}},")?;
    }
    let mut index = String::from("0");
    for axis in &shader.axes {
        let value = match axis.is_switch() {
            true => format!("usize::from(self.{})", field(axis)),
            false => format!("self.{} as usize", field(axis)),
        };
        index = match index.as_str() {
            "0" => value,
            _ => format!("({index}) * {} + {value}", axis.values.len()),
        };
    }
    writeln!(w, "];")?;
    writeln!(
        w,
        "/// Its text.\npub fn source(self) -> &'static Source {{ &SOURCES[{index}] }}\n}}"
    )
}

fn sources(w: &mut String, shader: &Shader, interface: &Interface, parts: &mut Parts) -> fmt::Result {
    writeln!(w, "static SOURCES: [Source; {}] = [", shader.variants.len())?;
    for v in &shader.variants {
        let wgsl = v.stripped() + &missing(&v.expanded, &interface.overrides);
        writeln!(
            w,
            "Source {{ name: {:?}, enables: &{:?}, parts: &{:?} }},",
            v.name,
            v.enables,
            parts.of(&wgsl)
        )?;
    }
    writeln!(w, "];")
}

/// WebGPU refuses a constant that the module does not declare, so overrides that only other variants use are declared here
/// too; then one `Consts` serves all variants.
fn missing(expanded: &str, overrides: &[reflect::Override]) -> String {
    let declares = |name: &str| {
        let mut words = expanded.lines().map(|line| line.split("//").next().unwrap_or_default());
        words.any(|line| {
            let mut words = line
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|w| !w.is_empty());
            words.any(|w| w == "override") && words.next() == Some(name)
        })
    };
    let absent = overrides.iter().filter(|o| !declares(&o.name));
    absent
        .map(|o| format!("override {}: {} = {};\n", o.name, o.ty, o.default))
        .collect()
}

/// `gate_up` is `GateUp`; an underscore between digits stays, so that `q8_0` is `Q8_0`; a leading digit gets an `N`.
fn camel(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let digit = |i: usize| chars.get(i).is_some_and(char::is_ascii_digit);
    let mut out = String::new();
    if digit(0) {
        out.push('N');
    }
    for (i, c) in chars.iter().enumerate() {
        let between_digits = i > 0 && digit(i - 1) && digit(i + 1);
        let first = i == 0 || !chars[i - 1].is_alphanumeric();
        match c {
            '_' if between_digits => out.push('_'),
            c if !c.is_alphanumeric() => {}
            c if first => out.push(c.to_ascii_uppercase()),
            c => out.push(*c),
        }
    }
    out
}
