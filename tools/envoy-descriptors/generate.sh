#!/bin/sh
# Remakes the descriptor set of the Envoy API from the Go module pinned in go.mod. Needs Go; run from anywhere.
set -eu
cd "$(dirname "$0")"
module=github.com/envoyproxy/go-control-plane/envoy
target=../../src/xds/envoy-api/descriptors/envoy-1.40.binpb

go mod download "$module"
source=$(go list -m -f '{{.Dir}}' "$module")
{
  printf 'package main\n\nimport (\n'
  (cd "$source" && find . -name '*.pb.go' ! -name '*.pb.validate.go' -path '*/v3/*') |
    sed -E 's|/[^/]*$||; s|^\./||' | LC_ALL=C sort -u | sed "s|.*|\t_ \"$module/&\"|"
  printf ')\n'
} >packages.go
go run . "$target"
gzip -9nf "$target"
rm packages.go
