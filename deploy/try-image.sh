#!/usr/bin/env bash
# Builds the image on a root file system made from this machine, without pulling anything but npm packages, and runs it locked down:
# unprivileged, no capabilities, read-only, embedded PostgreSQL in a volume. Needs `npm ci`, Linux, and a running engine that `docker`
# reaches (DOCKER_HOST counts); set ENGINE=podman for podman. Where no engine answers it says so and leaves with exit code 77.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/local-images.sh
engine_or_leave 'the image was not tried'

tag=efms-try-$$
name=$tag
work=$(mktemp -d)
finish() {
  "$engine" rm --force --volumes "$name" >/dev/null 2>&1 || true
  "$engine" rmi --force "$tag" "$tag-base" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

echo "=== root file system"
base_root "$work/root"
add_npm "$work/root"
image "$work/root" "$tag-base"

echo "=== image"
DOCKER_BUILDKIT=0 "$engine" build --network host --file deploy/Dockerfile --tag "$tag" \
  --build-arg "BUILD_IMAGE=$tag-base" --build-arg "BASE_IMAGE=$tag-base" . >"$work/build.log" 2>&1 ||
  { tail -n 40 "$work/build.log"; exit 1; }
"$engine" images --format '{{.Repository}} {{.Size}}' | grep "^\(localhost/\)\?$tag "

echo "=== run"
"$engine" run --detach --name "$name" --network none --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges --env EFMS_ALLOW_PLAINTEXT=1 "$tag" >/dev/null
for _ in $(seq 60); do
  if "$engine" exec "$name" node deploy/healthcheck.mjs 2>/dev/null; then ready=1 && break; fi
  sleep 1
done
"$engine" logs "$name" 2>&1 | grep -v password
[ "${ready:-}" = 1 ] || { echo 'not ready within a minute'; exit 1; }
"$engine" exec "$name" node -p '`user ${process.getuid()}, Node ${process.versions.node}`'

echo "=== stop"
"$engine" stop --time 30 "$name" >/dev/null
status=$("$engine" inspect --format '{{.State.ExitCode}}' "$name")
echo "exit code $status"
[ "$status" = 0 ]
