# `make demo` judges examples/; `make test` runs everything that proves the product.
.PHONY: oracles-build oracles

GO_ORACLES := cel yaml schema pss

# The reference implementations, as Go programs (testbed/oracle/NAME → target/oracles/NAME).
oracles-build: $(GO_ORACLES:%=target/oracles/%)

target/oracles/%: testbed/go.mod testbed/go.sum $(wildcard testbed/oracle/*/*.go)
	cd testbed && CGO_ENABLED=0 go build -trimpath -o ../$@ ./oracle/$*
