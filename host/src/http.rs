//! The edge: HTTP to the running host and back. The only user of axum and tokio; decides nothing but
//! how requests are read and answers are written.
