#!/usr/bin/env bash
# Builds the console the way `cargo leptos build` does, with the same settings (Cargo.toml, [package.metadata.leptos]).
# A release has the WASM in parts besides (ARCHITECTURE.md, "The first load"):
#   scripts/build.sh dev      target/debug/flux-console, which reads target/site when it runs
#   scripts/build.sh release  target/release/flux-console, one file with all assets inside
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/target/tools/bin:$PWD/node_modules/.bin:$PATH"

mode="${1:-}"
case "$mode" in
dev | release) ;;
*) echo "usage: scripts/build.sh dev|release" >&2; exit 2 ;;
esac

metadata="$(cargo metadata --no-deps --format-version 1)"
setting() { node -p '[JSON.parse(process.argv[1]).packages[0].metadata.leptos[process.argv[2]]].flat().join()' "$metadata" "$1"; }
target="$(node -p 'JSON.parse(process.argv[1]).target_directory' "$metadata")"
name="$(setting output-name)"
export LEPTOS_OUTPUT_NAME="$name" # compiled into the links that the server writes

profile=dev folder=debug
if [ "$mode" = release ]; then profile="$(setting lib-profile-release)" folder="$profile"; fi
stage="$target/stage-$mode"
pkg="$stage/$(setting site-pkg-dir)"
mkdir -p "$pkg"

say() { printf 'build: %s\n' "$*"; }

say "browser half ($profile)"
features="$(setting lib-features)" link=() keep=()
if [ "$mode" = release ]; then
    # Most pages become files of their own (src/components/later.rs). The splitter wants to know what refers to what.
    features="$features,split" link=(-Clink-args=--emit-relocs)
    keep=(--keep-lld-exports) # the parts share a table
fi
cargo rustc --lib --target wasm32-unknown-unknown --profile "$profile" --no-default-features --features "$features" -- "${link[@]}"
wasm="$target/wasm32-unknown-unknown/$folder/${name//-/_}.wasm"
if [ "$wasm" -nt "$pkg/$name.wasm" ]; then
    out="$(mktemp -d "$target/bindgen.XXXXXX")"
    trap 'rm -rf "$out"' EXIT
    if [ "$mode" = release ]; then
        say "splitting"
        node scripts/drop-unused.mjs "$wasm" "$out/whole"
        wasm-split-cli --target web --out-name "$name" "$out/whole" "$out"
        mv "$out/$name.wasm" "$out/main"
        wasm="$out/main"
    fi
    wasm-bindgen --target web --no-typescript "${keep[@]}" --remove-name-section --remove-producers-section --out-name "$name" --out-dir "$out" "$wasm"
    mv "$out/${name}_bg.wasm" "$out/$name.wasm"
    if [ "$mode" = release ]; then
        rm "$out/whole" "$out/main"
        say "wasm-opt"
        for file in "$out"/*.wasm; do
            # The features that rustc turns on by default; wasm-opt refuses what it was not told of. Few passes: rustc has
            # optimised for size already, and what -Oz does on top makes the files compress worse, by a twelfth.
            wasm-opt --quiet --enable-bulk-memory --enable-bulk-memory-opt --enable-call-indirect-overlong --enable-multivalue \
                --enable-mutable-globals --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext \
                --dae-optimizing --duplicate-function-elimination --remove-unused-module-elements \
                -o "$file" "$file"
        done
        node scripts/pack-chunks.mjs "$out"
    fi
    rm -rf "$pkg"
    mkdir "$pkg"
    chmod 755 "$out"
    cp -R "$out/." "$pkg"
fi

say "styles"
minify=()
if [ "$mode" = release ]; then minify=(--minify); fi
tailwindcss --input "$(setting tailwind-input-file)" --output "$pkg/$name.css" "${minify[@]}"

say "site"
compress=()
if [ "$mode" = release ]; then compress=(--compress); fi
node scripts/site.mjs "$(setting site-root)" "${compress[@]}" "$stage" "$(setting assets-dir)"

say "server ($mode)"
release=()
if [ "$mode" = release ]; then release=(--release); fi
cargo build "${release[@]}" --bin "$name" --no-default-features --features "$(setting bin-features)"
say "done: $target/$([ "$mode" = release ] && echo release || echo debug)/$name"
