//! Keys as OpenSSL writes them, with the right passphrase, a wrong one, and broken on purpose.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

mod hostile;
mod kinds;
mod site;
