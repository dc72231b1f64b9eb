//! Where unpacked bytes go.

use crate::error::FeedError;

/// Takes unpacked bytes, and whether they are the last.
pub(crate) type Into<'a> = &'a mut dyn FnMut(&[u8], bool) -> Result<(), FeedError>;
