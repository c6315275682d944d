//! What in a Dockerfile only BuildKit can do, and whether it is at hand.

use std::process::{Command, Stdio};

/// Flags that the classic builder does not know, by instruction.
const FLAGS: &[(&str, &[&str])] = &[
    ("RUN", &["--mount", "--network", "--security", "--device"]),
    ("COPY", &["--link", "--chmod", "--parents", "--exclude"]),
    ("ADD", &["--link", "--chmod", "--checksum", "--keep-git-dir", "--exclude", "--unpack"]),
];

/// Lists what needs BuildKit: line number and the words that do.
pub fn buildkit_needs(text: &str) -> Vec<(usize, String)> {
    let mut needs = Vec::new();
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate().peekable();
    let mut escape = '\\';
    let is_directive = |line: &str| {
        let directive = line.trim().strip_prefix('#')?;
        let (key, value) = directive.split_once('=')?;
        Some((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    while let Some((number, line)) = lines.peek()
        && let Some((key, value)) = is_directive(line)
    {
        match key.as_str() {
            "syntax" => needs.push((number + 1, format!("# syntax={value}"))),
            "escape" => escape = value.chars().next().unwrap_or(escape),
            _ => {}
        }
        lines.next();
    }
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut instruction = line.to_owned();
        while let Some(begun) = instruction.strip_suffix(escape) {
            let begun = begun.to_owned();
            let more = lines.by_ref().map(|(_, line)| line.trim()).find(|line| !line.starts_with('#'));
            let Some(more) = more else { break };
            instruction = format!("{begun} {more}");
        }
        needs.extend(flags(&instruction).map(|flag| (number + 1, flag)));
        for (shown, end) in heredocs(&instruction) {
            needs.push((number + 1, shown));
            lines.by_ref().find(|(_, line)| line.trim_start_matches('\t') == end);
        }
    }
    needs
}

fn flags(instruction: &str) -> impl Iterator<Item = String> + '_ {
    let mut words = instruction.split_whitespace();
    let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    let known = FLAGS.iter().find(|(name, _)| *name == keyword).map_or(&[][..], |(_, flags)| *flags);
    words
        .take_while(|word| word.starts_with("--"))
        .filter(move |word| known.contains(&word.split('=').next().unwrap_or(word)))
        .map(move |word| format!("{keyword} {word}"))
}

/// The here-documents that an instruction opens, and the line that ends each.
fn heredocs(instruction: &str) -> Vec<(String, String)> {
    let mut words = instruction.split_whitespace();
    let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    if !matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    words
        .filter_map(|word| {
            let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
            let name = rest.trim_start_matches('-');
            let name = name.trim_matches(['"', '\'']);
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            is_name.then(|| (format!("{keyword} {word}"), name.to_owned()))
        })
        .collect()
}

/// True if `docker buildx` can be run on this machine.
pub fn has_buildx() -> bool {
    let mut command = Command::new("docker");
    command.args(["buildx", "version"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> Vec<(usize, String)> {
        buildkit_needs(text)
    }

    #[test]
    fn what_the_classic_builder_can_do_needs_nothing() {
        let text = "# a comment\nFROM --platform=linux/amd64 scratch AS a\nCOPY --from=b --chown=1 x /x\n\
                    RUN echo $((1 << 2)) <<< a --mount=x \\\n  # within\n  && true\nHEALTHCHECK --interval=3s CMD x\n";
        assert_eq!(needs(text), []);
    }

    #[test]
    fn instructions_are_named_with_their_lines() {
        let text = "# syntax=docker/dockerfile:1\nFROM scratch\nRUN \\\n  --mount=type=cache,target=/c \\\n  make\n\
                    copy --link --chmod=755 a /a\nRUN <<EOF\nCOPY --link no instruction\nEOF\nCOPY --link b /b\n";
        let told: Vec<String> =
            needs(text).into_iter().map(|(line, what)| format!("{line} {what}")).collect();
        assert_eq!(
            told,
            [
                "1 # syntax=docker/dockerfile:1",
                "3 RUN --mount=type=cache,target=/c",
                "6 COPY --link",
                "6 COPY --chmod=755",
                "7 RUN <<EOF",
                "10 COPY --link",
            ]
        );
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in
            ["", "RUN", "RUN <<", "RUN <<EOF", "\\", "# syntax", "RUN \\", "#=", "COPY <<'a", "RUN <<-\"b\""]
        {
            needs(text);
        }
    }
}
