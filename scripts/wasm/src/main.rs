//! From what the compiler links to what the browser loads; `scripts/build.sh` calls it.
//!
//! `flux-wasm bind [--keep-exports] NAME IN.wasm FOLDER`: `FOLDER/NAME.js` and `FOLDER/NAME_bg.wasm`, what
//! `wasm-bindgen --target web` writes. `--keep-exports`: keeps the linker's exports, which parts share.
//! `flux-wasm split NAME IN.wasm FOLDER` (feature `split`): cuts IN along its split points: `FOLDER/NAME.wasm` is the main
//! part, still to be bound; the others, and `__wasm_split.js` that loads them, are ready.

use anyhow::bail;
use std::{env, path::Path};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bind", name, input, folder] => bind(name, Path::new(input), Path::new(folder), false),
        ["bind", "--keep-exports", name, input, folder] => bind(name, Path::new(input), Path::new(folder), true),
        #[cfg(feature = "split")]
        ["split", name, input, folder] => split(name, Path::new(input), Path::new(folder)),
        _ => bail!("usage: flux-wasm bind [--keep-exports] NAME IN.wasm FOLDER | flux-wasm split NAME IN.wasm FOLDER"),
    }
}

fn bind(name: &str, input: &Path, folder: &Path, keep_exports: bool) -> anyhow::Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.web(true)?.input_path(input).out_name(name).typescript(false).keep_lld_exports(keep_exports);
    bindgen.remove_name_section(true).remove_producers_section(true).generate(folder)
}

#[cfg(feature = "split")]
fn split(name: &str, input: &Path, folder: &Path) -> anyhow::Result<()> {
    use anyhow::Context;
    use wasm_split_cli_support::{Options, transform};

    let wasm = std::fs::read(input).with_context(|| format!("{} cannot be read", input.display()))?;
    let (main, script) = (folder.join(format!("{name}.wasm")), format!("./{name}.js"));
    let mut options = Options::new(&wasm);
    options.target.web();
    options.output_dir = folder;
    options.main_out_path = &main;
    options.main_module = &script;
    // Its error is of another crate than ours.
    transform(options).map(drop).map_err(|error| anyhow::anyhow!("{error:?}"))
}
