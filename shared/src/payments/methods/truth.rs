//! Three-valued logic (Kleene's): what is not known may turn out either way.

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not.
    No,
    Unknown,
    /// It does.
    Yes,
}

impl Truth {
    /// All of them hold; so does none at all.
    pub fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().min().unwrap_or(Self::Yes)
    }

    /// One of them holds.
    pub fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().max().unwrap_or(Self::No)
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, No, Unknown, Yes};

    const ALL: [Truth; 3] = [No, Unknown, Yes];

    #[test]
    fn unknown_wins_only_where_the_rest_does_not_decide() {
        for (a, b, all, any) in [
            (Yes, Yes, Yes, Yes),
            (Yes, Unknown, Unknown, Yes),
            (Yes, No, No, Yes),
            (Unknown, Unknown, Unknown, Unknown),
            (Unknown, No, No, Unknown),
            (No, No, No, No),
        ] {
            for pair in [[a, b], [b, a]] {
                assert_eq!((Truth::all(pair), Truth::any(pair)), (all, any), "{pair:?}");
            }
        }
        assert_eq!((Truth::all([]), Truth::any([])), (Yes, No));
    }

    #[test]
    fn de_morgan_and_double_negation_hold() {
        for a in ALL {
            assert_eq!(!!a, a);
            for b in ALL {
                assert_eq!(!Truth::all([a, b]), Truth::any([!a, !b]));
                for c in ALL {
                    let distributed = Truth::any([Truth::all([a, b]), Truth::all([a, c])]);
                    assert_eq!(Truth::all([a, Truth::any([b, c])]), distributed);
                }
            }
        }
    }
}
