//! The languages that plugins are written in: how a folder tells its language, what its builds need, and
//! how it becomes a component.

mod c;
mod go;
mod javascript;
mod python;
mod rust;
mod tools;

use super::events::PluginFile;
use crate::wasm;
use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

use tools::{Need, Pinned};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Rust,
    Python,
    /// JavaScript or TypeScript
    #[value(name = "javascript", alias = "typescript")]
    #[serde(alias = "typescript")]
    JavaScript,
    Go,
    C,
}

/// Where a plugin finds the SDK of its language, unless its bifocal.toml says otherwise.
pub const SDK_FOLDER: &str = "bifocal-sdk";

impl Language {
    pub const ALL: [Language; 5] =
        [Language::Rust, Language::Python, Language::JavaScript, Language::Go, Language::C];

    /// As it is written on the command line and in bifocal.toml.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Python => "python",
            Language::JavaScript => "javascript",
            Language::Go => "go",
            Language::C => "c",
        }
    }

    /// What `bifocal.toml` says, else what the language's own file in the folder tells. None: there is
    /// nothing to build.
    pub fn of(directory: &Path, file: &PluginFile) -> Option<Language> {
        let tells = [
            ("Cargo.toml", Language::Rust),
            ("pyproject.toml", Language::Python),
            ("package.json", Language::JavaScript),
            ("go.mod", Language::Go),
        ];
        let told = tells.iter().find(|(name, _)| directory.join(name).is_file());
        file.language.or(told.map(|(_, language)| *language))
    }

    /// Programs that a person installs.
    pub fn needs(self) -> &'static [Need] {
        match self {
            Language::Rust => &rust::NEEDS,
            Language::Python => &python::NEEDS,
            Language::JavaScript => &javascript::NEEDS,
            Language::Go => &go::NEEDS,
            Language::C => &c::NEEDS,
        }
    }

    /// Tools that a build fetches.
    pub fn pinned(self) -> Option<&'static Pinned> {
        match self {
            Language::Rust | Language::Go => None,
            Language::Python => Some(&python::TOOLS),
            Language::JavaScript => Some(&javascript::TOOLS),
            Language::C => Some(&c::TOOLS),
        }
    }

    /// What builds in this language use, or what is missing and how to get it.
    pub fn readiness(self) -> Result<String, String> {
        let mut found = Vec::new();
        for need in self.needs() {
            found.push(need.found()?);
        }
        if self == Language::Rust {
            found.push(rust::target().map_err(|error| error.to_string())?.to_string());
        }
        if let Some(tools) = self.pinned() {
            let folder = tools.folder().map_err(|error| error.to_string())?;
            found.push(match tools.is_there() {
                true => format!("tools in {}", folder.display()),
                false => "tools are fetched by the first build".into(),
            });
        }
        Ok(found.join(", "))
    }

    /// Builds the plugin in `directory`: its name and its component.
    fn component(self, directory: &Path, sdk: &Path) -> anyhow::Result<(String, Vec<u8>)> {
        let named = |component| (name_of(directory), component);
        let built = match self {
            Language::Rust => rust::build(directory),
            Language::Python => python::build(directory, sdk).map(named),
            Language::JavaScript => javascript::build(directory, sdk).map(named),
            Language::Go => go::build(directory).map(named),
            Language::C => c::build(directory, sdk).map(named),
        };
        // Asked only now: to ask some programs for their version takes as long as a build.
        built.map_err(|error| match self.needs().iter().find_map(|need| need.found().err()) {
            Some(missing) => anyhow!(missing),
            None => error,
        })
    }
}

/// Writes the contract into a folder of its own, as the languages' tools read it.
fn write_wit(work: &Path) -> anyhow::Result<PathBuf> {
    let folder = work.join("wit");
    std::fs::create_dir(&folder)
        .and_then(|()| std::fs::write(folder.join("transform.wit"), wasm::WIT))
        .with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// The files of a folder that have an extension, sorted.
pub fn files_of(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    Ok(files)
}

/// The name of a folder.
fn name_of(directory: &Path) -> String {
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.into());
    whole.file_name().map_or_else(|| "plugin".into(), |name| name.to_string_lossy().into_owned())
}

/// Builds the plugin in `directory`: its name and its component.
pub fn build(directory: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    if !directory.is_dir() {
        bail!("{} is not a folder", directory.display());
    }
    let file = PluginFile::beside(directory)?;
    let Some(language) = Language::of(directory, &file) else {
        bail!(
            "{} does not say what language it is written in: it holds no Cargo.toml, pyproject.toml, package.json \
             or go.mod, and its bifocal.toml has no `language`; start a plugin with `bifocal new NAME --lang LANGUAGE`",
            directory.display()
        )
    };
    let sdk = file.sdk.clone().unwrap_or_else(|| PathBuf::from(SDK_FOLDER));
    language.component(directory, &directory.join(sdk))
}
