# make demo    the whole loop through shared memory, from market data to executions, with latencies
# make test    the tests
# make check   everything that has to pass before a commit; CI runs this
# make help    the rest

GO ?= go
# What make vet has vetted, with all that it imports, is not vetted again under each tag.
TEST := $(GO) test -vet=off
SHELL := /bin/bash
.DEFAULT_GOAL := build

.PHONY: help build demo test check fmt vet staticcheck race purego hooks cross fuzz model model-deep overrun takeover soak kills bench bench-peers clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/tickring
	$(GO) build -o bin/tickring ./cmd/tickring

demo: build ## trade a synthetic session: publisher, strategies, gateway, exchange
	./bin/tickring demo

test: ## the tests, some three minutes
	$(TEST) ./...

check: fmt vet staticcheck cross test purego hooks race ## what has to pass before a commit

fmt:
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi

# What has files for these tags only.
PUREGO := ./internal/mem ./feed/dbn ./order
HOOKS := ./internal/mem ./mmap ./ring ./order/gateway ./cmd/tickring

vet:
	$(GO) vet ./...
	$(GO) vet -tags purego $(PUREGO)
	$(GO) vet -tags hooks $(HOOKS)

staticcheck:
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags hooks $(HOOKS)

# The race detector is the one thing here that needs a C compiler. What has no goroutines
# has no races: codecs, books, limits, audits, pictures and the monitor are left out, and the
# page, which is JavaScript (the server behind it is in), and files that are spoilt byte by
# byte. So are the commands of bench: package bench, which does the work, is in.
NORACE := /feed/(dbn|itch|synth|book|replay)|/order/(risk|audit|exchange|strategy)|/ring/monitor|/bench/(plot|report)|/internal/(text|procfs|pty)|/cmd/internal/(hlog|noquery|thousand|serve/page)
race: ## the tests under the race detector
	CGO_ENABLED=1 $(TEST) -race -timeout 20m -skip '^TestEveryByteOf|^TestBench' $$($(GO) list ./... | grep -vE '($(NORACE))$$')

# The accesses of memory without assembly are those under the race detector, too, which all
# else runs on there. Here they are at full speed, and records are copied and not pointed at.
purego: ## the tests without assembly
	$(TEST) -tags purego -skip '^TestEveryByteOf' ./internal/mem ./internal/tick ./feed/dbn ./ring ./order ./order/gateway
	$(TEST) -tags purego ./cmd/tickring -run 'Demo|Replay'

# A build that can be ended or stopped between any two accesses of shared memory.
# Of each script so many points are drawn for kills (stops are at all of them); 0 is all.
POINTS ?= 60
hooks: ## kill and stop processes, and spoil their files, at every access, a minute
	$(TEST) -tags hooks ./internal/mem
	$(TEST) -tags hooks ./ring -run 'KilledAt|KilledInARow|StoppedAt|DeedsAt|Nobody(Joins|Opens)' -args -points $(POINTS)
	$(TEST) -tags hooks ./order/gateway -run CutShortAs
	$(TEST) -tags hooks ./cmd/tickring -run '^TestKills$$' -args -kills 300

# Unsupported parts return an error there; the tree compiles, tests too.
cross: ## linux/arm64 and darwin/arm64
	GOOS=linux GOARCH=arm64 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=linux GOARCH=arm64 $(GO) build ./...
	GOOS=darwin GOARCH=arm64 $(GO) build ./...

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

model: ## search the protocol's models, a few minutes; needs spin and gcc
	nice ./ring/model/run.sh

model-deep: ## the same with larger rings and more deaths, an hour or so; 8 GiB
	nice ./ring/model/run.sh deep

overrun: ## 100 million messages past stalled subscribers
	$(GO) test ./ring -run OverrunUnderForce -v -count 1 -args -messages 100000000

KILLS ?= 1000
takeover: ## how long a ring has no publisher when one is killed, in some 15 minutes; needs 3 GiB of memory
	$(GO) test ./ring -run TakeOverLatency -v -count 1 -timeout 2h -args -kills $(KILLS)

kills: ## gateway, exchange and strategies killed KILLS times under load, and audited; a few minutes
	$(GO) test ./cmd/tickring -run '^TestKills$$' -v -count 1 -timeout 2h -args -kills $(KILLS) -rate 3000

SOAK ?= 1h
soak: ## real processes killed, stopped and joined at random for SOAK
	$(GO) test ./ring -run '^TestChaos$$' -v -count 1 -timeout 0 -args -soak $(SOAK)

bench: ## the benchmarks of the ring and of the way from file to ring
	$(GO) test ./ring -run '^$$' -bench 'RoundTrip|Stream' -benchtime 20000000x
	$(GO) test ./ring ./feed/... ./order/... ./cmd/... -run '^$$' -bench . -skip 'RoundTrip|Stream'

ROUNDS ?= 3
bench-peers: ## tickring beside other transports, some 7 minutes; what is not there is skipped
	cd bench/peers && $(GO) run . --rounds $(ROUNDS) $(PEERS)

clean:
	rm -rf bin
