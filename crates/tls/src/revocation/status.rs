//! What is known about revocation, for operators.

/// What is known about revocation at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationStatus {
    /// The lists, those of one issuer side by side.
    pub lists: Vec<RevocationListStatus>,
    /// The trust anchors and whether a list of theirs is there; none if no lists are used.
    pub anchors: Vec<RevocationCoverage>,
    /// How many certificates and keys the operator blocks.
    pub denied: usize,
}

/// One revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationListStatus {
    /// Where it comes from.
    pub origin: String,
    /// The name of its issuer in RFC 4514 form.
    pub issuer: String,
    /// How many certificates are on it.
    pub entries: usize,
    /// Its number (`cRLNumber`) in decimal digits, if it has one.
    pub number: Option<String>,
    /// When it was made, in seconds since the Unix epoch.
    pub this_update: i64,
    /// When the next one is due, in seconds since the Unix epoch.
    pub next_update: i64,
    /// Whether an issuer is known whose key has signed it; until then it counts for nobody.
    pub proven: bool,
    /// Whether a newer one has taken its place.
    pub replaced: bool,
}

impl RevocationListStatus {
    /// How many seconds ago the list was made.
    #[must_use]
    pub fn age(&self, now: i64) -> i64 {
        now.saturating_sub(self.this_update)
    }
}

/// Whether it can be told if the certificates of a trust anchor are revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationCoverage {
    /// The label of the anchor.
    pub label: String,
    /// The name of the anchor in RFC 4514 form.
    pub anchor: String,
    /// Whether it can.
    pub coverage: Coverage,
}

/// Whether it can be told if certificates are revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// A list is there and in date.
    Covered,
    /// The list is out of date: certificates of this anchor are refused.
    Stale,
    /// There is no list: certificates that this anchor itself has issued are refused.
    Missing,
    /// There is no list, and certificates are trusted all the same.
    Waived,
}

impl Coverage {
    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Waived => "waived",
        }
    }
}
