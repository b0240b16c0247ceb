// The services, from images that are in the registry by now. Nothing is public but the control plane and the gateway, which ask for keys.
import { hardwareFacts } from '../modules/host.bicep'

targetScope = 'resourceGroup'

param location string = resourceGroup().location

@description('Of the azd environment.')
param environmentName string

param containerEnvironmentName string
param identityName string
param registryName string
param storeName string
param vaultName string

@description('Tag of both images: infra/images.sh pushes them under the commit they were built from.')
param imageTag string

@description('False: a managed broker is used.')
param ownBroker bool = true

@description('Where traces, metrics and logs go, for instance http://collector:4317. Empty: nowhere but the environment\'s own log.')
param otlpEndpoint string = ''

@description('Longest life of an expert trainer in seconds. It takes nothing new after four fifths of it.')
@minValue(600)
@maxValue(86400)
param replicaTimeout int = 21600

@description('Pool of infra/pools.json whose hardware the gateway has: one with a GPU draws faster and costs more.')
param gatewayPool string = 'cpu'

@description('Replicas of the gateway that stay while nobody asks. 0: none, and the first who asks waits for a start.')
@minValue(0)
param gatewayMinReplicas int = 0

@description('Replicas of the gateway at most.')
@minValue(1)
param gatewayMaxReplicas int = 1

@description('Where the gateway is reached, if by a domain of its own. Empty: the one that the environment gives it.')
param gatewayUrl string = ''

@description('Published model whose experts are on hosts of their own, for they do not fit into the gateway. Empty: every expert is in the gateway.')
param expertHostsModel string = ''

@description('How many hosts share the experts.')
@minValue(1)
@maxValue(64)
param expertHostsCount int = 2

@description('Pool of infra/pools.json whose hardware each of them has.')
param expertHostsPool string = 'cpu'

var pools { *: hardwareFacts } = loadJsonContent('../pools.json').Pools
var tags = { 'azd-env-name': environmentName }

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' existing = { name: containerEnvironmentName }
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = { name: identityName }
resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = { name: registryName }
resource store 'Microsoft.Storage/storageAccounts@2024-01-01' existing = { name: storeName }
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = { name: vaultName }

// What every service runs on.
var host = {
  environmentId: environment.id
  identityId: identity.id
  registry: registry.properties.loginServer
  image: '${registry.properties.loginServer}/ddm:${imageTag}-cpu'
  cudaImage: '${registry.properties.loginServer}/ddm:${imageTag}-cuda'
  vaultUri: vault.properties.vaultUri
}

// What whoever needs the store alone is told.
var storeSettings = concat(
  [
    { name: 'ConnectionStrings__blobs', value: '${store.properties.primaryEndpoints.blob}ddm' }
    { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
    { name: 'AZURE_TOKEN_CREDENTIALS', value: 'ManagedIdentityCredential' }
  ],
  empty(otlpEndpoint) ? [] : [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: otlpEndpoint }]
)

// What every service of the broker is told.
var settings = concat(
  storeSettings,
  [{ name: 'ConnectionStrings__messaging', secretRef: 'messaging' }],
  ownBroker ? [{ name: 'Ddm__BrokerManagement', value: 'http://broker:15672' }] : []
)

// Pages of control plane and gateway link to each other, so that neither can wait for the other's address.
var domain = environment.properties.defaultDomain
var controlPlaneUrl = 'https://control-plane.${domain}'
var publicUrl = empty(gatewayUrl) ? 'https://inference-gateway.${domain}' : gatewayUrl

module broker '../modules/broker.bicep' = if (ownBroker) {
  params: { location: location, tags: tags, environmentId: environment.id, identityId: identity.id, vaultUri: vault.properties.vaultUri }
}

module controlPlane '../modules/service.bicep' = {
  params: {
    name: 'control-plane'
    location: location
    tags: tags
    host: host
    program: 'Ddm.ControlPlane'
    settings: concat(settings, [
      { name: 'Ddm__ApiKeys__0', secretRef: 'api-key' }
      { name: 'Ddm__SourceRoots__0', value: '/sources' }
      { name: 'Ddm__Pages__Playground', value: publicUrl }
    ])
    isPublic: true
    readsSources: true
    minReplicas: 1
    maxReplicas: 2 // of several one looks at a run at a time, the other stands by
  }
}

module featureExtractor '../modules/service.bicep' = {
  params: {
    name: 'feature-extractor'
    location: location
    tags: tags
    host: host
    program: 'Ddm.FeatureExtractor'
    settings: settings
    readsSources: true
    queues: ['ingest', 'features']
    cpu: '4'
    memory: '8Gi'
    maxReplicas: 4
  }
}

module clusterer '../modules/service.bicep' = {
  params: {
    name: 'clusterer'
    location: location
    tags: tags
    host: host
    program: 'Ddm.Clusterer'
    settings: settings
    queues: ['clustering']
    cpu: '4'
    memory: '8Gi'
    maxReplicas: 2
  }
}

module routerTrainer '../modules/service.bicep' = {
  params: {
    name: 'router-trainer'
    location: location
    tags: tags
    host: host
    program: 'Ddm.RouterTrainer'
    settings: settings
    queues: ['train.router', 'publishing']
    cpu: '4'
    memory: '8Gi'
    maxReplicas: 1 // of several the platform would pick any to end
  }
}

module trainers '../modules/trainer.bicep' = [
  for item in items(pools): {
    name: 'trainer-${item.key}'
    params: {
      pool: item.key
      location: location
      tags: tags
      host: host
      settings: settings
      hardware: item.value
      replicaTimeout: replicaTimeout
    }
  }
]

var shares = empty(expertHostsModel) ? [] : range(1, expertHostsCount)

module expertHosts '../modules/expert-host.bicep' = [
  for share in shares: {
    name: 'expert-host-${share}'
    params: {
      location: location
      tags: tags
      host: host
      settings: storeSettings
      pool: expertHostsPool
      hardware: pools[expertHostsPool]
      model: expertHostsModel
      share: share
      shares: expertHostsCount
      minReplicas: min(gatewayMinReplicas, 1)
    }
  }
]

module gateway '../modules/gateway.bicep' = {
  params: {
    location: location
    tags: tags
    host: host
    settings: storeSettings
    pool: gatewayPool
    hardware: pools[gatewayPool]
    expertHosts: map(shares, share => 'https://expert-host-${share}.internal.${domain}')
    minReplicas: gatewayMinReplicas
    maxReplicas: gatewayMaxReplicas
    publicUrl: publicUrl
    controlPlaneUrl: controlPlaneUrl
  }
}

output CONTROL_PLANE_URL string = controlPlane.outputs.url
output GATEWAY_URL string = gateway.outputs.url
