//! Refuses templates whose expressions are so long that the template engine would run out of
//! stack: it reads chains such as `a ~ b ~ c` by recursion.

use super::scan::{Piece, pieces};

/// Names, numbers and signs between two commas of one bracket.
const MAX_TOKENS: u32 = 1_000;
const MAX_ELIFS: u32 = 200;

/// Where a template is too much for the engine, as a byte offset.
pub fn too_deep(source: &str) -> Option<usize> {
    let mut elifs: Vec<u32> = Vec::new();
    for piece in pieces(source) {
        let range = match &piece {
            Piece::Expression(range) => range.clone(),
            Piece::Statement(statement) => {
                match (statement.word(source), elifs.last_mut()) {
                    ("if", _) => elifs.push(0),
                    ("endif", _) => {
                        elifs.pop();
                    }
                    ("elif", Some(count)) => {
                        *count += 1;
                        if *count > MAX_ELIFS {
                            return Some(statement.range.start);
                        }
                    }
                    _ => {}
                }
                statement.range.clone()
            }
            Piece::Data(_) | Piece::Comment(_) | Piece::Raw(_) => continue,
        };
        if is_long(&source[range.clone()]) {
            return Some(range.start);
        }
    }
    None
}

fn is_long(text: &str) -> bool {
    let mut levels = vec![0_u32];
    let mut quote: Option<char> = None;
    let (mut in_word, mut escaped) = (false, false);
    for c in text.chars() {
        if let Some(end) = quote {
            if !escaped && c == end {
                quote = None;
            }
            escaped = c == '\\' && !escaped;
            continue;
        }
        let was_in_word = in_word;
        in_word = c.is_alphanumeric() || c == '_';
        if c.is_whitespace() || (in_word && was_in_word) {
            continue;
        }
        let last = levels.len() - 1;
        levels[last] = if c == ',' { 0 } else { levels[last] + 1 };
        if levels[last] > MAX_TOKENS {
            return true;
        }
        match c {
            '"' | '\'' => quote = Some(c),
            '(' | '[' | '{' => levels.push(0),
            ')' | ']' | '}' if last > 0 => {
                levels.pop();
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_limited_and_long_lists_are_not() {
        let repeated = |text: &str| text.repeat(2_000);
        for chain in ["x ~ ", ".a", "()", "f(1, 2).", " | upper", "not ", "-"] {
            assert_eq!(too_deep(&format!("abc{{{{ x{} }}}}", repeated(chain))), Some(3), "{chain}");
        }
        assert_eq!(too_deep(&format!("{{% set x = [{}] %}}", repeated("{'a': x.b | upper}, "))), None);
        assert_eq!(too_deep(&format!("{{{{ '{}' }}}}", repeated("a.b(c)"))), None);
        assert!(too_deep(&format!("{{% if a %}}{}{{% endif %}}", repeated("{% elif b %}"))).is_some());
        assert_eq!(too_deep(&repeated("{% if a %}{% elif b %}{% endif %}")), None);
    }
}
