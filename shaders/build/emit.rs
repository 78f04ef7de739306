//! Writes the Rust module of one shader: `Params`, `Args`, `Consts`, the axes, `Variant` and the sources.

use crate::{
    preprocess::{Axis, Shader, leaf},
    reflect::{self, Interface},
};
use std::fmt::{self, Write as _};

/// What stands above the modules.
pub(crate) const HEADER: &str = "\
/// A shader, and what its variants are called by: the names of each axis' values, \"\" where a switch is off.
#[derive(Debug, PartialEq, Eq)]
pub struct Shader {
    name: &'static str,
    axes: &'static [&'static [&'static str]],
    texts: &'static Texts,
}

/// What the texts of shaders are made of.
#[derive(Debug, PartialEq, Eq)]
struct Texts {
    parts: &'static [&'static str],
    /// Numbers of parts: of each text, one after the other.
    lists: &'static [u16],
    enables: &'static [&'static str],
}

/// One variant of a shader.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    shader: &'static Shader,
    /// Its place among the variants.
    number: u16,
    /// Which extensions it needs, as bits.
    enables: u8,
    /// Its text: so many numbers of parts, from here on in their lists.
    begin: u16,
    count: u16,
}

impl Source {
    /// What tells it from all others.
    pub fn key(&self) -> (&'static str, u16) {
        (self.shader.name, self.number)
    }

    /// `shader.variant`, for messages and labels.
    pub fn name(&self) -> String {
        let (mut number, mut variant) = (usize::from(self.number), String::new());
        for values in self.shader.axes.iter().rev() {
            let value = values[number % values.len()];
            number /= values.len();
            if !value.is_empty() {
                let between = if variant.is_empty() { \"\" } else { \"_\" };
                variant = format!(\"{value}{between}{variant}\");
            }
        }
        format!(\"{}.{variant}\", self.shader.name)
    }

    /// Extensions it needs. `subgroups` is not in the text: the web prepends `enable subgroups;`, naga rejects it.
    pub fn enables(&self) -> impl Iterator<Item = &'static str> {
        let bits = self.enables;
        self.shader.texts.enables.iter().enumerate().filter(move |(i, _)| bits >> i & 1 == 1).map(|(_, e)| *e)
    }

    /// The text.
    pub fn wgsl(&self) -> String {
        let (begin, texts) = (usize::from(self.begin), self.shader.texts);
        let parts = &texts.lists[begin..begin + usize::from(self.count)];
        parts.iter().map(|part| texts.parts[usize::from(*part)]).collect()
    }
}

/// The value whose name is this.
fn named<T: Copy>(names: &[&str], all: &[T], name: &str) -> Option<T> {
    names.iter().position(|n| *n == name).and_then(|at| all.get(at)).copied()
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

/// The declarations that shaders are made of: many variants have the same, so each is there once. And which ones each variant
/// has, one list after the other, since pointers do not compress; and the extensions. What only measures is apart, since the module
/// of the web does not have it.
#[derive(Default)]
pub(crate) struct Parts {
    texts: Vec<String>,
    lists: Vec<usize>,
    enables: Vec<String>,
}

impl Parts {
    /// What tells these texts from others, FNV-1a.
    fn hash(&self) -> u64 {
        let lists = self.lists.iter().flat_map(|part| part.to_le_bytes());
        let bytes = self.texts.iter().chain(&self.enables).flat_map(|text| text.bytes());
        bytes.chain(lists).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// Where the list of a text's declarations begins, and how long it is.
    fn of(&mut self, text: &str) -> (usize, usize) {
        let (begin, mut part, mut depth) = (self.lists.len(), String::new(), 0);
        for line in text.split_inclusive('\n') {
            part.push_str(line);
            depth += line.matches('{').count();
            depth -= line.matches('}').count();
            if depth == 0 {
                let known = self.texts.iter().position(|p| *p == part);
                self.lists.push(known.unwrap_or(self.texts.len()));
                let new = std::mem::take(&mut part);
                self.texts.extend(known.is_none().then_some(new));
            }
        }
        (begin, self.lists.len() - begin)
    }

    /// Extensions as bits.
    fn bits(&mut self, enables: &[String]) -> u8 {
        let mut bit = |name: &String| {
            let known = self
                .enables
                .iter()
                .position(|e| e == name)
                .unwrap_or(self.enables.len());
            if known == self.enables.len() {
                self.enables.push(name.clone());
            }
            1 << known
        };
        enables.iter().map(&mut bit).sum()
    }

    /// What tells these shaders from those of other versions.
    pub(crate) fn version(&self) -> String {
        format!(
            "/// What tells these shaders from those of other versions.\npub const HASH: u64 = {};\n",
            self.hash()
        )
    }

    /// The tables of all that, under a name.
    pub(crate) fn table(&self, name: &str) -> String {
        let Self { texts, lists, enables } = self;
        format!("static {name}: Texts = Texts {{ parts: &{texts:?}, lists: &{lists:?}, enables: &{enables:?} }};\n")
    }
}

/// The module of one shader.
pub(crate) fn module(
    shader: &Shader,
    interface: &Interface,
    (table, parts): (&str, &mut Parts),
) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, shader, interface, (table, parts)).map_err(|e| e.to_string())?;
    for axis in shader.axes.iter().filter(|a| !a.is_switch()) {
        let mut names: Vec<String> = axis.values.iter().map(|v| camel(leaf(v))).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|p| p[0] == p[1]) {
            return Err(format!("axis {} has two values called {}", axis.name, pair[0]));
        }
    }
    Ok(out)
}

fn write(w: &mut String, shader: &Shader, interface: &Interface, texts: (&str, &mut Parts)) -> fmt::Result {
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
    sources(w, shader, interface, texts)?;
    writeln!(w, "}}")
}

fn doc(w: &mut String, text: &str, otherwise: &str) -> fmt::Result {
    let text = if text.is_empty() { otherwise } else { text };
    writeln!(w, "/// {text}")
}

fn params(w: &mut String, interface: &Interface) -> fmt::Result {
    let (fields, size) = interface.params.clone().unwrap_or_default();
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
    writeln!(
        w,
        "];\nconst NAMES: &[&str] = &{:?};",
        axis.values.iter().map(|v| leaf(v)).collect::<Vec<_>>()
    )?;
    writeln!(
        w,
        "/// The value with this name.\npub fn from_name(name: &str) -> Option<Self> {{ super::named(Self::NAMES, Self::ALL, name) }}\n}}"
    )
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

fn sources(w: &mut String, shader: &Shader, interface: &Interface, (table, parts): (&str, &mut Parts)) -> fmt::Result {
    let value = |axis: &Axis, v: &str| match (axis.is_switch(), v) {
        (true, "on") => axis.name.to_lowercase(),
        (true, _) => String::new(),
        (false, v) => leaf(v).to_owned(),
    };
    let names = |axis: &Axis| axis.values.iter().map(|v| value(axis, v)).collect::<Vec<_>>();
    writeln!(
        w,
        "static SHADER: super::Shader = super::Shader {{ name: {:?}, axes: &[",
        shader.name
    )?;
    for axis in &shader.axes {
        writeln!(w, "&{:?},", names(axis))?;
    }
    writeln!(
        w,
        "], texts: &super::{table} }};\nstatic SOURCES: [Source; {}] = [",
        shader.variants.len()
    )?;
    for (number, v) in shader.variants.iter().enumerate() {
        let wgsl = v.stripped() + &missing(&v.expanded, &interface.overrides);
        let ((begin, count), enables) = (parts.of(&wgsl), parts.bits(&v.enables));
        writeln!(
            w,
            "Source {{ shader: &SHADER, number: {number}, enables: {enables}, begin: {begin}, count: {count} }},"
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
