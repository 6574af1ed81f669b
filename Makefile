# One verb a line; `make help` lists them. Everything a verb needs beyond Rust and Python 3 it installs under .tools/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test unit contract contract-deep contract-selftest attack night lint lint-openapi fmt generate check-generated check-breaking check-regeneration types check-types try-types bench ci clean

CARGO_DENY := .tools/cargo-deny-0.20.2/bin/cargo-deny
CHECK_BREAKING := .tools/check-breaking
SCHEMATHESIS := .tools/schemathesis/bin/schemathesis
REDOCLY := .tools/lint-openapi/node_modules/.bin/redocly
TYPESCRIPT := clients/typescript/node_modules/.bin
TYPES := node clients/typescript/types.mjs

help: ## List the verbs
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Start a gateway and a stand-in for WhatsApp, paired and ready to try; Ctrl-C stops both
	@cargo build --locked --workspace --bin whatsapp-gateway --bin whatsapp-standin
	@exec target/debug/whatsapp-standin --gateway target/debug/whatsapp-gateway --dir .demo

test: unit contract ## Run all tests

unit: ## Run the Rust tests: units, and the booted gateway against the stand-in, on SQLite and on PostgreSQL
	scripts/postgres run cargo test --locked --workspace
	TEST_DATABASE=postgres scripts/postgres run cargo test --locked --workspace --test gateway -- --skip outages::sqlite --skip outages::postgres

contract: $(SCHEMATHESIS) ## Fuzz the running gateway against its document; reports in target/contract/
	cargo build --locked --workspace --bin contract
	target/debug/contract

contract-deep: $(SCHEMATHESIS) ## The same with ten times the examples and, unless SEED is given, a seed of chance: for nights
	cargo build --locked --workspace --bin contract
	seed=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; echo "SEED=$$seed"; \
	target/debug/contract --max-examples 500 --seed $$seed

contract-selftest: ## Break the gateway in each way of contract-tests/src/faults/: the test that looks for it must fail. FAULT="NAME…" picks some
	cargo build --locked --workspace --bin selftest
	target/debug/selftest $(FAULT)

attack: ## Attack a gateway over the loopback in each way of contract-tests/tests/gateway/attacks/, at full size: what became of it, as a table
	ulimit -Sn $$(ulimit -Hn); \
	cargo test --locked --workspace --test gateway -- attacks::full --ignored --test-threads 1 --nocapture 2>&1 \
	| tee target/attack.log || failed=1; \
	echo '| Attack | What became of it | Its connections | Bystanders: p50 ms | p99 ms | Failed | MiB before / at most / after | CPU s |'; \
	echo '|---|---|---|---|---|---|---|---|'; grep '^|' target/attack.log; exit $${failed:-0}

night: attack contract-deep ## What takes hours: the attacks, the fuzzer at length on both databases, and both suites behind every broken gateway, as a table
	TEST_DATABASE=postgres scripts/postgres run $(MAKE) contract-deep
	cargo build --locked --workspace --bin contract --bin selftest
	target/debug/selftest --whole

lint: lint-openapi $(CARGO_DENY) ## Check formatting, lints, licences, bans, sources and the document
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	$(CARGO_DENY) --locked --workspace check --hide-inclusion-graph bans licenses sources

lint-openapi: $(REDOCLY) ## Hold the document to the rules of openapi/lint/ (needs Node)
	REDOCLY_SUPPRESS_UPDATE_NOTICE=true $< lint --config openapi/lint/redocly.yaml --lint-config error --format stylish openapi/gateway.yaml

fmt: ## Format the code
	cargo fmt --all

generate: ## Make generated/ from openapi/
	scripts/generate

check-generated: ## Fail when generated/ is not what openapi/ gives
	scripts/generate --check

check-breaking: $(CHECK_BREAKING)/installed ## Fail when the document breaks what the released one promises, and name each break
	$(CHECK_BREAKING)/bin/python -B -m unittest discover --quiet --start-directory scripts
	$(CHECK_BREAKING)/bin/python -B scripts/check-breaking

check-regeneration: ## Show in a copy that the compiler names what a changed document asks for
	scripts/check-regeneration

types: $(TYPESCRIPT) ## Write the TypeScript definitions of clients/typescript/ (needs Node)
	$(TYPES)

check-types: $(TYPESCRIPT) ## Fail when they are not what the document gives, or the example does not compile with them
	$(TYPES) --check
	$(TYPESCRIPT)/tsc --project clients/typescript

try-types: check-types ## Run the example against a gateway and a stand-in
	cargo build --locked --workspace --bin whatsapp-gateway --bin whatsapp-standin
	clients/typescript/try

bench: ## Measure against what has to hold; ONLY="start page" runs some scenarios, SIZES="sessions=10" resizes them
	cargo build --locked --release --workspace --bin bench --bin whatsapp-gateway
	target/release/bench $(ONLY) $(SIZES)

ci: lint check-generated check-breaking check-regeneration test try-types contract-selftest ## What every change must pass

clean: ## Remove what the verbs above have made
	rm -rf target .tools .demo clients/typescript/node_modules

$(CARGO_DENY):
	cargo install --locked --debug --quiet --root $(@D:/bin=) --target-dir target/tools cargo-deny@0.20.2

$(CHECK_BREAKING)/installed: scripts/requirements-check-breaking.txt
	python3 -m venv $(CHECK_BREAKING)
	$(CHECK_BREAKING)/bin/pip install --quiet --requirement $<
	touch $@

$(SCHEMATHESIS): contract-tests/requirements.txt
	python3 -m venv .tools/schemathesis
	.tools/schemathesis/bin/pip install --quiet --requirement $<
	touch $@

$(REDOCLY): openapi/lint/package-lock.json
	mkdir -p .tools/lint-openapi
	cp openapi/lint/{package.json,package-lock.json,.npmrc} .tools/lint-openapi
	npm ci --prefix .tools/lint-openapi --ignore-scripts --no-audit --no-fund
	touch $@

$(TYPESCRIPT): clients/typescript/package-lock.json
	npm ci --prefix clients/typescript --ignore-scripts --no-audit --no-fund
	touch $@
