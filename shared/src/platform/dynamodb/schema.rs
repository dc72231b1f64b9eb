//! The shape that items are written in. What may be changed of it is said in the [folder's first page](super).

/// The version of the items' schema that this code writes.
pub(crate) const SCHEMA: u32 = 1;

/// The newest version of it that this code reads; as high as [`SCHEMA`] or, in the release before it is raised, one higher.
pub(crate) const READABLE: u32 = 1;

/// The condition of a write that does not read first: no item of a newer schema stands there. Names `#schema`, `:readable`.
pub(crate) const KNOWN: &str = "(attribute_not_exists(#schema) OR #schema <= :readable)";
