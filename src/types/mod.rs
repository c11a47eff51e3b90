//! The data model: what a network, a container, a result and an attachment are.

pub mod attachment;
pub mod command;
pub(crate) mod identity;
pub(crate) mod json;
pub mod network;
pub mod result;
pub mod runtime;
pub(crate) mod shape;
