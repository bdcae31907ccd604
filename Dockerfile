# syntax=docker/dockerfile:1
# The image of `make image`, for those who have Docker: its files are made by the
# same program. docs/image.md says how the two compare.
#
# The builder runs on the machine's own platform and compiles for the target's:
# Go needs no emulation for that.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src

# The modules in a layer of their own: it lasts until a dependency changes.
COPY go.mod go.sum ./
COPY hack/image/go.mod hack/image/go.sum ./hack/image/
RUN --mount=type=cache,target=/go/pkg/mod go mod download && go -C hack/image mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" go -C hack/image run . rootfs -out /rootfs \
    -platforms "$TARGETOS/$TARGETARCH" -version "$VERSION" -revision "$REVISION"

# Nothing but what is named in hack/image/files.go: the program, the root
# certificates, two users and the licences. No shell to break into, no package to
# patch.
FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="oauth-operator" \
      org.opencontainers.image.description="OAuth 2.0 clients as Kubernetes resources, with the authorization server included" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.url="https://oauth-operator.dev" \
      org.opencontainers.image.source="https://oauth-operator.dev" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /rootfs/ /
WORKDIR /

# By number, so that a Pod's runAsNonRoot can be checked without a user database.
USER 65532:65532
ENTRYPOINT ["/oauth-operator"]
