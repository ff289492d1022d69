#!/usr/bin/env bash
# Shows on a clean clone what the README promises: `npm ci && npm start` serves, the second start is ready in under 5 s, Ctrl-C
# leaves neither process nor lock. Usage: tools/prove-fresh-start.sh [USER [NODE_BIN_FOLDER]], as root when USER is given.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
user=${1:-$(id -un)}
node_bin=${2:-}
place=$(mktemp -d /tmp/efms-fresh-XXXXXX)
trap 'rm -rf "$place"' EXIT
git clone -q "$repository" "$place/efms"
chmod 755 "$place"
[ "$user" = "$(id -un)" ] || chown -R "$user" "$place"

as_user() {
  local path=${node_bin:+$node_bin:}$PATH
  if [ "$user" = "$(id -un)" ]; then PATH=$path HOME=$place bash -c "cd $place/efms && $1"
  else setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups env PATH="$path" HOME="$place" bash -c "cd $place/efms && $1"; fi
}

echo "user $user, node $(as_user 'node -v'), npm $(as_user 'npm -v')"
# The registry settings of this machine, if it has any, are the machine's and not the project's.
if [ -f ~/.npmrc ]; then cp ~/.npmrc "$place/.npmrc"; chown "$user" "$place/.npmrc"; fi
as_user 'npm ci --no-audit --no-fund --loglevel=error'

for round in first second; do
  log=$place/$round.log
  export EFMS_HTTP_PORT=18480 EFMS_XDS_PORT=18400
  as_user 'exec setsid npm start' >"$log" 2>&1 &
  starter=$!
  for _ in $(seq 600); do grep -q 'EFMS is ready' "$log" && break; sleep 0.1; done
  grep 'EFMS is ready' "$log" || { cat "$log"; exit 1; }
  curl -sf http://127.0.0.1:18480/health/ready >/dev/null && echo "$round start: ready answers 200"
  group=$(pgrep -f "$place/efms|npm start" | head -n 1)
  # Ctrl-C: the terminal sends SIGINT to the whole process group.
  kill -INT -- "-$(ps -o pgid= -p "$group" | tr -d ' ')"
  wait "$starter" || true
  for _ in $(seq 100); do pgrep -f "$place/efms" >/dev/null || break; sleep 0.1; done
  if pgrep -af "$place/efms"; then echo "processes are left"; exit 1; fi
  if [ -e "$place/efms/.data/pg/postmaster.pid" ] || [ -e "$place/efms/.data/efms.lock" ]; then echo "a lock is left"; exit 1; fi
  echo "$round stop: no process, no lock"
done
