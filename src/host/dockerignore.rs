//! Which files of a build context are left out, by Docker's rules: Go's `filepath.Match` with `**`,
//! the last line that matches wins, and what holds for a folder holds for what is in it.

use regex_lite::Regex;
use thiserror::Error;

/// The lines of a `.dockerignore`.
#[derive(Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    /// A line that begins with `!`: what it matches is sent after all.
    keeps: bool,
    matcher: Matcher,
}

#[derive(Debug)]
enum Matcher {
    /// `**` and something plain: the end of a path, whatever stands before.
    Suffix(String),
    Regex(Regex),
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: `{pattern}` is no pattern")]
pub struct BadPattern {
    pub line: usize,
    pub pattern: String,
}

impl Ignore {
    /// Reads the text of a `.dockerignore`.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let mut ignore = Self::default();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if !line.starts_with('#') {
                ignore
                    .add(line)
                    .ok_or_else(|| BadPattern { line: number + 1, pattern: line.trim().to_owned() })?;
            }
        }
        Ok(ignore)
    }

    /// Sends `path` whatever the lines say.
    pub fn keep(&mut self, path: &str) {
        let literal = Regex::new(&format!("^{}$", regex_lite::escape(path)));
        // An escaped text is always a regular expression.
        if let Ok(regex) = literal {
            self.patterns.push(Pattern { keeps: true, matcher: Matcher::Regex(regex) });
        }
    }

    /// True if `path`, relative to the context and with `/` between its parts, is left out.
    pub fn leaves_out(&self, path: &str) -> bool {
        let parents: Vec<&str> = path.match_indices('/').map(|(slash, _)| &path[..slash]).collect();
        let mut is_left_out = false;
        for pattern in &self.patterns {
            // A line that leaves out has nothing to do for what is left out already, and the reverse.
            if pattern.keeps == is_left_out
                && (pattern.matcher.matches(path)
                    || parents.iter().any(|parent| pattern.matcher.matches(parent)))
            {
                is_left_out = !pattern.keeps;
            }
        }
        is_left_out
    }

    /// True if something in a folder that is left out could be sent after all.
    pub fn may_keep_inside(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.keeps)
    }

    /// Adds a line; nothing if it is wrong.
    fn add(&mut self, line: &str) -> Option<()> {
        let line = line.trim();
        if line.is_empty() {
            return Some(());
        }
        let (keeps, pattern) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if pattern.is_empty() {
            return None;
        }
        let cleaned = clean(pattern);
        let pattern = match cleaned.strip_prefix('/') {
            Some(rest) if !rest.is_empty() => rest,
            Some(_) | None => &cleaned,
        };
        self.patterns.push(Pattern { keeps, matcher: Matcher::new(pattern)? });
        Some(())
    }
}

impl Matcher {
    fn new(pattern: &str) -> Option<Self> {
        if let Some(suffix) = pattern.strip_prefix("**")
            && !suffix.contains(['*', '?', '[', ']', '\\'])
        {
            return Some(Self::Suffix(suffix.to_owned()));
        }
        Regex::new(&regex(pattern)?).ok().map(Self::Regex)
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Suffix(suffix) => {
                path.ends_with(suffix.as_str()) || suffix.strip_prefix('/').is_some_and(|rest| rest == path)
            }
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

/// Translates a pattern as moby's patternmatcher does.
fn regex(pattern: &str) -> Option<String> {
    let mut regex = String::from("(?s)^");
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.peek() == Some(&'*') => {
                rest.next();
                // `**/` is `**`: it takes any number of folders, also none.
                if rest.peek() == Some(&'/') {
                    rest.next();
                }
                regex.push_str(if rest.peek().is_none() { ".*" } else { "(.*/)?" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '\\' => regex.push_str(&regex_lite::escape(&rest.next()?.to_string())),
            '[' => regex.push_str(&class(&mut rest)?),
            _ => regex.push_str(&regex_lite::escape(&c.to_string())),
        }
    }
    regex.push('$');
    Some(regex)
}

/// The rest of a class such as `[^a-z]`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut class = String::from("[");
    if rest.peek() == Some(&'^') {
        rest.next();
        class.push('^');
    }
    let mut is_empty = true;
    loop {
        match rest.next()? {
            ']' if is_empty => return None,
            ']' => break,
            '-' => class.push('-'),
            '\\' => class.push_str(&regex_lite::escape(&rest.next()?.to_string())),
            c @ ('[' | '&' | '~' | '^') => {
                class.push('\\');
                class.push(c);
            }
            c => class.push(c),
        }
        is_empty = false;
    }
    class.push(']');
    Some(class)
}

/// Go's `filepath.Clean`: no empty parts, no `.`, and `..` takes back the part before it.
fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of moby's own test table (`patternmatcher_test.go`): pattern, path, left out.
    const TABLE: &[(&str, &str, bool)] = &[
        ("**", "file", true),
        ("**", "dir/file", true),
        ("**/", "file", true),
        ("**/", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("dir/**", "dir", false),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/*", "dir/dir2/dir2/file", true),
        ("**file", "file", true),
        ("**file", "dir/file", true),
        ("**/file", "dir/dir/file", true),
        ("**/file*", "dir/dir/file.txt", true),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/*.txt", "file.txt", true),
        ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt", "a/file.txt", true),
        ("a[b-d]e", "ae", false),
        ("a[b-d]e", "ace", true),
        ("a[^b-d]e", "aze", true),
        ("a[^b-d]e", "ace", false),
        ("a?c", "abc", true),
        ("a?c", "a/c", false),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcdef", false),
        ("abc.def", "abc.def", true),
        ("**/foo/bar", "dir/foo/bar", true),
        ("abc/**", "abc/def/ghi", true),
        ("**/.foo", "bar.foo", false),
        ("a(b)c/def", "a(b)c/def", true),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("/dir", "dir/x", true),
        ("./dir/", "dir/x", true),
        ("dir/../other", "other", true),
        ("file", "dir/file", false),
        ("dir", "dir/sub/file", true),
        ("#file", "#file", false),
        ("Dir", "dir", false),
    ];

    #[test]
    fn patterns_match_as_docker_matches() {
        for (pattern, path, expected) in TABLE {
            let ignore = Ignore::parse(pattern).expect(pattern);
            assert_eq!(ignore.leaves_out(path), *expected, "`{pattern}` and `{path}`");
        }
    }

    #[test]
    fn the_last_line_that_matches_wins() {
        let ignore = Ignore::parse("\u{feff}# all but docs\n*\n\n!docs\n docs/*.tmp \n! docs/keep.tmp\n")
            .expect("lines");
        for (path, expected) in [
            ("src/main.rs", true),
            ("docs", false),
            ("docs/a.md", false),
            ("docs/a.tmp", true),
            ("docs/keep.tmp", false),
        ] {
            assert_eq!(ignore.leaves_out(path), expected, "{path}");
        }
        assert!(ignore.may_keep_inside());
    }

    #[test]
    fn what_is_kept_is_kept_literally() {
        let mut ignore = Ignore::parse("*").expect("lines");
        ignore.keep("Docker[file]");
        assert!(!ignore.leaves_out("Docker[file]"));
        assert!(ignore.leaves_out("Dockerf"));
    }

    #[test]
    fn wrong_patterns_are_named_with_their_line() {
        for wrong in ["!", "[", "[]a]", "a\\", "[a-"] {
            let error = Ignore::parse(&format!("ok\n{wrong}\n")).expect_err(wrong);
            assert_eq!((error.line, error.pattern.as_str()), (2, wrong));
        }
    }
}
