//! Bounds on a template's source that the engine lacks: its parser and compiler recurse once per operator, without a
//! limit for chains (`not not …`, `a.a.a…`, `1+1+1…`).

/// Most operators in one tag; the longest tags of published templates have about a hundred.
const MAX_OPERATORS: usize = 500;
/// Most signs and negations in one tag, which recurse deeper each.
const MAX_UNARY: usize = 50;

/// Says what is too much, if anything is.
pub(crate) fn excess(source: &str) -> Option<String> {
    let mut rest = source;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let tag = rest.get(at + 2..).unwrap_or("");
        let (inner, after) = split_tag(tag);
        if inner.unary > MAX_UNARY {
            return Some(format!("{} negations in one tag (at most {MAX_UNARY})", inner.unary));
        }
        if inner.operators > MAX_OPERATORS {
            return Some(format!(
                "{} operators in one tag (at most {MAX_OPERATORS})",
                inner.operators
            ));
        }
        rest = after;
    }
    None
}

#[derive(Default)]
struct Tag {
    operators: usize,
    unary: usize,
}

/// Counts to the end of the tag, leaving out what stands in quotes; gives the text behind it.
fn split_tag(tag: &str) -> (Tag, &str) {
    let mut count = Tag::default();
    let mut quote = None;
    let mut escaped = false;
    let mut word = String::new();
    // A sign behind one of these, or at the start, has nothing on its left.
    let mut open = true;
    for (at, c) in tag.char_indices() {
        if let Some(q) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == q {
                quote = None;
                open = false;
            }
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        match word.as_str() {
            "" => {}
            "not" => {
                count.unary += 1;
                open = true;
            }
            "and" | "or" | "if" | "else" | "is" | "in" | "elif" => {
                count.operators += 1;
                open = true;
            }
            _ => open = false,
        }
        word.clear();
        match c {
            '\'' | '"' => quote = Some(c),
            '}' | '%' if tag.get(at + 1..).is_some_and(|t| t.starts_with('}')) => {
                return (count, tag.get(at + 2..).unwrap_or(""));
            }
            '-' | '+' if open => count.unary += 1,
            '+' | '-' | '*' | '/' | '%' | '~' | '|' | '.' | '[' | '(' | '{' | '=' | '<' | '>' | '!' => {
                count.operators += 1;
                open = true;
            }
            c if c.is_whitespace() => {}
            _ => open = !matches!(c, ')' | ']' | '}'),
        }
    }
    (count, "")
}
