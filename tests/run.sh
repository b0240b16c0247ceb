#!/usr/bin/env bash
# Builds everything that is tested and runs every test project, one at a time.
#   tests/run.sh          what a change must pass (at most 12 minutes on two cores)
#   tests/run.sh --full   the long tests too
# The last line is "N passed, N failed, N skipped"; the exit code is 0 only if none failed.
set -uo pipefail
cd "$(dirname "$0")/.."

full=false
for argument in "$@"; do
  case "$argument" in
    --full) full=true ;;
    *) echo "tests/run.sh: unknown argument '$argument' (known: --full)" >&2; exit 2 ;;
  esac
done

command -v dotnet >/dev/null || { echo "tests/run.sh: the .NET 10 SDK is needed: https://dotnet.microsoft.com/download" >&2; exit 1; }
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

tests/install.sh # what it cannot install fails the tests that need it

if ! dotnet build tests/Services.slnf -c Release -v quiet --nologo; then
  echo "the build failed" >&2
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

# Long tests take minutes each, or show once more what a shorter one shows: they are left out here by their trait, also single rows of a theory, and counted nowhere.
only=(-trait- "Category=Long")
$full && only=()

# A project that takes longer hangs: it is ended, its last words say in which tests, and the others still run.
longest=15m
$full && longest=90m

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for project in tests/*.Tests/; do
  name=$(basename "$project")
  started=$SECONDS
  # What a shell starts with & ignores Ctrl+C, and so would all that tests start.
  env --default-signal=INT,QUIT timeout --foreground -k 30 "$longest" "$project/bin/Release/net10.0/$name" -noLogo -noColor -preEnumerateTheories -longRunning 120 "${only[@]}" >"$log" 2>&1 &
  runner=$!
  tail -n +1 -s 0.2 -f --pid=$runner "$log" | grep --line-buffered -vE '^ *(Discover|Start|Finish)'
  wait $runner
  code=$?
  summary=$(grep -oE 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$log" | tail -n 1)
  if [[ "$summary" =~ Total:\ ([0-9]+),\ Errors:\ ([0-9]+),\ Failed:\ ([0-9]+),\ Skipped:\ ([0-9]+) ]]; then
    bad=$((BASH_REMATCH[2] + BASH_REMATCH[3]))
    skipped=$((skipped + BASH_REMATCH[4]))
    passed=$((passed + BASH_REMATCH[1] - BASH_REMATCH[3] - BASH_REMATCH[4]))
  elif (( code == 0 )) && grep -qE 'Total: 0$' "$log"; then
    bad=0 # every test of it is a long one
  else
    bad=1
    echo "$name ended without a summary (exit code $code; 124 and 137: after $longest)" >&2
  fi
  # A runner that fails without a failed test (a crash at exit, say) has failed all the same.
  (( code != 0 && bad == 0 )) && bad=1
  failed=$((failed + bad))
  echo "-- $name: $((SECONDS - started)) s"
done

echo "$passed passed, $failed failed, $skipped skipped"
(( failed == 0 ))
