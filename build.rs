//! Makes `openapi.json` from the document, so that the gateway serves both without a YAML parser in it.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const DOCUMENT: &str = "openapi/gateway.yaml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let document: serde_json::Value = serde_saphyr::from_str(&fs::read_to_string(DOCUMENT)?)?;
    let target = PathBuf::from(env::var("OUT_DIR")?).join("openapi.json");
    fs::write(target, document.to_string())?;
    Ok(())
}
