#!/usr/bin/env bash
# Installs what tests need beside the .NET SDK: idempotent, and quiet where everything is there.
#   tests/install.sh      into $DDM_TEST_TOOLS [default: ~/.cache/ddm-tests]
# Nothing is skipped for want of a tool: tests that need one fail and name this script.
set -uo pipefail

tools="${DDM_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ddm-tests}"
azurite_version=3.37.0 # tests look for this version: AzuriteProcess.cs

# Azurite, the blob store that runs on this machine. Built beside its place and moved there, so that half an installation is never found.
install_azurite() {
  local target="$tools/azurite-$azurite_version"
  [[ -f "$target/node_modules/azurite/dist/src/blob/main.js" ]] && return
  command -v npm >/dev/null || { echo "tests/install.sh: Azurite needs Node.js with npm: https://nodejs.org" >&2; return 1; }
  mkdir -p "$tools"
  local building
  building=$(mktemp -d "$tools/azurite.XXXXXX") || return 1
  if npm install --prefix "$building" --no-save --no-audit --no-fund --loglevel=error "azurite@$azurite_version" >/dev/null; then
    mv -T "$building" "$target" 2>/dev/null || rm -rf "$building" # another was first
  else
    rm -rf "$building"
    echo "tests/install.sh: npm could not install azurite $azurite_version" >&2
    return 1
  fi
}

install_azurite
