//! From what the compiler links to what the browser loads; `scripts/build.sh` calls it.
//!
//! `flux-wasm split NAME IN.wasm FOLDER`: cuts IN along its split points: `FOLDER/NAME.wasm` is the main part, still to be
//! bound; the others, and `__wasm_split.js` that loads them, are ready.
//! `flux-wasm bind NAME IN.wasm FOLDER`: `FOLDER/NAME.js` and `FOLDER/NAME_bg.wasm`, what `wasm-bindgen --target web` writes.
//! `--keep-exports`: keeps the linker's exports, which the parts share.

use anyhow::{Context, bail};
use std::{env, fs, path::Path};
use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::{Options, transform};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["split", name, input, folder] => split(name, Path::new(input), Path::new(folder)),
        ["bind", name, input, folder] => bind(name, Path::new(input), Path::new(folder), false),
        ["bind", "--keep-exports", name, input, folder] => bind(name, Path::new(input), Path::new(folder), true),
        _ => bail!("usage: flux-wasm split NAME IN.wasm FOLDER | flux-wasm bind [--keep-exports] NAME IN.wasm FOLDER"),
    }
}

fn split(name: &str, input: &Path, folder: &Path) -> anyhow::Result<()> {
    let wasm = fs::read(input).with_context(|| format!("{} cannot be read", input.display()))?;
    let (main, script) = (folder.join(format!("{name}.wasm")), format!("./{name}.js"));
    let mut options = Options::new(&wasm);
    options.target.web();
    options.output_dir = folder;
    options.main_out_path = &main;
    options.main_module = &script;
    // Its error is of another crate than ours.
    transform(options).map(drop).map_err(|error| anyhow::anyhow!("{error:?}"))
}

fn bind(name: &str, input: &Path, folder: &Path, keep_exports: bool) -> anyhow::Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.web(true)?.input_path(input).out_name(name).typescript(false).keep_lld_exports(keep_exports);
    bindgen.remove_name_section(true).remove_producers_section(true).generate(folder)
}
