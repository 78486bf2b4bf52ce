//! The server embeds `target/site` (front end, styles, public files); scripts/build.sh fills it.

use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    // The browser's half is what goes INTO the site: watching the site there would rebuild it for ever.
    if env::var_os("CARGO_FEATURE_SSR").is_none() {
        return Ok(());
    }
    // Embedding needs the folder, also in a checkout where nothing was built yet.
    fs::create_dir_all("target/site")?;
    // Debug builds read the folder at run time, so only an optimised build grows old with it.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=target/site");
    }
    Ok(())
}
