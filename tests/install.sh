#!/usr/bin/env bash
# Installs what tests need beside the .NET SDK: idempotent, and quiet where everything is there.
#   tests/install.sh      into $DDM_TEST_TOOLS [default: ~/.cache/ddm-tests]
# Nothing is skipped for want of a tool: tests that need one fail and name this script.
set -uo pipefail

tools="${DDM_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ddm-tests}"
azurite_version=3.37.0 # tests look for this version: AzuriteProcess.cs
amqplib_version=2.3.1  # and for this one: NodeClient.cs

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

# RabbitMQ, the broker: Debian's. Tests start their own, so the service that the package would start is not wanted.
install_rabbitmq() {
  [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] && return
  command -v apt-get >/dev/null || { echo "tests/install.sh: install RabbitMQ 3.10 or newer, so that /usr/lib/rabbitmq/bin/rabbitmq-server is there" >&2; return 1; }
  local become=()
  (( EUID == 0 )) || become=(sudo -n)
  "${become[@]}" apt-get update -qq >/dev/null
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends rabbitmq-server >/dev/null \
    || { echo "tests/install.sh: apt-get could not install rabbitmq-server" >&2; return 1; }
}

# A client of the broker in another language.
install_amqplib() {
  local target="$tools/amqplib-$amqplib_version"
  [[ -f "$target/node_modules/amqplib/package.json" ]] && return
  command -v npm >/dev/null || { echo "tests/install.sh: amqplib needs Node.js with npm: https://nodejs.org" >&2; return 1; }
  mkdir -p "$tools"
  local building
  building=$(mktemp -d "$tools/amqplib.XXXXXX") || return 1
  if npm install --prefix "$building" --no-save --no-audit --no-fund --loglevel=error "amqplib@$amqplib_version" >/dev/null; then
    mv -T "$building" "$target" 2>/dev/null || rm -rf "$building" # another was first
  else
    rm -rf "$building"
    echo "tests/install.sh: npm could not install amqplib $amqplib_version" >&2
    return 1
  fi
}

failed=0
install_azurite || failed=1
install_rabbitmq || failed=1
install_amqplib || failed=1
exit $failed
