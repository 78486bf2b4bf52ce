#!/usr/bin/env bash
# Gets what a build or a test needs and skips what is there: scripts/setup.sh wasm bind split node redis databases chromium cargo-leptos
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/target/tools/bin:$PATH"

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
# A program, not one of the functions below.
have() { type -P "$1" >/dev/null; }

# Tools built from source go beside the build, not over what the user has installed. They run a few seconds in their life,
# so they are compiled quickly rather than well.
cargo_install() {
    CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install --root target/tools "$@" || die "cargo install $1 failed (see above). Is the crate registry reachable?"
}

# apt COMMAND PACKAGE: Debian and root only; elsewhere a sentence says what to install.
apt() {
    if have "$1"; then say "$1 is there"; return; fi
    if ! have apt-get; then die "$1 is missing. Install it with your system's packages (Debian calls it $2) and run this again."; fi
    if [ "$(id -u)" != 0 ]; then die "$1 is missing. Run as root: apt-get update && apt-get install $2"; fi
    say "installing $2"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null; } ||
        die "apt-get could not install $2 (see above). Install $1 by hand and run this again."
}

wasm() {
    local target=wasm32-unknown-unknown
    have cargo || die "cargo is missing. Install Rust (https://rustup.rs) and run this again."
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        say "$target is there"
    else
        have rustup || die "the Rust target $target is missing. Install it with the package manager that Rust came from."
        say "adding $target"
        rustup target add "$target" || die "rustup could not add $target (see above)."
    fi
}

bind() { flux_wasm flux-wasm "half a minute"; }

# A release is cut into parts as well, which takes more to compile.
split() { flux_wasm flux-wasm-split "a minute" --features split; }

# flux_wasm PROGRAM HOW-LONG [FEATURES]: what makes the browser's files.
flux_wasm() {
    local program="target/tools/bin/$1" long="$2"
    shift 2
    if [ "$program" -nt scripts/wasm/Cargo.lock ] && [ "$program" -nt scripts/wasm/src/main.rs ]; then say "${program##*/} is there"; return; fi
    say "compiling ${program##*/}, which makes the browser's files ($long)"
    cargo build --release --locked --manifest-path scripts/wasm/Cargo.toml --target-dir target/tools/build "$@" ||
        die "${program##*/} could not be compiled (see above). Is the crate registry reachable?"
    mkdir -p target/tools/bin
    cp target/tools/build/release/flux-wasm "$program"
    rm -rf target/tools/build
}

node() {
    have npm || die "npm is missing. Install Node.js 20 or newer and run this again."
    if [ node_modules/.package-lock.json -nt package-lock.json ]; then say "npm packages are there"; return; fi
    say "installing npm packages"
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error || die "npm ci failed (see above). Is the npm registry reachable?"
    touch node_modules/.package-lock.json
}

redis() { apt redis-server redis-server; }

# The tests start servers of their own, on private ports; services that a package may start are left alone.
databases() {
    apt mariadbd mariadb-server
    apt sqlite3 sqlite3 # the console has SQLite inside; the browser tests write with another program
    if [ -x "$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | head -n 1)" ]; then say "postgres is there"; else apt initdb postgresql; fi
}

chromium() {
    if [ -x "${CHROMIUM:-}" ]; then say "chromium is $CHROMIUM"; return; fi
    apt chromium chromium
}

# Only `make dev` wants it: it takes ten minutes to compile, and scripts/build.sh does what a build needs.
cargo_leptos() {
    local version
    # It calls wasm-bindgen, which must have the very version of the library.
    version="$(sed -n 's/^wasm-bindgen = .*"=\([0-9.]*\)".*/\1/p' Cargo.toml)"
    if [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $version" ]; then
        say "wasm-bindgen $version is there"
    else
        say "compiling wasm-bindgen $version (about four minutes, once)"
        CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback cargo_install wasm-bindgen-cli --version "$version" --force
    fi
    if have cargo-leptos; then say "cargo-leptos is there"; return; fi
    say "compiling cargo-leptos (about ten minutes, once)"
    cargo_install cargo-leptos --locked --ignore-rust-version
}

for step in "$@"; do
    case "$step" in
    wasm | bind | split | node | redis | databases | chromium) "$step" ;;
    cargo-leptos) cargo_leptos ;;
    *) die "there is no step '$step' (wasm, bind, split, node, redis, databases, chromium, cargo-leptos)" ;;
    esac
done
