//! The durable log of one stream.

mod record;
