#![doc = include_str!("../README.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod admitted;
mod body;
mod extension;
mod future;
mod head;
mod layer;
pub mod render;
mod service;
pub mod source;

pub use body::GuardedBody;
pub use extension::{Admission, AskAgain, Refusal};
pub use future::GuardFuture;
pub use layer::GuardLayer;
pub use render::{DefaultPage, GrpcStatus, RenderDenial};
pub use service::Guard;

pub use portcullis_core as core;
