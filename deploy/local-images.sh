# Sourced by the scripts that try images where nothing can be pulled: makes root file systems from the files of this machine. Expects to
# be in the root of the repository, after `npm ci`, on Linux.

# npm looks for its settings beside the Node that runs it, which is to be the machine's.
PATH=$(tr ':' '\n' <<<"$PATH" | grep -v node_modules | paste -sd:)

# engine_or_leave: leaves with exit code 77 where no engine answers. ENGINE=podman for podman; DOCKER_HOST counts.
engine=${ENGINE:-docker}
engine_or_leave() {
  "$engine" version >/dev/null 2>&1 && return
  echo "no container engine answers to \"$engine version\": $1"
  exit 77
}

# take ROOT FILE…: copies executables to the same path below the root, with the libraries that they load.
take() {
  local root=$1 file library
  shift
  for file in "$@"; do
    mkdir -p "$root$(dirname "$file")"
    cp --dereference "$file" "$root$file"
    { ldd "$file" 2>/dev/null || true; } | grep -oE '/[^ ]+' | while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp --dereference --update "$library" "$root$library"
    done
  done
}

# base_root ROOT: a shell, what Dockerfiles call, Node, and what glibc brings beyond what those load.
base_root() {
  local root=$1 command library libraries node
  node=$(readlink -f node_modules/.bin/node)
  mkdir -p "$root"/{etc,usr/bin,tmp,root,proc,sys,dev}
  chmod 1777 "$root/tmp"
  ln -s usr/bin "$root/bin"
  for command in sh env mkdir chown chmod cat setpriv; do take "$root" "/usr/bin/$command"; done
  take "$root" "$node"
  mv "$root$node" "$root/usr/bin/node"
  rm -rf "$root/${PWD#/}"
  libraries=$(ldd "$root/usr/bin/node" | grep -oE '/[^ ]+/libc\.so\.6' | xargs dirname)
  for library in librt.so.1 libutil.so.1 libresolv.so.2 libnss_dns.so.2 libnss_files.so.2; do
    take "$root" "$libraries/$library"
  done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
}

# add_npm ROOT: npm, and how it reaches its registry from here; its credentials, if any, stay outside.
add_npm() {
  local root=$1 home authorities
  home=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$root/usr/lib/node_modules"
  cp -r "$home" "$root/usr/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/bin/npx"
  authorities=$(npm config get cafile)
  if [ -f "$authorities" ]; then
    mkdir -p "$root$(dirname "$authorities")" "$root/usr/etc"
    cp --dereference "$authorities" "$root$authorities"
    echo "cafile=$authorities" >"$root/usr/etc/npmrc"
  fi
}

# image ROOT TAG [CHANGE…]: makes an image of a root file system; each change is an instruction of a Dockerfile.
image() {
  local root=$1 tag=$2 change changes=()
  shift 2
  for change in "$@"; do changes+=(--change "$change"); done
  tar -C "$root" -c . | "$engine" import "${changes[@]}" - "$tag" >/dev/null
}
