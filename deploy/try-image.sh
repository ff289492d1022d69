#!/usr/bin/env bash
# Builds the image on a root file system made from this machine, without pulling anything but npm packages, and runs it locked down:
# unprivileged, no capabilities, read-only, embedded PostgreSQL in a volume. Needs `npm ci`, Linux, and a running engine that `docker`
# reaches (DOCKER_HOST counts); set ENGINE=podman for podman. Where no engine answers it says so and leaves with exit code 77.
set -euo pipefail
cd "$(dirname "$0")/.."

# npm looks for its settings beside the Node that runs it, which is to be the machine's.
PATH=$(tr ':' '\n' <<<"$PATH" | grep -v node_modules | paste -sd:)
engine=${ENGINE:-docker}
if ! "$engine" version >/dev/null 2>&1; then
  echo "no container engine answers to \"$engine version\": the image was not tried"
  exit 77
fi

tag=efms-try-$$
name=$tag
work=$(mktemp -d)
finish() {
  "$engine" rm --force --volumes "$name" >/dev/null 2>&1 || true
  "$engine" rmi --force "$tag" "$tag-base" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

# take FILE…: copies executables to the same path below the root, with the libraries that they load.
root=$work/root
take() {
  local file library
  for file in "$@"; do
    mkdir -p "$root$(dirname "$file")"
    cp --dereference "$file" "$root$file"
    { ldd "$file" 2>/dev/null || true; } | grep -oE '/[^ ]+' | while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp --dereference --update "$library" "$root$library"
    done
  done
}

echo "=== root file system"
mkdir -p "$root"/{etc,usr/bin,tmp,root,proc,sys,dev}
chmod 1777 "$root/tmp"
ln -s usr/bin "$root/bin"
for command in sh env mkdir chown chmod cat setpriv; do take "/usr/bin/$command"; done
take "$(readlink -f node_modules/.bin/node)"
mv "$root$(readlink -f node_modules/.bin/node)" "$root/usr/bin/node"
rm -rf "$root/${PWD#/}"
# What glibc brings beyond what the executables above load.
libraries=$(ldd "$root/usr/bin/node" | grep -oE '/[^ ]+/libc\.so\.6' | xargs dirname)
for library in librt.so.1 libutil.so.1 libresolv.so.2 libnss_dns.so.2 libnss_files.so.2; do take "$libraries/$library"; done
npm_home=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
mkdir -p "$root/usr/lib/node_modules"
cp -r "$npm_home" "$root/usr/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/bin/npx"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
# How npm reaches its registry from here; its credentials, if any, stay outside.
authorities=$(npm config get cafile)
if [ -f "$authorities" ]; then
  mkdir -p "$root$(dirname "$authorities")" "$root/usr/etc"
  cp --dereference "$authorities" "$root$authorities"
  echo "cafile=$authorities" >"$root/usr/etc/npmrc"
fi
tar -C "$root" -c . | "$engine" import - "$tag-base" >/dev/null

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
