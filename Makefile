.DEFAULT_GOAL := help

GO ?= go
# The tools' own modules; see tools/.
LINT    = $(GO) tool -modfile=tools/lint/go.mod golangci-lint
CHECK   = $(GO) tool -modfile=tools/lint/go.mod workflowcheck
SQLC    = $(GO) tool -modfile=../tools/sqlc/go.mod sqlc
FUZZTIME ?= 20s

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z/-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: build ## Start everything on this machine
	@bin/byeolshow dev

.PHONY: build
build:
	@$(GO) build -o bin/byeolshow ./cmd/byeolshow

.PHONY: reconcile
reconcile: build ## Compare the shop's orders, Iamport's payments and the workflows of what runs here
	@. ./.data/run/env && bin/byeolshow ops reconcile

.PHONY: ops
ops: build ## Ask what runs here as an operator: make ops ARGS="stuck"
	@. ./.data/run/env && bin/byeolshow ops $(ARGS)

.PHONY: test
test: ## Run every test, with real Postgres and Temporal
	$(GO) test -race -parallel 6 -timeout 25m ./... # most tests wait for others

.PHONY: bench
bench: build ## Measure, and print the figures
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./bench
	@echo "The same work against Vendure: npx --yes @vendure/create@3 shop --ci; docs/benchmarks.md tells the rest."

.PHONY: lint
lint: lint/openapi ## Check format, style, import rules, workflow determinism and the OpenAPI document
	@test -z "$$(gofmt -l .)" || (gofmt -l . && false)
	$(GO) vet ./...
	$(LINT) run
	$(CHECK) ./workflows/...

.PHONY: lint/openapi
lint/openapi: build
	@bin/byeolshow openapi > bin/openapi.json
	@npm --prefix tools/openapi ci --silent --no-audit --no-fund --ignore-scripts
	REDOCLY_TELEMETRY=off tools/openapi/node_modules/.bin/redocly lint bin/openapi.json --config tools/openapi/redocly.yaml

.PHONY: generate
generate: ## Generate the SQL queries' code and the table of settings
	cd store && $(SQLC) generate
	$(GO) test ./cmd/byeolshow -run '^TestSettingsTable$$' -update

.PHONY: deployment
deployment: ## Check the compose file, the manifests, the dashboard and the collector
	cd tools/deploy && $(GO) test -count=1 ./...
	cd tools/collector && $(GO) test -count=1 ./...

.PHONY: fuzz
fuzz: ## Fuzz the parsers of outside data for FUZZTIME each
	$(GO) test -run '^$$' -fuzz FuzzParseEvent -fuzztime $(FUZZTIME) ./clients/mux
	$(GO) test -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME) ./live
	$(GO) test -run '^$$' -fuzz FuzzParseSeoul -fuzztime $(FUZZTIME) ./model
	$(GO) test -run '^$$' -fuzz FuzzPayment -fuzztime $(FUZZTIME) ./clients/iamport
	$(GO) test -run '^$$' -fuzz FuzzParseWebhook -fuzztime $(FUZZTIME) ./clients/clayful
	$(GO) test -run '^$$' -fuzz FuzzValues -fuzztime $(FUZZTIME) ./clients/clayful
	$(GO) test -run '^$$' -fuzz FuzzProfile -fuzztime $(FUZZTIME) ./clients/social
	$(GO) test -run '^$$' -fuzz FuzzSniff -fuzztime $(FUZZTIME) ./api
