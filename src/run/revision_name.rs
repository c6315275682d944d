//! How people name a revision.

use std::str::FromStr;

use crate::world::Role;

/// A container by its plain name, and one of its revisions: `web@11`, `web.r11`, or `web` for the one that has the
/// name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionName {
    /// As it was typed.
    pub typed: String,
    pub name: String,
    pub number: Option<u32>,
}

impl FromStr for RevisionName {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let (name, number) = match typed.rsplit_once('@') {
            Some((name, number)) => {
                let number = number.strip_prefix('r').unwrap_or(number);
                let number = number.parse().map_err(|_| {
                    format!("`{number}` is no revision; write its number behind the @, such as `{name}@2`")
                })?;
                (name.to_owned(), Some(number))
            }
            None => match Role::of(typed).serves() {
                Some((name, number)) => (name, Some(number)),
                None => (typed.to_owned(), None),
            },
        };
        if name.is_empty() {
            return Err(format!("`{typed}` names no container; write NAME or NAME@REVISION"));
        }
        Ok(Self { typed: typed.to_owned(), name, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_named_by_its_number_or_by_its_container() {
        let of = |typed: &str| typed.parse().map(|read: RevisionName| (read.name, read.number));
        assert_eq!(of("web"), Ok(("web".to_owned(), None)));
        for typed in ["web@2", "web@r2", "web.r2", "web.r2.failed", "web.r2.next"] {
            assert_eq!(of(typed), Ok(("web".to_owned(), Some(2))), "{typed}");
        }
        assert!(of("web@new").is_err_and(|said| said.contains("`web@2`")));
        assert!(of("@2").is_err() && of("").is_err());
    }
}
