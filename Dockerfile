# The builder runs on the machine's own platform and compiles for the target's:
# Go needs no emulation for that.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src

# The modules in a layer of their own: it lasts until a dependency changes.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" \
    -o /oauth-operator ./cmd/oauth-operator

# Nothing but the binary, the root certificates and an /etc/passwd: no shell to
# break into, no package to patch.
FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.title="oauth-operator" \
      org.opencontainers.image.description="OAuth 2.0 clients as Kubernetes resources, with the authorization server included" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /oauth-operator /oauth-operator

# By number, so that a Pod's runAsNonRoot can be checked without a user database.
USER 65532:65532
ENTRYPOINT ["/oauth-operator"]
