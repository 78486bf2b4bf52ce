#!/usr/bin/env bash
# Builds the console the way `cargo leptos build` does, with the same settings (Cargo.toml, [package.metadata.leptos]).
# A release has the WASM in parts besides (ARCHITECTURE.md, "The first load"):
#   scripts/build.sh dev      target/debug/flux-console, quickly built, which reads target/site when it runs
#   scripts/build.sh demo     the same, and runs the demo as soon as there is a server: the page can be read before it is alive
#   scripts/build.sh test     what dev makes, and cargo's tests, not run
#   scripts/build.sh parts    what dev makes with the WASM in parts: for looking at what cutting does
#   scripts/build.sh release  target/release/flux-console, one file with all assets inside
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/target/tools/bin:$PWD/node_modules/.bin:$PATH"

what="${1:-}" mode=dev profile=wasm-dev parts=''
case "$what" in
dev | demo | test) ;;
parts) parts=yes ;;
release) mode=release parts=yes ;;
*) echo "usage: scripts/build.sh dev|demo|test|parts|release" >&2; exit 2 ;;
esac

for tool in cargo node npm; do
    if ! type -P "$tool" >/dev/null; then
        echo "build: $tool is missing. Install Rust (https://rustup.rs) and Node.js 20 or newer, and run this again." >&2
        exit 1
    fi
done
metadata="$(cargo metadata --no-deps --format-version 1)"
setting() { node -p '[JSON.parse(process.argv[1]).packages[0].metadata.leptos[process.argv[2]]].flat().join()' "$metadata" "$1"; }
target="$(node -p 'JSON.parse(process.argv[1]).target_directory' "$metadata")"
name="$(setting output-name)"
export LEPTOS_OUTPUT_NAME="$name" # compiled into the links that the server writes
if [ "$mode" = release ]; then profile="$(setting lib-profile-release)"; fi
stage="$target/stage-$mode${parts:+-parts}"
pkg="$(setting site-pkg-dir)"

say() { printf 'build: %s\n' "$*"; }

browser() {
    say "browser half ($profile)"
    local features bind=flux-wasm link=() keep=() wasm out
    features="$(setting lib-features)"
    if [ "$parts" ]; then
        # Most pages become files of their own (src/components/later.rs). The splitter wants to know what refers to what.
        features="$features,split" link=(-Clink-args=--emit-relocs)
        keep=(--keep-exports) bind=flux-wasm-split # the parts share a table
    fi
    # As a library for others it would export what nobody asks for: a tenth of the release, and half a minute.
    cargo rustc --lib --crate-type cdylib --target wasm32-unknown-unknown --profile "$profile" --no-default-features --features "$features" -- "${link[@]}"
    wasm="$target/wasm32-unknown-unknown/$profile/${name//-/_}.wasm"
    if [ ! "$wasm" -nt "$stage/browser/$pkg/$name.wasm" ]; then return; fi
    out="$stage/making"
    rm -rf "$out"
    mkdir -p "$out/$pkg"
    if [ "$parts" ]; then
        say "splitting"
        node scripts/drop-unused.mjs "$wasm" "$out/whole"
        flux-wasm-split split "$name" "$out/whole" "$out/$pkg"
        mv "$out/$pkg/$name.wasm" "$out/main"
        wasm="$out/main"
    fi
    "$bind" bind "${keep[@]}" "$name" "$wasm" "$out/$pkg"
    mv "$out/$pkg/${name}_bg.wasm" "$out/$pkg/$name.wasm"
    rm -f "$out/whole" "$out/main"
    if [ "$parts" ]; then
        # No wasm-opt: rustc has optimised for size already, and what -Oz does on top makes the files compress worse.
        node scripts/pack-chunks.mjs "$out/$pkg"
        node scripts/tighten.mjs "$out/$pkg" "$name"
    fi
    rm -rf "$stage/browser"
    mv "$out" "$stage/browser"
}

styles() {
    say "styles"
    local minify=()
    if [ "$mode" = release ]; then minify=(--minify); fi
    tailwindcss --input "$(setting tailwind-input-file)" --output "$stage/styles/$pkg/$name.css" "${minify[@]}"
}

site() {
    say "site"
    local compress=()
    if [ "$mode" = release ]; then compress=(--compress); fi
    node scripts/site.mjs "$(setting site-root)" "${compress[@]}" "$stage/browser" "$stage/styles" "$(setting assets-dir)"
}

server() {
    say "server ($mode)"
    cargo build --bin "$name" --no-default-features --features "$(setting bin-features)" "$@"
}

# with FUNCTION: in a process group of its own, which ends with this script at the latest.
beside=''
with() {
    set -m
    "$1" &
    beside=$!
    set +m
}
tidy() { if [ -n "$beside" ]; then kill -- "-$beside" 2>/dev/null || true; fi; }
trap tidy EXIT

# A debug build reads the site when it runs, so the server and everything else are made side by side: half of either keeps one
# core busy and no more. The server takes longer, so all else gives way to it.
the_rest() {
    trap '[ $? = 0 ] || say "the browser half could not be made (see above): pages can be read, but are not alive"' EXIT
    renice -n 19 "$BASHPID" >/dev/null || true
    scripts/setup.sh node
    styles
    if [ "$what" = demo ]; then site; fi # styles for the pages that are not alive yet
    scripts/setup.sh "$([ "$parts" ] && echo split || echo bind)"
    browser
    site
}

case "$what" in
release)
    browser
    styles
    site
    server --release # with the site inside
    ;;
demo)
    # A browser half of last time may not fit the server of now.
    if [ -n "$(find Cargo.toml Cargo.lock src scripts -newer "$stage/browser/$pkg/$name.wasm" -print -quit 2>&1)" ]; then
        rm -rf "$stage/browser" "$(setting site-root)"
    fi
    with the_rest
    server
    say "running the demo; its pages come alive when the browser half is there"
    "$target/debug/$name" demo
    exit
    ;;
*)
    with the_rest
    server
    if [ "$what" = test ]; then cargo test --features ssr --no-run; fi
    wait "$beside"
    beside=''
    ;;
esac
say "done: $target/$([ "$mode" = release ] && echo release || echo debug)/$name"
