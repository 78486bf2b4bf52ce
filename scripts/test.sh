#!/usr/bin/env bash
# Every test: cargo's, then the browser's. Ends with "N passed, N failed" and fails when anything did.
set -euo pipefail
cd "$(dirname "$0")/.."
logs=target/test-logs
rm -rf "$logs"
mkdir -p "$logs"
broken=0 # steps that ended badly
took() { echo "test: $1 after $SECONDS s"; }

# What the tests run is fetched while they are compiled.
scripts/setup.sh redis databases chromium &
servers=$!
scripts/build.sh test || broken=$((broken + 1))
wait "$servers" || exit 1
took "built and set up"
# Most of a test's time is waiting for servers and clocks.
RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) + 1))}" cargo test --features ssr --no-fail-fast 2>&1 | tee "$logs/cargo.log" || broken=$((broken + 1))
took "cargo's tests"
PLAYWRIGHT_JSON_OUTPUT_NAME="$PWD/$logs/browser.json" npm run --silent end2end 2>&1 | tee "$logs/browser.log" || broken=$((broken + 1))
took "the browser's stories"

# sum PATTERN: adds up the numbers that stand before the word in cargo's "test result" lines.
sum() { { grep '^test result:' "$logs/cargo.log" | grep -o "[0-9]* $1" || true; } | awk '{ n += $1 } END { print n + 0 }'; }
browser() { node -p "const s = JSON.parse(require('fs').readFileSync('$logs/browser.json')).stats; $1" 2>/dev/null || echo 0; }

passed=$(($(sum passed) + $(browser s.expected)))
failed=$(($(sum failed) + $(browser 's.unexpected + s.flaky')))
# A step that broke without a failed test (it did not compile, no browser) is a failure too.
if [ "$broken" -gt 0 ] && [ "$failed" = 0 ]; then failed=$broken; fi
# What failed once more at the end, where one looks.
sed -n '/^---- .* stdout ----$/,/^failures:$/ { /^note:/d; /^failures:/d; /^$/d; p }' "$logs/cargo.log" | cut -c 1-400 | tail -n 60
echo "cargo: $(sum passed) passed, $(sum failed) failed; browser: $(browser s.expected) passed, $(browser 's.unexpected + s.flaky') failed, $(browser s.skipped) skipped"
echo "$passed passed, $failed failed" | tee "$logs/counts"
[ "$failed" = 0 ]
