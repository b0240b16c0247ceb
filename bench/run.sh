#!/usr/bin/env bash
# Runs each benchmark beside its peer in one sitting and writes docs/benchmarks.md.
#   bench/run.sh                 all of them
#   bench/run.sh NAME...         these alone; their sections in docs/benchmarks.md are replaced, the others stay
#   bench/run.sh --list          what there is
# Close everything else first: every figure is a ratio of rounds that took turns, but a busy machine still blurs it.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v dotnet >/dev/null || { echo "bench/run.sh: the .NET 10 SDK is needed: https://dotnet.microsoft.com/download" >&2; exit 1; }
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# The peers, from Debian or Ubuntu; skipped where they are there already, or where nothing that is asked for has one.
peers=()
if (( $# == 0 )) || [[ " $* " =~ \ (kmeans|matmul|training-step)\  ]]; then
  peers=(python3-torch libopenblas0-pthread python3-faiss python3-sklearn python3-threadpoolctl)
fi

missing=()
for package in "${peers[@]}"; do
  [[ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" == "install ok installed" ]] || missing+=("$package")
done
if (( ${#missing[@]} > 0 )); then
  command -v apt-get >/dev/null || { echo "bench/run.sh: the peers need Debian's packages: ${missing[*]}" >&2; exit 1; }
  as_root=(); (( EUID == 0 )) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
fi

# RabbitMQ and Azurite, where the tests have them.
if (( $# == 0 )) || [[ " $* " == *" overhead "* ]]; then
  tests/install.sh
  tools="${DDM_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ddm-tests}"
  for azurite in "$tools"/azurite-*/node_modules/.bin/azurite-blob; do
    [[ -x "$azurite" ]] && export DDM_AZURITE="${DDM_AZURITE:-$azurite}"
  done
fi

dotnet build bench/Ddm.Bench -c Release -v quiet --nologo
exec bench/Ddm.Bench/bin/Release/net10.0/Ddm.Bench "$@"
