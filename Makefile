# Forecourt. Two commands matter: `make run` and `make test`.
BIN      := bin/forecourt
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X github.com/forecourt-ev/forecourt/app.version=$(VERSION)
# The profile to optimise by, made by scripts/profile.sh. PGO=off compiles faster.
PGO      ?= cmd/forecourt/cpu.pprof
# What is compiled with the same flags is compiled once: for the binary, for vet and for conformance.
GO       := CGO_ENABLED=0 go
SHARED   ?=

.PHONY: run build ui test test-go test-ui test-e2e conformance lint deps golden clean

## run: build everything and start the demo on http://localhost:8080
run: build
	./$(BIN) demo

## build: the web app and the binary
build: ui
	$(GO) build -trimpath -pgo=$(PGO) -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/forecourt

## ui: the web app, embedded into the binary by the next go build
ui: ui/dist/index.html

UI_SOURCES := $(shell find ui/src ui/public ui/index.html ui/*.json ui/*.ts -type f 2>/dev/null)
ui/dist/index.html: ui/node_modules/.installed $(UI_SOURCES)
	cd ui && npm run build

ui/node_modules/.installed: ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund
	touch $@

## deps: what the tests need beyond Go and node (PostgreSQL, a browser)
deps:
	scripts/test-deps.sh

## test: every test, both databases and the browser included
test: deps build lint test-go test-ui test-e2e

lint:
	test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet -trimpath ./...

# SQLite's own code, translated from C, is not watched for races: ours and the driver around it are. Otherwise half of the time is spent there.
test-go: test/ocpp-rpc/node_modules/.installed
	go test -race -gcflags='modernc.org/sqlite/lib=-race=false -d=checkptr=0' -shuffle=on -timeout 15m ./...

test/ocpp-rpc/node_modules/.installed: test/ocpp-rpc/package-lock.json
	cd test/ocpp-rpc && npm ci --no-audit --no-fund
	touch $@

test-ui: ui/node_modules/.installed
	cd ui && npm test

## test-e2e: the web app in a real browser against the real binary and simulators
test-e2e: build
	scripts/e2e.sh

## conformance: checks over the shared data, make conformance SHARED=../shared
conformance: deps
	@test -d "$(SHARED)" || { echo "conformance: SHARED must name the directory of shared data, got '$(SHARED)'"; exit 1; }
	FORECOURT_SHARED=$(abspath $(SHARED)) $(GO) test -trimpath -count=1 -tags conformance -run Conformance \
		$$(grep -rl --include='*_test.go' '^//go:build conformance' . | xargs -n1 dirname | sort -u)

## golden: rewrite committed goldens after a wanted change (schema, routes, OpenAPI types)
golden:
	go run ./cmd/forecourt openapi > ui/openapi.json
	go test ./schema/... ./app/... -run Golden -update
	cd ui && npm run api

clean:
	rm -rf bin ui/dist/assets ui/dist/index.html
