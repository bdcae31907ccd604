# What developers run. `make` alone says what there is.
#
# A machine needs git, make and Go, and for the race detector of `make test` a C
# compiler. Everything else is pinned in hack/tools and in
# hack/controlplane/programs, and built from there on first use.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# A workspace of the developer's own must not change what is built here.
export GOWORK := off
# Static binaries. Set for everything, so that what one target has compiled the
# next one does not compile again.
export CGO_ENABLED := 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMAGE   ?= oauth-operator:$(VERSION)
# For which machines the image is built. PACKAGE and IMAGE_ARGS build one of another
# program; see hack/image.
PLATFORMS  ?= linux/amd64,linux/arm64
PACKAGE    ?= ./cmd/oauth-operator
IMAGE_ARGS ?=

# How long each fuzz target runs: a moment in make test, and longer in make fuzz.
test: FUZZTIME ?= 5s
fuzz corpus: FUZZTIME ?= 30s
# RACE= runs the tests without the race detector, and so without a C compiler.
RACE ?= -race
# ONCE=1 ends the demo after the flow.
ONCE ?=
# Which packages to test; further arguments of go test, and of the benchmarks.
PKG        ?= ./...
TEST_ARGS  ?=
E2E_ARGS   ?=
BENCH_ARGS ?=

tool           := go tool -modfile=hack/tools/go.mod
controller-gen := $(tool) controller-gen
crd-ref-docs   := $(tool) crd-ref-docs
golangci-lint  := $(tool) golangci-lint
helm           := $(tool) helm
kustomize      := $(tool) kustomize
kube-score     := go tool -modfile=hack/chartlint/go.mod kube-score

# What kube-score need not look for: a tag or digest never changes here, so an image need
# not be pulled each time; Pods are spread by constraints and not by affinity; one
# controller is enough; and values.yaml says why there is no CPU limit. What kube-linter
# need not look for stands in charts/oauth-operator/.kube-linter.yaml. Polaris says the same
# as both, and that an instance is not named like its object, that there is no priority class
# (a value), that Pods have tokens (they ask the API server), and of each NetworkPolicy that it
# does not match: it wants a selector of one label, and a rule where nothing is let in.
unscored := --exit-one-on-warning --ignore-container-cpu-limit --ignore-test container-image-pull-policy \
	--ignore-test deployment-has-host-podantiaffinity --ignore-test deployment-replicas

# Where generators write: what stands there must be what they would write now.
generated := 'api/*zz_generated*.go' config/crd/bases config/rbac charts/oauth-operator/files \
	charts/oauth-operator/README.md charts/oauth-operator/values.schema.json docs/reference

##@ See

.PHONY: demo
demo: build ## Run everything on this machine and walk the code grant. ONCE=1 ends after it
	go run ./hack/demo $(if $(ONCE),-once)

.PHONY: bench
bench: build ## Measure, beside the floors of the same run. BENCH_ARGS goes to hack/bench
	go run ./hack/bench $(BENCH_ARGS)
	grep -rlE --include='*_test.go' '^func Benchmark' . | xargs -r -n1 dirname | sort -u | \
		xargs -r go test -run '^$$' -bench . -benchmem

##@ Change

.PHONY: build
build: ## Build bin/oauth-operator
	@# Without -trimpath, which the image's build has: the packages are then those
	@# that go run and the linters need anyway, and the first demo starts minutes earlier.
	go build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/oauth-operator ./cmd/oauth-operator

.PHONY: generate
generate: ## Generate the Go code that the API types need, and the reference of the API
	$(controller-gen) object:headerFile=hack/boilerplate.go.txt paths=./api/...
	$(crd-ref-docs) --log-level=ERROR --source-path=api/v1alpha1 --config=hack/reference/config.yaml \
		--templates-dir=hack/reference --renderer=markdown --output-path=docs/reference/api.md

.PHONY: manifests
manifests: ## Generate the CRDs, the roles and the chart's copies of them
	$(controller-gen) crd paths=./api/... output:crd:dir=config/crd/bases
	$(controller-gen) rbac:roleName=oauth-operator-controller paths=./controllers/... output:rbac:dir=config/rbac/controller
	$(controller-gen) rbac:roleName=oauth-operator-server paths=./server/... output:rbac:dir=config/rbac/server
	charts/generate.sh

.PHONY: fmt
fmt: ## Format the Go code
	$(golangci-lint) fmt

.PHONY: tidy
tidy: ## Tidy the requirements of all modules
	go mod tidy
	cd hack/tools && go mod tidy
	cd hack/controlplane/programs && go mod tidy
	cd hack/foreign/zitadel && go mod tidy
	cd hack/foreign/oauth2-proxy && go mod tidy
	cd hack/foreign/flux && go mod tidy
	cd hack/foreign/argocd && go mod tidy
	cd hack/image && go mod tidy
	cd hack/chartlint && go mod tidy

##@ Prove

.PHONY: verify
verify: verify-tidy verify-generated lint verify-manifests ## Everything that needs no running program: fresh files, lint, manifests, chart

.PHONY: lint
lint: ## Lint the Go code, the house's import rules included
	$(golangci-lint) run
	cd hack/image && go tool -modfile=../tools/go.mod golangci-lint run

.PHONY: verify-generated
verify-generated:
	hack/verify-generated.sh $(generated)

.PHONY: verify-tidy
verify-tidy:
	@for module in . hack/tools hack/controlplane/programs hack/foreign/zitadel hack/foreign/oauth2-proxy hack/foreign/flux hack/foreign/argocd hack/image hack/chartlint; do \
		echo "go mod tidy -diff in $$module"; (cd "$$module" && go mod tidy -diff); done

.PHONY: verify-manifests
verify-manifests:
	@find config -name kustomization.yaml -not -path 'config/components/*' | sort | while read -r file; do \
		echo "kustomize build $${file%/*}"; $(kustomize) build "$${file%/*}" >/dev/null; done
	@for values in charts/testdata/values/*.yaml; do \
		echo "helm lint, kube-score with $$values"; \
		$(helm) lint --strict --quiet charts/oauth-operator --values "$$values"; \
		$(helm) template oauth-operator charts/oauth-operator --namespace oauth-operator-system \
			--values "$$values" --set networkPolicy.enabled=true | $(kube-score) score --output-format ci $(unscored) - | \
			{ grep -v -e '^\[OK\]' -e '^\[SKIPPED\]' || true; }; done

.PHONY: kube-linter
kube-linter: ## Have kube-linter judge what the chart renders, by its .kube-linter.yaml. Needs a kube-linter on the PATH
	@command -v kube-linter >/dev/null || { echo "there is no kube-linter on the PATH" >&2; exit 1; }
	@for values in charts/testdata/values/*.yaml; do \
		echo "kube-linter with $$values"; \
		$(helm) template oauth-operator charts/oauth-operator --namespace oauth-operator-system --values "$$values" \
			--set networkPolicy.enabled=true | kube-linter lint --config charts/oauth-operator/.kube-linter.yaml -; done

.PHONY: test
test: c-compiler ## Run every test against a real API server, with the race detector (needs a C compiler; RACE= does not). PKG=./server/... for some
	KUBEBUILDER_ASSETS="$$(go run ./hack/controlplane/cmd/controlplane assets)" && export KUBEBUILDER_ASSETS && \
	$(if $(RACE),CGO_ENABLED=1) go run ./hack/gotest -fuzztime $(if $(filter ./...,$(PKG)),$(FUZZTIME),0s)$(if $(filter ./...,$(PKG)), -also hack/image) -- $(RACE) -timeout 40m $(TEST_ARGS) $(PKG)

.PHONY: e2e
e2e: ## Test on the cluster of KUBECONFIG, which is given images by E2E_LOAD_IMAGE='kind load image-archive' or E2E_REGISTRY. See hack/e2e
	E2E=1 go run ./hack/gotest -live 'e2e: ' -- -count=1 -timeout 60m ./hack/e2e $(E2E_ARGS)

.PHONY: argocd
argocd: ## Test that Argo CD syncs the chart, by its engine, against a real API server. Compiles for minutes
	KUBEBUILDER_ASSETS="$$(go run ./hack/controlplane/cmd/controlplane assets)" && export KUBEBUILDER_ASSETS && \
	ARGOCD=1 go run ./hack/gotest -- -count=1 -timeout 40m ./charts -ginkgo.focus='Argo CD with' -ginkgo.fail-on-empty

.PHONY: conformance
conformance: ## Ask any authorization server what the RFCs ask. ISSUER=https://... CONFIG=file (see hack/conformance/example.yaml), JUNIT=file
	@go run ./hack/conformance -issuer "$(ISSUER)" -config "$(CONFIG)" $(if $(JUNIT),-junit "$(JUNIT)")

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (30s)
	go run ./hack/gotest -fuzzonly -fuzztime $(FUZZTIME)

.PHONY: corpus
corpus: ## Fuzz like make fuzz, and keep a sample of what was worth keeping in testdata/fuzz
	go run ./hack/gotest -fuzzonly -fuzztime $(FUZZTIME) -keep 16

.PHONY: c-compiler
c-compiler:
	@[ -z "$(RACE)" ] || command -v "$$(go env CC | cut -d' ' -f1)" >/dev/null || { \
		echo "make test needs a C compiler ($$(go env CC)): Go's race detector is linked with one."; \
		echo "Install it (such as Debian's gcc and libc6-dev), or run 'make test RACE=' without the race detector."; \
		exit 1; } >&2

##@ Ship

.PHONY: image
image: ## Build the image IMAGE into dist, without Docker. PLATFORMS=linux/amd64 for one, PACKAGE=./dir for another program
	go -C hack/image run . build -name '$(IMAGE)' -version '$(VERSION)' -platforms '$(PLATFORMS)' \
		-package '$(PACKAGE)' -out '$(CURDIR)/dist' $(IMAGE_ARGS)

.PHONY: push
push: image ## Build the image and push it to the registry that IMAGE names, with the credentials of docker login
	go -C hack/image run . push -layout '$(CURDIR)/dist/$(firstword $(subst :, ,$(notdir $(IMAGE)))).oci' '$(IMAGE)'

.PHONY: docker-build
docker-build: ## Build the image IMAGE with docker
	docker build -t '$(IMAGE)' --build-arg VERSION='$(VERSION)' --build-arg REVISION="$$(git rev-parse HEAD)" \
		--build-arg SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" \
		--build-arg CREATED="$$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)" .

.PHONY: install
install: ## Install the CRDs into the current cluster (needs kubectl)
	kubectl apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRDs, and every object of theirs, from the current cluster (needs kubectl)
	kubectl delete --ignore-not-found -k config/crd

##@ Keep house

.PHONY: clean
clean: ## Remove what was built here
	rm -rf bin dist

.PHONY: help
help: ## Say what there is
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
