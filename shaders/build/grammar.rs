//! A rule of WGSL's grammar that naga does not hold authors to, but browsers do: which operators need parentheses beside one another.

/// Types that a list in angle brackets follows.
const TEMPLATES: [&str; 6] = ["array", "atomic", "bitcast", "ptr", "var", "vec"];
/// Longest first.
const OPERATORS: [&str; 39] = [
    "<<=", ">>=", "->", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "<=", ">=", "==", "!=",
    "&&", "||", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~", ",", ";", ":", "@", ".",
];

/// An error for the first expression of a text without comments whose operators need parentheses (WGSL, "Operator Precedence and
/// Associativity").
pub(crate) fn check(text: &str) -> Result<(), String> {
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        // An expression may go on in the next line, but only inside of brackets or behind a comma, which end the list of operators.
        expressions(code)
            .map_err(|found| format!("line {}: {found} needs parentheses: {}", number + 1, code.trim()))?;
    }
    Ok(())
}

/// The operators of each bracket, from the outermost to the innermost.
fn expressions(code: &str) -> Result<(), String> {
    let (mut open, mut rest, mut operand) = (vec![vec![]], code, false);
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else if word(first) {
            let end = rest.find(|c| !word(c) && c != '.').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            operand = name != "return";
            let listed =
                TEMPLATES.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit())) || name.starts_with("mat");
            rest = if listed && after.starts_with('<') {
                behind_list(after)
            } else {
                after
            };
        } else if "([{".contains(first) {
            if first == '{' {
                close(&mut open)?;
            }
            open.push(vec![]);
            (rest, operand) = (&rest[1..], false);
        } else if ")]}".contains(first) {
            close(&mut open)?;
            if open.len() > 1 {
                open.pop();
            }
            if first == '}' {
                close(&mut open)?;
            }
            (rest, operand) = (&rest[1..], true);
        } else {
            let found = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
            let operator = found.ok_or_else(|| format!("`{first}`"))?;
            rest = &rest[operator.len()..];
            let ends = [",", ";", ":", "="].contains(operator) || operator.len() > 1 && operator.ends_with('=');
            if ends && !["<=", ">=", "==", "!="].contains(operator) {
                close(&mut open)?;
            } else if operand && !["++", "--", "->", ".", "@"].contains(operator) {
                open.last_mut()
                    .into_iter()
                    .for_each(|operators| operators.push(*operator));
            }
            operand = ["++", "--", "."].contains(operator);
        }
    }
    open.iter().try_for_each(|operators| allowed(operators))
}

/// What follows a list in angle brackets.
fn behind_list(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

/// Ends the innermost expression.
fn close(open: &mut [Vec<&str>]) -> Result<(), String> {
    let operators = open.last_mut().map(std::mem::take).unwrap_or_default();
    allowed(&operators)
}

/// Whether binary operators may stand in one expression without parentheses.
fn allowed(operators: &[&str]) -> Result<(), String> {
    for bits in ["&", "|", "^"] {
        if operators.contains(&bits) && operators.iter().any(|o| *o != bits) {
            return Err(format!("`{bits}` beside others"));
        }
    }
    if operators.contains(&"&&") && operators.contains(&"||") {
        return Err("`&&` beside `||`".into());
    }
    for part in operators.split(|o| ["&&", "||"].contains(o)) {
        let relations = ["<", ">", "<=", ">=", "==", "!="];
        if part.iter().filter(|o| relations.contains(o)).count() > 1 {
            return Err("one comparison beside another".into());
        }
        for side in part.split(|o| relations.contains(o)) {
            if side.len() > 1 && side.iter().any(|o| ["<<", ">>"].contains(o)) {
                return Err("a shift beside others".into());
            }
        }
    }
    Ok(())
}
