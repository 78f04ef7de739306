//! What was found of an adapter, as text that a host keeps and brings at the next load: with which formats and layers its kernels
//! gave the known answers, which were given up, and which form is the fastest for each format. A line of JSON an adapter.

use crate::{
    gpu::Caps,
    op::{Form, Forms},
    quant,
    shader::HASH,
    tensor::Format,
};
use serde_json::{Map, Value, json};

/// Lines about other adapters, or of other versions, that are kept.
const OTHERS: usize = 7;

/// What is known of one adapter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdicts {
    /// Which adapter and which kernels; with others a line says nothing.
    of: String,
    /// Lines about others.
    others: Vec<String>,
    /// Whether kernels with subgroups are used.
    pub(super) subgroups: bool,
    /// Why some are not.
    pub(super) refused: String,
    /// Whether rows belong to the lanes of a subgroup.
    by_lanes: bool,
    /// Formats whose known answers were given, with the form to use where that was measured, and how many times faster than the
    /// usual one it was.
    formats: Vec<(&'static Format, Option<(Form, f64)>)>,
    /// What gave the known answers besides, by the names of [`super::selftest::Layer`].
    pub(super) layers: Vec<String>,
}

/// What the text is about.
fn key(caps: &Caps) -> String {
    let (version, sizes) = (env!("CARGO_PKG_VERSION"), caps.subgroup_sizes);
    // of adapters that do not say their names
    let limits = [
        caps.max_binding,
        caps.max_buffer,
        caps.workgroup_memory.into(),
        caps.invocations.into(),
    ];
    let by = if caps.cpu_lanes() > 0 { " by lanes" } else { "" };
    format!(
        "{}, {}, {limits:?}, subgroups {sizes:?}{by}, nomoat {version} {HASH:016x}",
        caps.name, caps.driver
    )
}

impl Verdicts {
    /// Nothing yet, of an adapter that can do this.
    pub(super) fn new(caps: &Caps) -> Self {
        Self {
            of: key(caps),
            others: vec![],
            subgroups: caps.subgroups(),
            refused: String::new(),
            by_lanes: caps.cpu_lanes() > 0,
            formats: vec![],
            layers: vec![],
        }
    }

    /// What the text says about this adapter: nothing, if it is about others or cannot be read.
    pub(super) fn read(text: &str, caps: &Caps) -> Self {
        let (mut own, mut others) = (Self::new(caps), vec![]);
        for line in text.lines() {
            match Self::line(line, caps) {
                Some(found) => own = found,
                // one of this adapter that says too little is of no use to others either
                None if Self::of(line).is_some_and(|of| of == own.of) => {}
                None => others.push(line.to_owned()),
            }
        }
        others.drain(..others.len().saturating_sub(OTHERS));
        Self { others, ..own }
    }

    /// What a line is about.
    fn of(line: &str) -> Option<String> {
        let all: Value = serde_json::from_str(line).ok()?;
        all.get("of")?.as_str().map(str::to_owned)
    }

    fn line(line: &str, caps: &Caps) -> Option<Self> {
        let all: Value = serde_json::from_str(line).ok()?;
        let mut found = Self::new(caps);
        if all.get("of")?.as_str()? != found.of {
            return None;
        }
        found.subgroups = all.get("subgroups")?.as_bool()?;
        all.get("refused")?.as_str()?.clone_into(&mut found.refused);
        for (name, form) in all.get("formats")?.as_object()? {
            let fastest = match form {
                Value::Null => None,
                form => Some((read(form)?, form.get("gain")?.as_f64()?)),
            };
            found.formats.push((quant::by_name(name)?, fastest));
        }
        for layer in all.get("layers")?.as_array()? {
            found.layers.push(layer.as_str()?.into());
        }
        Some(found)
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        let form = |(form, gain): &(Form, f64)| json!({"subgroups": form.subgroups, "invocations": form.invocations, "quads": form.quads, "gain": gain});
        let formats = self.formats.iter();
        let formats: Map<String, Value> = formats
            .map(|(format, fastest)| (format.name.to_owned(), fastest.as_ref().map_or(Value::Null, form)))
            .collect();
        let own = json!({"of": self.of, "subgroups": self.subgroups, "refused": self.refused, "formats": formats, "layers": self.layers});
        let others = self.others.iter().map(|line| format!("{line}\n"));
        others.chain([format!("{own}\n")]).collect()
    }

    /// Whether a format gave the known answers.
    pub(super) fn holds(&self, format: &Format) -> bool {
        self.formats.iter().any(|(f, _)| *f == format)
    }

    /// Notes that these formats gave the known answers.
    pub(super) fn note(&mut self, formats: &[&'static Format]) {
        let new: Vec<_> = formats.iter().filter(|f| !self.holds(f)).map(|f| (*f, None)).collect();
        self.formats.extend(new);
    }

    /// Notes that kernels with subgroups are not used; what was right with them is to be seen again without.
    pub(super) fn give_up_subgroups(&mut self) {
        self.subgroups = false;
        self.formats.clear();
        self.layers.clear();
    }

    /// Forgets what is known of a format, and of layers, which may be in it.
    pub(super) fn forget(&mut self, format: &Format) {
        self.formats.retain(|(f, _)| *f != format);
        self.layers.clear();
    }

    /// Whether the forms of a format have been measured.
    pub(super) fn measured(&self, format: &Format) -> bool {
        self.formats
            .iter()
            .any(|(f, fastest)| *f == format && fastest.is_some())
    }

    /// Notes the fastest form of a format.
    pub(super) fn fastest(&mut self, format: &'static Format, form: Form, gain: f64) {
        self.formats.retain(|(f, _)| *f != format);
        self.formats.push((format, Some((form, gain))));
    }

    /// The forms to use.
    pub(super) fn forms(&self) -> Forms {
        let known = self.formats.iter();
        Forms(known.filter_map(|(format, f)| Some((*format, f.as_ref()?.0))).collect())
    }

    /// The formats that there is something known of.
    pub(super) fn formats(&self) -> Vec<&'static Format> {
        self.formats.iter().map(|(format, _)| *format).collect()
    }

    /// What was measured of some formats, in words; empty if nothing was.
    pub(super) fn words(&self, formats: &[&'static Format]) -> String {
        let known = self.formats.iter().filter(|(f, _)| formats.contains(f));
        let words = known.filter_map(|(format, fastest)| {
            let (form, gain) = fastest.as_ref()?;
            let each = match form.subgroups {
                true if self.by_lanes => "a lane",
                true => "a subgroup",
                false => "a workgroup",
            };
            let (rows, invocations) = (4 * form.quads, form.invocations);
            Some(format!(
                "{}: {rows} rows {each}, {invocations} invocations, {gain:.2} times the usual",
                format.name
            ))
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

fn read(form: &Value) -> Option<Form> {
    let number = |key: &str| u32::try_from(form.get(key)?.as_u64()?).ok();
    Some(Form {
        subgroups: form.get("subgroups")?.as_bool()?,
        invocations: number("invocations")?,
        quads: number("quads")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_by_the_same_adapter_only() {
        let caps = Caps::least();
        let mut kept = Verdicts::new(&caps);
        let [f16, q8, q4] = ["F16", "Q8_0", "Q4_0"].map(|name| quant::by_name(name).unwrap_or_else(|| unreachable!()));
        kept.note(&[f16, q8]);
        let form = Form {
            subgroups: false,
            invocations: 128,
            quads: 1,
        };
        kept.fastest(q8, form, 1.25);
        kept.refused = "; not used".into();
        kept.layers = vec!["conv".into(), "experts of Q8_0".into()];
        let text = kept.text();
        assert_eq!(Verdicts::read(&text, &caps), kept);
        assert!(kept.holds(f16) && !kept.measured(f16) && kept.measured(q8) && !kept.holds(q4));
        assert_eq!(kept.forms().of(q8, &caps), form);
        assert_eq!(
            kept.words(&[q8]),
            "Q8_0: 4 rows a workgroup, 128 invocations, 1.25 times the usual"
        );
        let other = Caps {
            name: "another".into(),
            ..caps.clone()
        };
        for (text, caps) in [
            (&*text, &other),
            ("", &caps),
            ("{}", &caps),
            (&text.replace("Q8_0", "Q9"), &caps),
        ] {
            assert_eq!(Verdicts::read(text, caps).formats, vec![], "{text}");
        }
        // what others found stays, but not for ever
        let both = Verdicts::read(&text, &other).text();
        assert_eq!(Verdicts::read(&both, &caps).formats, kept.formats);
        assert!(both.starts_with(&text) && both.lines().count() == 2);
        let many: String = (0..40).map(|n| format!("{{\"of\": {n}}}\n")).collect();
        assert_eq!(Verdicts::read(&many, &caps).text().lines().count(), 1 + OTHERS);
        // what says nothing of layers knows nothing of them
        let before = text.replace("layers", "other");
        assert_eq!(Verdicts::read(&before, &caps).layers, Vec::<String>::new());
        // a form that this adapter cannot run is not taken
        let wide = text.replace("128", "4096");
        assert_eq!(Verdicts::read(&wide, &caps).forms().of(q8, &caps), Form::usual(&caps));
    }
}
