//! Reads the project's own files for `tidy.rs`: which there are, their code without comments and literals, the paths in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{fs, path::Path};

/// A file of the project.
pub(crate) struct File {
    /// From the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, e)| e == extension)
    }

    pub(crate) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap();
        name.split_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The room of a file of the crate: its folder, or its name at the top.
    pub(crate) fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("crate/")?;
        Some(rest.split(['/', '.']).next().unwrap())
    }

    /// The text with comments and literals blanked, so that words in them are not taken for code; lines stay.
    pub(crate) fn code(&self) -> String {
        blank(&self.text, self.is("js") || self.is("mjs"))
    }
}

/// Every text file that is ours, by path.
pub(crate) fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let skip = ["target", "dist", "node_modules", "pkg", "vendor", ".git", "shared"];
    let (mut folders, mut out) = (vec![root.to_owned()], vec![]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
        for path in entries {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match () {
                () if skip.contains(&name.as_str()) => {}
                () if path.is_dir() => folders.push(path),
                () => {
                    let Ok(text) = fs::read_to_string(&path) else { continue };
                    let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                    out.push(File { path, text });
                }
            }
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

pub(crate) fn rust() -> Vec<File> {
    files().into_iter().filter(|f| f.is("rs")).collect()
}

pub(crate) fn crate_files() -> Vec<File> {
    rust().into_iter().filter(|f| f.room().is_some()).collect()
}

/// The modules of the page that we wrote.
pub(crate) fn www() -> Vec<File> {
    let ours = |f: &File| f.path.starts_with("www/") && (f.is("js") || f.is("mjs"));
    files().into_iter().filter(ours).collect()
}

pub(crate) fn shaders() -> Vec<File> {
    files().into_iter().filter(|f| f.is("wgsl")).collect()
}

/// Blanks comments, strings and character literals of Rust and WGSL, or of JavaScript. (A JavaScript regular expression
/// with a quote in it is taken for a string to the end of its line.)
pub(crate) fn blank(text: &str, js: bool) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    let at = |i: usize| bytes.get(i).copied().unwrap_or('\0');
    let word = |c: char| c.is_alphanumeric() || c == '_';
    while i < bytes.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < bytes.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                i += 2;
                while i < bytes.len() && !(at(i) == '*' && at(i + 1) == '/') {
                    i += 1;
                }
                i += 2;
            }
            'r' if !js && !word(at(i.wrapping_sub(1))) && raw_string(&bytes[i..]) > 0 => i += raw_string(&bytes[i..]),
            quote @ ('"' | '\'') if js => {
                let end = bytes[i..]
                    .iter()
                    .position(|c| *c == '\n')
                    .map_or(bytes.len(), |n| i + n);
                i = after_quote(&bytes[..end], i, quote).min(end);
            }
            '`' if js => i = after_quote(&bytes, i, '`'),
            '"' => i = after_quote(&bytes, i, '"'),
            // A lifetime has no closing quote; a character literal has, one character or one escape later.
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => i = after_quote(&bytes, i, '\''),
            c => {
                out.push(c);
                i += 1;
                continue;
            }
        }
        let end = i.min(bytes.len());
        out.extend(bytes[start..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
    }
    out
}

/// One past the closing quote of the literal that begins at `i`.
fn after_quote(chars: &[char], mut i: usize, quote: char) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// Length of the raw string at the start of `chars`; 0 if there is none.
fn raw_string(chars: &[char]) -> usize {
    let hashes = chars[1..].iter().take_while(|c| **c == '#').count();
    if chars.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &chars[2 + hashes..];
    let end = body.windows(close.len()).position(|w| w == close.as_slice());
    2 + hashes + end.map_or(body.len(), |e| e + close.len())
}

/// Every `a::b::c` in blanked code with its line; groups are spelled out: `a::{b, c::d}` is `a::b` and `a::c::d`.
pub(crate) fn paths(code: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = vec![];
    for (n, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let len = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                n => n,
            };
            tokens.push((n + 1, rest[..len].to_owned()));
            rest = rest[len..].trim_start();
        }
    }
    let (mut out, mut i) = (vec![], 0);
    while i < tokens.len() {
        path(&tokens, &mut i, "", &mut out);
    }
    out
}

fn path(tokens: &[(usize, String)], i: &mut usize, prefix: &str, out: &mut Vec<(usize, String)>) {
    let is_word = |i: usize| {
        tokens
            .get(i)
            .is_some_and(|t| t.1.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let is = |i: usize, s: &str| tokens.get(i).is_some_and(|t| t.1 == s);
    if !is_word(*i) || is(*i, "as") {
        // A new name after `as` is no path.
        *i += if is(*i, "as") { 2 } else { 1 };
        return;
    }
    let (line, mut name) = (tokens[*i].0, format!("{prefix}{}", tokens[*i].1));
    *i += 1;
    while is(*i, "::") && is_word(*i + 1) {
        name = format!("{name}::{}", tokens[*i + 1].1);
        *i += 2;
    }
    if !(is(*i, "::") && is(*i + 1, "{")) {
        out.push((line, name));
        return;
    }
    *i += 2;
    while *i < tokens.len() && !is(*i, "}") {
        path(tokens, i, &format!("{name}::"), out);
    }
    *i += 1;
}

#[test]
fn the_scanner_sees_groups_and_ignores_comments_and_literals() {
    let code = blank(
        "use crate::{gpu::{caps, x as y}, op};\nlet s = \"wgpu::a\"; // wgpu\nfn f<'a>(c: char) { c == '\"'; wgpu::b() }",
        false,
    );
    let found: Vec<String> = paths(&code)
        .into_iter()
        .map(|(line, p)| format!("{line} {p}"))
        .collect();
    for wanted in ["1 crate::gpu::caps", "1 crate::gpu::x", "1 crate::op", "3 wgpu::b"] {
        assert!(found.iter().any(|f| f == wanted), "{wanted} in {found:?}");
    }
    assert_eq!(found.iter().filter(|f| f.contains("wgpu")).count(), 1);
    assert!(!found.iter().any(|f| f.ends_with("::y")), "{found:?}");
    assert_eq!(
        blank("a r#\"unsafe \" x\"# b", false)
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        blank("a('document'); /['\"]/ // x\nb", true)
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["a(", ");", "/[", "b"]
    );
}
