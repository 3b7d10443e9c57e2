//! Typed settings of a transform, read from the JSON object that the host hands over.

pub use serde::de::DeserializeOwned;

/// Reads settings; what is wrong with them becomes the error of `describe`, which a person sees
/// when the transform is loaded.
pub fn read<T: DeserializeOwned>(settings: &str) -> Result<T, String> {
    serde_json::from_str(settings).map_err(|error| format!("settings {settings} do not fit: {error}"))
}

/// Refuses settings of a transform that takes none.
pub fn refuse(settings: &str) -> Result<(), String> {
    match settings {
        "" | "{}" => Ok(()),
        _ => Err(format!("settings {settings} do not fit: this transform has no settings")),
    }
}
