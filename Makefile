# `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help demo test dev check release bench clean
export PATH := $(CURDIR)/target/tools/bin:$(CURDIR)/node_modules/.bin:$(PATH)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Set up what is missing, build quickly, and run the console with live demo data
	@scripts/setup.sh wasm redis
	@scripts/build.sh demo

test: ## Set up what is missing (Chromium too) and run every test
	@scripts/setup.sh wasm
	@scripts/test.sh

dev: ## Rebuild and reload on every change (compiles cargo-leptos once); needs a Redis, REDIS_URL says where
	@scripts/setup.sh wasm node cargo-leptos
	cargo leptos watch -- start

check: ## Formatting and clippy, on both targets
	@scripts/setup.sh wasm
	cargo fmt --check
	cargo clippy --features ssr --all-targets -- -D warnings
	cargo clippy --features hydrate --lib --target wasm32-unknown-unknown -- -D warnings

release: ## One self-contained file: target/release/flux-console
	@scripts/setup.sh wasm split node
	@scripts/build.sh release

bench: release ## Measure the figures in the README
	@scripts/setup.sh redis
	cargo bench --features ssr --bench figures

clean: ## Remove what was built; keeps the tools in target/tools
	find target -mindepth 1 -maxdepth 1 ! -name tools -exec rm -rf {} +
