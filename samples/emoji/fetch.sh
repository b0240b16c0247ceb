#!/usr/bin/env bash
# Fetches what this sample needs into samples/emoji/data and samples/emoji/weights (neither is part of the repository):
#   data/       3,786 emoji of Noto Emoji, 64 x 64 pixels, with captions and groups: npm package emoji-datasource-google 16.0.0 (MIT; pictures Apache License 2.0)
#   weights/    ResNet-18, trained on ImageNet, as ONNX: NuGet package Microsoft.ML.DnnImageFeaturizer.ResNet18 0.23.1 (MIT)
# Needs npm, with the node it comes with, and the .NET 10 SDK; both packages come through their clients' own sources. May be repeated: what is there stays.
set -euo pipefail
cd "$(dirname "$0")"

pictures=emoji-datasource-google version=16.0.0
pictures_sha256=fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438
network=Microsoft.ML.DnnImageFeaturizer.ResNet18 network_version=0.23.1
network_sha256=e2552f19db2dfdb01b3669537b6a0f1b44da38d18279535492ed5dfc2ef1ff8f

for tool in npm node tar dotnet; do
  command -v "$tool" >/dev/null || { echo "fetch.sh: '$tool' is needed: npm and node (https://nodejs.org), the .NET 10 SDK, tar" >&2; exit 1; }
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

if [ -f weights/ResNet18.onnx ] && [ -f weights/ResNet18.json ]; then
  echo "weights/ is there; remove it to fetch it again"
else
  echo "fetching the NuGet package $network $network_version"
  dotnet package download "$network@$network_version" --output "$scratch" --verbosity quiet
  model=$(find "$scratch" -name ResNet18.onnx)
  require "$model" "$network_sha256"
  mkdir -p weights
  # What the network was trained behind, as the package's own ResNetPreprocess.onnx has it: blue first, values to 255, the mean of its mean image taken off.
  cat > weights/ResNet18.json <<'JSON'
{ "image_size": 224, "resize": 224, "channels": "bgr", "scale": 255, "mean": [103.06, 115.90, 123.15], "std": [1, 1, 1] }
JSON
  cat "$model" > weights/ResNet18.onnx.part
  mv weights/ResNet18.onnx.part weights/ResNet18.onnx
  echo "weights/ResNet18.onnx: features: { encoder: onnx, weights: samples/emoji/weights/ResNet18.onnx }"
fi
