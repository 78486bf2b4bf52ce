#!/usr/bin/env bash
# Builds the console the way `cargo leptos build` does, with the same settings (Cargo.toml, [package.metadata.leptos]).
# A release has the WASM in parts besides (ARCHITECTURE.md, "The first load"):
#   scripts/build.sh dev      target/debug/flux-console, quickly built, which reads target/site when it runs
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

profile=wasm-dev
if [ "$mode" = release ]; then profile="$(setting lib-profile-release)"; fi
stage="$target/stage-$mode"
pkg="$stage/$(setting site-pkg-dir)"
mkdir -p "$pkg"

say() { printf 'build: %s\n' "$*"; }

out='' beside='' patient=()
tidy() {
    rm -rf "$out"
    if [ -n "$beside" ]; then kill "$beside" 2>/dev/null || true; fi
}
trap tidy EXIT

server=(cargo build --bin "$name" --no-default-features --features "$(setting bin-features)")
if [ "$mode" = dev ]; then
    # It reads the site when it runs. Half of either build keeps one core busy and no more, so the two go side by side. The
    # server takes longer, so the browser half gives way to it.
    say "server (dev), beside the browser half"
    "${server[@]}" &
    beside=$!
    patient=(nice -n 19)
fi

say "browser half ($profile)"
features="$(setting lib-features)" link=() keep=() bind=flux-wasm
if [ "$mode" = release ]; then
    # Most pages become files of their own (src/components/later.rs). The splitter wants to know what refers to what.
    features="$features,split" link=(-Clink-args=--emit-relocs)
    keep=(--keep-exports) bind=flux-wasm-split # the parts share a table
fi
# As a library for others it would export what nobody asks for: a tenth of the release, and half a minute.
"${patient[@]}" cargo rustc --lib --crate-type cdylib --target wasm32-unknown-unknown --profile "$profile" --no-default-features --features "$features" -- "${link[@]}"
wasm="$target/wasm32-unknown-unknown/$profile/${name//-/_}.wasm"
if [ "$wasm" -nt "$pkg/$name.wasm" ]; then
    out="$(mktemp -d "$target/bindgen.XXXXXX")"
    if [ "$mode" = release ]; then
        say "splitting"
        node scripts/drop-unused.mjs "$wasm" "$out/whole"
        flux-wasm-split split "$name" "$out/whole" "$out"
        mv "$out/$name.wasm" "$out/main"
        wasm="$out/main"
    fi
    "$bind" bind "${keep[@]}" "$name" "$wasm" "$out"
    mv "$out/${name}_bg.wasm" "$out/$name.wasm"
    if [ "$mode" = release ]; then
        rm "$out/whole" "$out/main"
        # No wasm-opt: rustc has optimised for size already, and what -Oz does on top makes the files compress worse.
        node scripts/pack-chunks.mjs "$out"
        node scripts/tighten.mjs "$out" "$name"
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

if [ "$mode" = dev ]; then
    wait "$beside"
    beside=''
else
    say "server (release), with the site inside"
    "${server[@]}" --release
fi
say "done: $target/$([ "$mode" = release ] && echo release || echo debug)/$name"
