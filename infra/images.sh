#!/bin/sh
# Builds both images and pushes them into the registry that azd made; needs the .NET SDK and the Azure CLI, but no container runtime.
#   infra/images.sh        by azd after its layer "foundation", or by hand: AZURE_CONTAINER_REGISTRY_NAME, AZURE_CONTAINER_REGISTRY_ENDPOINT
# Images are tagged with the commit; those that are there already are left alone.
set -eu
cd "$(dirname "$0")/.."

registry=${AZURE_CONTAINER_REGISTRY_NAME:?is set by azd: run azd up}
endpoint=${AZURE_CONTAINER_REGISTRY_ENDPOINT:?is set by azd: run azd up}
tag=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] || tag="$tag-$(date -u +%Y%m%d%H%M%S)" # what is not committed has no name of its own

# The user name that the registry wants beside a token.
DOTNET_CONTAINER_REGISTRY_UNAME=00000000-0000-0000-0000-000000000000
DOTNET_CONTAINER_REGISTRY_PWORD=$(az acr login --name "$registry" --expose-token --query accessToken --output tsv)
export DOTNET_CONTAINER_REGISTRY_UNAME DOTNET_CONTAINER_REGISTRY_PWORD

there=$(az acr repository show-tags --name "$registry" --repository ddm --output tsv 2>/dev/null || true)
for backend in cpu cuda; do
  if printf '%s\n' "$there" | grep -qx "$tag-$backend"; then
    continue
  fi
  dotnet publish src/services/Ddm.Image -c Release -t:PublishContainer -p:TorchBackend=$backend -p:ImageTag="$tag" -p:ContainerRegistry="$endpoint" --nologo
done
azd env set DDM_IMAGE_TAG "$tag"
