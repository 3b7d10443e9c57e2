//! All that continuous integration runs, once the tools are there.

use crate::tools::run;

pub fn main() -> anyhow::Result<()> {
    run("cargo", &["fmt", "--all", "--check"])?;
    crate::licences::main()?;
    crate::suites::main(true)?;
    run("cargo", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    let documented = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    run("env", &[&["RUSTDOCFLAGS=--deny warnings", "cargo"], documented.as_slice()].concat())
}
