//! Points in time: read from flags, told to people.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Seconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}

/// Reads a flag: RFC 3339, or seconds since the Unix epoch.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    OffsetDateTime::parse(text, &Rfc3339)
        .map(OffsetDateTime::unix_timestamp)
        .map_err(|_| "write a time as `2027-01-31T12:00:00Z`, or in seconds since 1970".into())
}

/// The time in UTC, to the second.
pub(crate) fn utc(seconds: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    time.and_then(|time| time.format(&format).ok()).unwrap_or_else(|| format!("{seconds} seconds since 1970"))
}

/// The time as RFC 3339, for programs.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}

/// How far it is to a time: `in 12 days`, `3 hours ago`.
pub(crate) fn distance(now: i64, then: i64) -> String {
    let seconds = then.saturating_sub(now);
    let length = match seconds.saturating_abs() {
        length if length < 2 * MINUTE => plural(length, "second"),
        length if length < 2 * HOUR => plural(length / MINUTE, "minute"),
        length if length < 2 * DAY => plural(length / HOUR, "hour"),
        length if length < 730 * DAY => plural(length / DAY, "day"),
        length => plural(length / (365 * DAY), "year"),
    };
    if seconds < 0 { format!("{length} ago") } else { format!("in {length}") }
}

fn plural(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_the_unit_that_fits() {
        for (seconds, expected) in [
            (0, "in 0 seconds"),
            (1, "in 1 second"),
            (-90, "90 seconds ago"),
            (7200, "in 2 hours"),
            (12 * DAY + HOUR, "in 12 days"),
            (-400 * DAY, "400 days ago"),
            (10 * 365 * DAY, "in 10 years"),
            (i64::MIN, "292471208677 years ago"),
        ] {
            assert_eq!(distance(0, seconds), expected);
        }
    }

    #[test]
    fn times_are_read_and_told() {
        assert_eq!(parse("2027-01-31T12:00:00Z"), Ok(1_801_396_800));
        assert_eq!(parse("2027-01-31T13:00:00+01:00"), Ok(1_801_396_800));
        assert_eq!(parse("17"), Ok(17));
        assert!(parse("tomorrow").is_err());
        assert_eq!(utc(1_801_396_800), "2027-01-31 12:00:00 UTC");
        assert_eq!(utc(i64::MAX), "9223372036854775807 seconds since 1970");
    }
}
