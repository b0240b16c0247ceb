#!/usr/bin/env bash
# Installs what tests need beside the .NET SDK: idempotent, and quiet where everything is there.
#   tests/install.sh      into $DDM_TEST_TOOLS [default: ~/.cache/ddm-tests], and by apt-get what is missing of Node.js and RabbitMQ
# Nothing is skipped for want of a tool: tests that need one fail and name this script.
set -uo pipefail

tools="${DDM_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ddm-tests}"
azurite_version=3.37.0 # tests look for this version: AzuriteProcess.cs
amqplib_version=2.3.1  # and for this one: NodeClient.cs
openai_version=6.30.1  # and for this one: OpenAiClientTests.cs
playwright_version=1.65.1 # and for this one: Chromium.cs
schemas_version=5.1.0  # and for these: ManifestTests.cs, QueryTests.cs
promql_version=0.315.0

install_debian() {
  local packages=("$@") become=()
  command -v apt-get >/dev/null || { echo "tests/install.sh: install ${packages[*]} by hand, there is no apt-get" >&2; return 1; }
  (( EUID == 0 )) || become=(sudo -n)
  "${become[@]}" apt-get update -qq >/dev/null
  # Tests start their own broker: the service that the package would start is not wanted.
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null \
    || { echo "tests/install.sh: apt-get could not install ${packages[*]}" >&2; return 1; }
}

# A package of npm with what it needs, and others beside it. Built beside its place and moved there, so that half an installation is never found.
install_npm() {
  local name=$1 version=$2 file=$3 target="$tools/$1-$2" building
  shift 3
  [[ -f "$target/node_modules/$name/$file" ]] && return
  command -v npm >/dev/null || install_debian nodejs npm || return 1
  mkdir -p "$(dirname "$target")"
  building=$(mktemp -d "$tools/$name.XXXXXX") || return 1
  if npm install --prefix "$building" --no-save --no-audit --no-fund --loglevel=error "$name@$version" "$@" >/dev/null; then
    mv -T "$building" "$target" 2>/dev/null || rm -rf "$building" # another was first
  else
    rm -rf "$building"
    echo "tests/install.sh: npm could not install $name $version" >&2
    return 1
  fi
}

failed=0
install_npm kubernetes-models "$schemas_version" package.json @kubernetes-models/keda@2.0.0 || failed=1 # the schemas of Kubernetes' objects and KEDA's
install_npm @prometheus-io/lezer-promql "$promql_version" package.json || failed=1 # the grammar of Prometheus' queries
install_npm azurite "$azurite_version" dist/src/blob/main.js || failed=1 # the blob store that runs on this machine
install_npm amqplib "$amqplib_version" package.json || failed=1          # a client of the broker in another language
install_npm openai "$openai_version" package.json || failed=1            # the client that the gateway answers
install_npm playwright-core "$playwright_version" package.json || failed=1 # what drives the browser
[[ -x /usr/bin/chromium ]] || install_debian chromium || failed=1         # the browser that looks at the pages
[[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || install_debian rabbitmq-server || failed=1
exit $failed
