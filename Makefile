# SPDX-License-Identifier: MIT
#
# The front door. Everything is built by CMake presets into build/<preset>.

BUILD = cmake --preset $(1) >/dev/null && cmake --build build/$(1) --target programs

.DEFAULT_GOAL := all
.PHONY: all help setup setup-test demo test peers interop bench fuzz soak test-debian13 format clean distclean

all: setup ## install what is missing, build the release programs into build/release/bin
	@$(call BUILD,release)

help: ## this list
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/\1|\2/p' Makefile | \
	    while IFS='|' read -r target what; do printf '  make %-14s %s\n' "$$target" "$$what"; done

setup: ## install what the build needs
	@scripts/setup.sh

setup-test:
	@scripts/setup.sh test

demo: all ## the main job, end to end: issue a certificate, serve a site, fetch it over four protocols, compare
	@scripts/demo.sh

test: setup-test ## everything that CI runs (scripts/test.py --help for parts of it)
	@scripts/test.py

peers: ## unpack other people's clients and servers into build/peers (nothing is installed)
	@scripts/peers.sh

interop: all setup-test peers ## every client against every server, case by case (root needed)
	@scripts/interop.py

bench: all ## measure, also against nginx, and write build/bench.json
	@scripts/peers.sh || echo 'bench: going on without the peers that are missing'
	@scripts/bench.py

fuzz: setup-test ## fuzz every parser for VELOCITY_FUZZ_SECONDS in total (300)
	@scripts/test.py --only fuzz

soak: setup-test ## the simulated network over many more seeds
	@scripts/test.py --only soak

test-debian13: ## make test in a fresh Debian 13 root (root needed)
	@scripts/test-debian13.sh

format: ## rewrite the C files in the house layout
	@scripts/check_format.sh --fix

clean: ## remove what was built, keep what was downloaded
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name deps ! -name peers -exec rm -rf {} +; fi

distclean: ## remove the whole build folder
	@rm -rf build
