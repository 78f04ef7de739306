//! The text stage of the shader build: what the four directives and the variant header do. (What naga makes of the result
//! is checked by every build.)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../shaders/build/grammar.rs"]
mod grammar;
#[path = "../../shaders/build/preprocess.rs"]
mod preprocess;

use preprocess::{Shader, expand};
use std::{fs, path::PathBuf};

/// Writes `files` into a folder of their own and expands `k.wgsl`.
fn expand_files(test: &str, files: &[(&str, &str)]) -> Result<Shader, String> {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("shaders").join(test);
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    expand(&dir, "k")
}

fn names(shader: &Shader) -> Vec<&str> {
    shader.variants.iter().map(|v| v.name.as_str()).collect()
}

#[test]
fn a_file_in_an_axis_folder_is_a_variant_with_no_other_edit() {
    let root = "//! y = w x\n//! variant QUANT: quant/*\n//! variant WIDE: off on\n#import QUANT\nfn main() {}\n";
    let q8 = ("quant/q8_0.wgsl", "fn q8() {}");
    let q4 = ("quant/q4_0.wgsl", "fn q4() {}");
    let shader = expand_files("folder", &[("k.wgsl", root), q8, q4]).unwrap();
    assert_eq!(names(&shader), ["k.q4_0", "k.q4_0_wide", "k.q8_0", "k.q8_0_wide"]);
    assert_eq!(shader.docs, [" y = w x"]);
    assert_eq!((shader.name.as_str(), shader.axes[1].is_switch()), ("k", true));
    assert!(shader.variants[0].expanded.contains("fn q4()") && !shader.variants[0].expanded.contains("fn q8()"));
}

#[test]
fn subgroups_are_enabled_beside_the_text_and_f16_at_its_top() {
    let root = "//! k\n//! variant SUBGROUPS: off on\n#import lib/half\n#if SUBGROUPS\nenable subgroups;\n#endif\nfn main() {}";
    let half = ("lib/half.wgsl", "fn half() {}\nenable f16;\n");
    let shader = expand_files("enable", &[("k.wgsl", root), half]).unwrap();
    let [plain, subgroups] = shader.variants.as_slice() else {
        panic!("two variants")
    };
    assert_eq!(
        (plain.name.as_str(), &*plain.enables),
        ("k", ["f16".to_owned()].as_slice())
    );
    assert_eq!(subgroups.enables, ["f16", "subgroups"]);
    assert!(subgroups.expanded.starts_with("enable f16;\n") && !subgroups.expanded.contains("enable subgroups"));
}

#[test]
fn branches_follow_values_and_nest() {
    let root = "//! k\n//! variant KIND: a b\n//! variant X: off on\n#if KIND=a\n#if X\nax\n#else\na\n#endif\n#else\nb\n#endif";
    let shader = expand_files("branches", &[("k.wgsl", root)]).unwrap();
    let texts: Vec<String> = shader.variants.iter().map(preprocess::Variant::stripped).collect();
    assert_eq!(texts, ["a\n", "ax\n", "b\n", "b\n"]);
}

#[test]
fn a_module_comes_once_even_in_a_circle() {
    let (a, b) = (("lib/a.wgsl", "#import lib/b\na"), ("lib/b.wgsl", "#import lib/a\nb"));
    let shader = expand_files("circle", &[("k.wgsl", "//! k\n#import lib/a\n#import lib/b"), a, b]).unwrap();
    assert_eq!(shader.variants[0].stripped(), "b\na\n");
}

#[test]
fn shipped_text_has_no_comments_and_no_alignment() {
    let root = "//! k\n  let  x   = 1u;   // why\n\n//! more\n";
    let shader = expand_files("strip", &[("k.wgsl", root)]).unwrap();
    assert_eq!(shader.variants[0].stripped(), "let x = 1u;\n");
}

#[test]
fn mistakes_name_the_file_and_the_line() {
    for (test, root, wanted) in [
        ("unknown", "//! k\n#define X", "k.wgsl:2: unknown directive"),
        (
            "dormant",
            "//! variant X: off on\n#if X\n#endfi",
            "k.wgsl:3: unknown directive",
        ),
        ("undeclared", "//! k\n#if X\n#endif", "k.wgsl:2: no `//! variant X"),
        ("switchless", "//! variant X: a b\n#if X\n#endif", "X is no switch"),
        ("valueless", "//! variant X: a b\n#if X=c\n#endif", "X has no value c"),
        ("open", "//! variant X: off on\n#if X", "without `#endif`"),
        ("closed", "//! k\n#endif", "no `#if` before it"),
        ("module", "//! k\n#import lib/none", "lib/none.wgsl"),
        ("empty", "//! variant X:", "no values"),
        ("case", "//! variant x: a b", "upper case"),
    ] {
        let error = expand_files(test, &[("k.wgsl", root)]).expect_err(test);
        assert!(error.contains(wanted), "{test}: {error}");
    }
}

/// Of WGSL's rules, those for which naga takes what browsers do not.
#[test]
fn operators_that_need_parentheses_are_told() {
    let fine = [
        "let a = x + y * z - w / 2u % 3u;",
        "let a = (x & 3u) * 2u + (1u << 23u);",
        "if a < b && c + 1u >= d && e == f { return -a - -b; }",
        "var<workgroup> sums: array<vec4<f32>, SPAN * SHARE>;",
        "let a = vec4<u32>(x) & BYTES;",
        "let b = select(x, y, a | b | c) ^ d;",
        "for (var i = 0u; i < n; i++) { a[i] += b[i + 1u] & 3u; }",
        "fn f(a: ptr<function, u32>) -> u32 { *a |= b; return ~b & c; }",
        "let a = !b && -c < 1.0; // a | b * c",
    ];
    for line in fine {
        assert_eq!(grammar::check(line), Ok(()), "{line}");
    }
    let wrong = [
        "return a | b * c;",
        "let a = b & c == d;",
        "let a = b & c | d;",
        "let a = b + c << 2u;",
        "let a = b << 1u >> 2u;",
        "if a && b || c { }",
        "let a = b < c == d;",
        "let a = f(b, c ^ d + e);",
        "let a = b && c | d;",
    ];
    for line in wrong {
        let error = grammar::check(&format!("\n{line}")).unwrap_err();
        assert!(error.starts_with("line 2: ") && error.ends_with(line), "{error}");
    }
}
