//! What containers wrote.

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptions;
use futures_util::TryStreamExt;

use super::transport::encoded;

/// The last lines that a container wrote, in the order in which the engine gives them.
pub(super) async fn last_lines(docker: &Docker, id: &str, lines: u32) -> Result<Vec<String>, Error> {
    let options =
        LogsOptions { stdout: true, stderr: true, tail: lines.to_string(), ..LogsOptions::default() };
    let mut text = Vec::new();
    let mut pieces = docker.logs(&encoded(id), Some(options));
    while let Some(piece) = pieces.try_next().await? {
        text.extend_from_slice(&piece.into_bytes());
    }
    Ok(last(&text, lines))
}

fn last(text: &[u8], lines: u32) -> Vec<String> {
    let all: Vec<String> = String::from_utf8_lossy(text)
        .lines()
        .map(|line| {
            line.trim_end_matches('\r').chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        })
        .map(Iterator::collect)
        .collect();
    let keep = usize::try_from(lines).unwrap_or(usize::MAX);
    all[all.len().saturating_sub(keep)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_control_characters() {
        assert_eq!(last(b"a\nb\r\n\x1b[1moops", 9), ["a", "b", " [1moops"]);
        assert_eq!(last(b"a\nb\noops\n", 1), ["oops"]);
        assert_eq!(last(b"", 9), Vec::<String>::new());
    }
}
