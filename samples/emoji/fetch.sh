#!/usr/bin/env bash
# Fetches what this sample needs into samples/emoji/data (no part of the repository):
#   data/       3,786 emoji of Noto Emoji, 64 x 64 pixels, with captions and groups: npm package emoji-datasource-google 16.0.0 (MIT; pictures Apache License 2.0)
# Needs npm, with the node it comes with; the package comes from where npm is set up to fetch from. May be repeated: what is there stays.
set -euo pipefail
cd "$(dirname "$0")"

pictures=emoji-datasource-google version=16.0.0
pictures_sha256=fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438

for tool in npm node tar; do
  command -v "$tool" >/dev/null || { echo "fetch.sh: '$tool' is needed: npm, the node it comes with, and tar" >&2; exit 1; }
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Refuses a file whose content is not the one that this sample was made with.
require() {
  node -e '
    const [file, expected] = process.argv.slice(1);
    const found = require("crypto").createHash("sha256").update(require("fs").readFileSync(file)).digest("hex");
    if (found !== expected) { console.error(`fetch.sh: ${file} has sha256 ${found}, ${expected} was due`); process.exit(1); }' "$1" "$2"
}

if [ -f data/metadata.jsonl ]; then
  echo "data/ is there; remove it to fetch it again"
else
  echo "fetching the npm package $pictures $version"
  npm pack "$pictures@$version" --silent --pack-destination "$scratch" >/dev/null
  require "$scratch/$pictures-$version.tgz" "$pictures_sha256"
  tar -xzf "$scratch/$pictures-$version.tgz" -C "$scratch" package/emoji.json package/img/google/64
  node prepare.mjs "$scratch/package" data
fi
