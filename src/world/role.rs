//! What a container's name says about its part: current, newcomer, retired or failed. Names can be changed
//! while a container runs and labels cannot, so a replacement says by names how far it has come.

use super::{Container, Name};

/// The part that a container plays for the name it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It carries a plain name.
    Current,
    /// `web.r13.next`: revision 13 of `web`, which has not taken over yet.
    Newcomer { of: Name, number: u32 },
    /// `web.r12`: revision 12 of `web`, which another one has replaced.
    Retired { of: Name, number: u32 },
    /// `web.r13.failed`: the verdict on revision 13 of `web`.
    Failed { of: Name, number: u32 },
}

impl Role {
    /// Reads a container's part from its name.
    pub fn of(name: &str) -> Self {
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending @ ("next" | "failed"))) => (stem, ending),
            Some(_) | None => (name, ""),
        };
        let Some((of, number)) = stem.rsplit_once(".r").and_then(|(of, n)| Some((of, n.parse().ok()?)))
        else {
            return Self::Current;
        };
        let of = of.to_owned();
        match ending {
            "next" => Self::Newcomer { of, number },
            "failed" => Self::Failed { of, number },
            _ => Self::Retired { of, number },
        }
    }

    /// The name that a container serves, served or was to serve, and its revision; nothing if it bears that
    /// name.
    pub fn serves(self) -> Option<(Name, u32)> {
        match self {
            Self::Current => None,
            Self::Newcomer { of, number } | Self::Retired { of, number } | Self::Failed { of, number } => {
                Some((of, number))
            }
        }
    }

    /// What a newcomer is called until it takes over.
    pub fn newcomer(name: &str, number: u32) -> Name {
        format!("{name}.r{number}.next")
    }

    /// What a container is called once it has been replaced.
    pub fn retired(name: &str, number: u32) -> Name {
        format!("{name}.r{number}")
    }

    /// What a newcomer is called that did not work out.
    pub fn failed(name: &str, number: u32) -> Name {
        format!("{name}.r{number}.failed")
    }
}

impl Container {
    /// The part that its name says it plays.
    pub fn role(&self) -> Role {
        Role::of(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_part_a_container_plays() {
        let of = || "a.b".to_owned();
        assert_eq!(Role::of(&Role::newcomer("a.b", 7)), Role::Newcomer { of: of(), number: 7 });
        assert_eq!(Role::of(&Role::retired("a.b", 7)), Role::Retired { of: of(), number: 7 });
        assert_eq!(Role::of(&Role::failed("a.b", 7)), Role::Failed { of: of(), number: 7 });
        for name in ["web", "web.rx", "web.r7.old", "web.failed", "web.next", "web.r.next", ""] {
            assert_eq!(Role::of(name), Role::Current, "{name}");
        }
    }
}
