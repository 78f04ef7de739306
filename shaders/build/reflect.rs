//! Parses and validates one variant with naga, and returns what the Rust side has to know of it.

use naga::{
    AddressSpace, Expression, Literal, Module, ScalarKind, ShaderStage, StorageAccess, Type, TypeInner,
    valid::{Capabilities, ValidationFlags, Validator},
};

/// WebGPU grants this many storage buffers a stage everywhere; no variant of a kernel uses more.
const MAX_STORAGE: usize = 8;

/// A field of `Params`, a 4-byte scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: &'static str,
    pub(crate) offset: u32,
    pub(crate) doc: String,
}

/// A storage binding.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) write: bool,
    pub(crate) doc: String,
}

/// An `override` that the host may set. One whose default is computed from others is the shader's own affair.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    pub(crate) name: String,
    pub(crate) ty: &'static str,
    /// The default as a Rust literal.
    pub(crate) default: String,
    pub(crate) doc: String,
}

/// What all variants of one shader have in common.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    /// Fields and size of the uniform at group 0, binding 0, if there is one.
    pub(crate) params: Option<(Vec<Field>, u32)>,
    pub(crate) storage: Vec<Storage>,
    pub(crate) overrides: Vec<Override>,
}

/// Validates `source` and reflects it.
pub(crate) fn reflect(source: &str) -> Result<Interface, String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .map_err(|e| e.emit_to_string(source))?;
    match module.entry_points.as_slice() {
        [main] if main.name == "main" && main.stage == ShaderStage::Compute => {}
        _ => return Err("expected one entry point, `@compute … fn main`".to_owned()),
    }
    let mut interface = Interface {
        params: None,
        storage: vec![],
        overrides: overrides(&module, source)?,
    };
    for (_, var) in module.global_variables.iter() {
        let Some(binding) = &var.binding else { continue };
        let name = var.name.clone().unwrap_or_default();
        if binding.group != 0 {
            return Err(format!("{name}: expected @group(0), found @group({})", binding.group));
        }
        let index = binding.binding;
        match var.space {
            AddressSpace::Uniform if index == 0 => {
                interface.params = Some(params(&module, &module.types[var.ty], source)?)
            }
            AddressSpace::Uniform => {
                return Err(format!(
                    "{name}: the uniform belongs at @binding(0), found @binding({index})"
                ));
            }
            AddressSpace::Storage { access } => interface.storage.push(Storage {
                index,
                write: access.contains(StorageAccess::STORE),
                doc: comment(source, |code| {
                    code.contains("@binding(") && code.contains(&format!(" {name}:"))
                }),
                name,
            }),
            _ => return Err(format!("{name}: expected a uniform or a storage buffer")),
        }
    }
    interface.storage.sort_by_key(|b| b.index);
    if let Some(pair) = interface.storage.windows(2).find(|p| p[0].index == p[1].index) {
        return Err(format!(
            "{} and {} share @binding({})",
            pair[0].name, pair[1].name, pair[0].index
        ));
    }
    match interface.storage.len() {
        0 => Err("no storage buffer: there would be no result".to_owned()),
        n if n > MAX_STORAGE => Err(format!(
            "{n} storage buffers, at most {MAX_STORAGE} are granted everywhere"
        )),
        _ => Ok(interface),
    }
}

impl Interface {
    /// Takes in another variant: the same parameters and bindings, overrides as the union.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
        let layout = |i: &Self| {
            let fields = i.params.iter().flat_map(|(fields, _)| fields);
            let fields: Vec<_> = fields
                .map(|f| format!("{}: {} at {}", f.name, f.ty, f.offset))
                .collect();
            let storage = i.storage.iter().map(|b| match b.write {
                true => format!("{} {}: read_write", b.index, b.name),
                false => format!("{} {}: read", b.index, b.name),
            });
            let storage: Vec<_> = storage.collect();
            format!("params [{}], bindings [{}]", fields.join(", "), storage.join(", "))
        };
        let (ours, theirs) = (layout(self), layout(&other));
        if ours != theirs {
            return Err(format!(
                "another interface than the first variant\n  expected {ours}\n  found    {theirs}"
            ));
        }
        for o in other.overrides {
            match self.overrides.iter().find(|known| known.name == o.name) {
                None => self.overrides.push(o),
                Some(known) if known.ty == o.ty && known.default == o.default => {}
                Some(known) => {
                    return Err(format!(
                        "override {}: {} = {}, but {} = {} in another variant",
                        o.name, o.ty, o.default, known.ty, known.default
                    ));
                }
            }
        }
        Ok(())
    }
}

fn params(module: &Module, ty: &Type, source: &str) -> Result<(Vec<Field>, u32), String> {
    let TypeInner::Struct { members, span } = &ty.inner else {
        return Err("the uniform at @binding(0) is not a struct".to_owned());
    };
    let mut fields = vec![];
    for member in members {
        let name = member.name.clone().unwrap_or_default();
        let ty = match module.types[member.ty].inner {
            TypeInner::Scalar(s) if s.width == 4 => match s.kind {
                ScalarKind::Float => "f32",
                ScalarKind::Sint => "i32",
                _ => "u32",
            },
            _ => return Err(format!("the uniform's field {name} is not a 4-byte scalar")),
        };
        let lead = format!("{name}:");
        fields.push(Field {
            doc: comment(source, |code| code.starts_with(&lead)),
            name,
            ty,
            offset: member.offset,
        });
    }
    Ok((fields, *span))
}

fn overrides(module: &Module, source: &str) -> Result<Vec<Override>, String> {
    let mut out = vec![];
    for (_, o) in module.overrides.iter() {
        let name = o.name.clone().unwrap_or_default();
        let init = o.init.ok_or_else(|| format!("override {name} has no default"))?;
        let Expression::Literal(literal) = &module.global_expressions[init] else {
            continue;
        };
        let (ty, default) = match literal {
            Literal::U32(v) => ("u32", v.to_string()),
            Literal::I32(v) => ("i32", v.to_string()),
            Literal::F32(v) => ("f32", format!("{v:?}")),
            Literal::Bool(v) => ("bool", v.to_string()),
            _ => return Err(format!("override {name} is not a u32, i32, f32 or bool")),
        };
        let lead = format!("override {name}");
        out.push(Override {
            doc: comment(source, |code| {
                code.strip_prefix(&lead).is_some_and(|c| c.starts_with([':', ' ', '=']))
            }),
            name,
            ty,
            default,
        });
    }
    Ok(out)
}

/// The comment beside the first line whose code satisfies `is_it`.
fn comment(source: &str, is_it: impl Fn(&str) -> bool) -> String {
    let mut lines = source.lines().filter_map(|line| line.split_once("//"));
    let found = lines.find(|(code, _)| is_it(code.trim()));
    found.map(|(_, comment)| comment.trim().to_owned()).unwrap_or_default()
}
