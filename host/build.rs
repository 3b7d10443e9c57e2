//! Puts the plugin templates and the SDKs into the binary, so that `bifocal new` needs nothing else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut code = String::new();
    embed(&mut code, "TEMPLATES", &here.join("templates"))?;
    embed(&mut code, "SDKS", &here.join("../plugin-sdk"))?;
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("embedded.rs"), code)
}

/// A constant with the path and the bytes of each file below `root` that a plugin needs; the first part
/// of a path is the language.
fn embed(code: &mut String, name: &str, root: &Path) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", root.display());
    let root = root.canonicalize()?;
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    files.sort();
    let _ = writeln!(code, "const {name}: &[(&str, &[u8])] = &[");
    for file in files {
        let path = file.strip_prefix(&root).unwrap_or(&file);
        let _ = writeln!(code, "    ({:?}, include_bytes!({:?})),", path.display(), file.display());
    }
    let _ = writeln!(code, "];");
    Ok(())
}

/// What tools and tests leave or need is no part of an SDK; the tests of a template are.
const LEFT_OUT: [&str; 7] = ["target", "tools", "tests", "test", "benches", "node_modules", "__pycache__"];

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_in_template = folder.components().any(|part| part.as_os_str() == "templates");
        let is_test = name.ends_with("_test.go") || name.contains(".test.");
        let is_left_out = name == "Cargo.lock" || is_test || LEFT_OUT.contains(&name);
        match is_left_out && !is_in_template {
            true => {}
            false if path.is_dir() => walk(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
