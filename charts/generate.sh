#!/bin/sh
# Copies into the chart what is made elsewhere: the CRDs of config/crd and the
# roles of config/rbac; and writes what the chart says twice. Helm reads no file outside of a chart's folder, and
# symbolic links get lost on the way through some of what installs charts.
set -eu
cd "$(dirname "$0")/.."

files=charts/oauth-operator/files
rm -rf "$files/crds" "$files/rbac"
mkdir -p "$files/crds" "$files/rbac"
cp config/crd/bases/*.yaml "$files/crds/"
cp config/rbac/controller/role.yaml "$files/rbac/controller.yaml"
cp config/rbac/server/role.yaml "$files/rbac/server.yaml"
cp config/rbac/people.yaml config/rbac/service_binding.yaml "$files/rbac/"

# The table of values in its README, and the schema of authorizationServer.spec.
(cd charts/oauth-operator && go run ../generate)
