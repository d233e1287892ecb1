//! Sets of the three outcomes that a rule can have, and how they are joined.

use std::ops::{BitOr, Not};

use super::Access;

/// Which of true, false and error an expression can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Outcomes(u8);

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const ERROR: u8 = 4;

impl Outcomes {
    pub(in crate::policy) const TRUE: Self = Self(TRUE);
    pub(in crate::policy) const FALSE: Self = Self(FALSE);
    pub(in crate::policy) const ERROR: Self = Self(ERROR);
    pub(in crate::policy) const BOOL: Self = Self(TRUE | FALSE);
    pub(in crate::policy) const ANY: Self = Self(TRUE | FALSE | ERROR);

    pub(in crate::policy) fn of(holds: bool) -> Self {
        if holds { Self::TRUE } else { Self::FALSE }
    }

    pub(in crate::policy) fn can_be_true(self) -> bool {
        self.0 & TRUE != 0
    }

    pub(in crate::policy) fn can_be_false(self) -> bool {
        self.0 & FALSE != 0
    }

    pub(in crate::policy) fn can_be_error(self) -> bool {
        self.0 & ERROR != 0
    }

    pub(in crate::policy) fn must_be_true(self) -> bool {
        self.0 == TRUE
    }

    pub(in crate::policy) fn access(self) -> Access {
        if self.must_be_true() {
            Access::Allow
        } else if self.can_be_true() {
            Access::Depends
        } else {
            Access::Deny
        }
    }

    /// `&&`, which is false if either side is, whatever the other is.
    pub(in crate::policy) fn and(self, other: Self) -> Self {
        let both = |bit: u8| self.0 & other.0 & bit;
        let either = |bit: u8| (self.0 | other.0) & bit;
        // An error remains unless the other side is false.
        let error = either(ERROR) != 0
            && ((self.0 & ERROR != 0 && other.0 & (TRUE | ERROR) != 0)
                || (other.0 & ERROR != 0 && self.0 & (TRUE | ERROR) != 0));
        Self(both(TRUE) | either(FALSE) | if error { ERROR } else { 0 })
    }

    /// `||`, which is true if either side is, whatever the other is.
    pub(in crate::policy) fn or(self, other: Self) -> Self {
        !(!self).and(!other)
    }

    /// `self ? yes : no`.
    pub(in crate::policy) fn choose(self, yes: Self, no: Self) -> Self {
        let mut outcomes = Self(self.0 & ERROR);
        if self.can_be_true() {
            outcomes = outcomes | yes;
        }
        if self.can_be_false() {
            outcomes = outcomes | no;
        }
        outcomes
    }
}

impl Not for Outcomes {
    type Output = Self;

    fn not(self) -> Self {
        Self((self.0 & ERROR) | (self.0 & TRUE) << 1 | (self.0 & FALSE) >> 1)
    }
}

impl BitOr for Outcomes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CEL makes of single outcomes; `None` is an error.
    fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
        match (a, b) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }
    }

    fn members(outcomes: Outcomes) -> Vec<Option<bool>> {
        [(TRUE, Some(true)), (FALSE, Some(false)), (ERROR, None)]
            .into_iter()
            .filter(|(bit, _)| outcomes.0 & bit != 0)
            .map(|(_, outcome)| outcome)
            .collect()
    }

    fn set(outcomes: impl IntoIterator<Item = Option<bool>>) -> Outcomes {
        outcomes.into_iter().fold(Outcomes(0), |set, outcome| {
            set | match outcome {
                Some(holds) => Outcomes::of(holds),
                None => Outcomes::ERROR,
            }
        })
    }

    #[test]
    fn sets_are_joined_member_by_member() {
        for (a, b) in (1..8).flat_map(|a| (1..8).map(move |b| (Outcomes(a), Outcomes(b)))) {
            let pairs = || members(a).into_iter().flat_map(|a| members(b).into_iter().map(move |b| (a, b)));
            assert_eq!(a.and(b), set(pairs().map(|(a, b)| and(a, b))), "{a:?} && {b:?}");
            let or = |a: Option<bool>, b: Option<bool>| and(a.map(|a| !a), b.map(|b| !b)).map(|c| !c);
            assert_eq!(a.or(b), set(pairs().map(|(a, b)| or(a, b))), "{a:?} || {b:?}");
            assert_eq!(!a, set(members(a).into_iter().map(|a| a.map(|a| !a))));
            for c in (1..8).map(Outcomes) {
                let chosen = members(a).into_iter().flat_map(|condition| match condition {
                    Some(true) => members(b),
                    Some(false) => members(c),
                    None => vec![None],
                });
                assert_eq!(a.choose(b, c), set(chosen), "{a:?} ? {b:?} : {c:?}");
            }
        }
    }

    #[test]
    fn access_is_what_can_be_true() {
        assert_eq!(Outcomes::TRUE.access(), Access::Allow);
        assert_eq!(Outcomes::ANY.access(), Access::Depends);
        assert_eq!((Outcomes::TRUE | Outcomes::ERROR).access(), Access::Depends);
        assert_eq!((Outcomes::FALSE | Outcomes::ERROR).access(), Access::Deny);
        assert_eq!(Outcomes::ERROR.access(), Access::Deny);
    }
}
