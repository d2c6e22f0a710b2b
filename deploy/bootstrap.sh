# Installs what deploy/demo and tests/run need; sourced by both. Works on a minimal Debian 12 or 13 and again where it ran before.
# Debian packages only as root; Python packages only into a virtual environment, only at the hashes of requirements/.
# shellcheck shell=bash

# need_packages PACKAGE...: install what is missing of these Debian packages. Their services are not started: the demo and
# the tests run programs of their own on ports of their own.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "not root, so these Debian packages are not installed: ${missing[*]}" >&2
    return 0
  fi
  echo "installing ${missing[*]}"
  local policy=/usr/sbin/policy-rc.d ours=no log
  log=$(mktemp)
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=yes
  fi
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    [ "$ours" = no ] || rm -f "$policy"
    echo "apt-get could not install ${missing[*]}; its last words are above" >&2
    return 1
  fi
  [ "$ours" = no ] || rm -f "$policy"
  rm -f "$log"
}

# choose_python: print a Python of a version that the locks are made for; $PYTHON goes before python3.
choose_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.11 python3.12 python3.13 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "no Python 3.11, 3.12 or 3.13 with venv found; as root this installs it, else ask for the package python3-venv" >&2
  return 1
}

# need_venv FOLDER LOCK: a virtual environment with exactly what LOCK (a file of requirements/) names. Nothing is resolved
# (--no-deps), so a release of tomorrow cannot matter; pip check tells what a lock forgot.
need_venv() {
  local folder=$1 lock=$2 python stamp
  python=$(choose_python) || return 1
  stamp="$("$python" -V) $(sha256sum <"$lock")"
  if [ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ]; then
    echo "making $folder from $lock with $("$python" -V)"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r "$lock"
    "$folder/bin/python" -m pip check --disable-pip-version-check
    echo "$stamp" >"$folder/.stamp"
  fi
}

# need_project FOLDER: build the wheel of this checkout and install it into the virtual environment.
need_project() {
  local folder=$1 dist=.work/dist
  rm -rf "$dist"
  "$folder/bin/python" -m hatchling build -t wheel -d "$dist" >/dev/null
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-index --force-reinstall "$dist"/*.whl
}
