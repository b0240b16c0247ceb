// The services, from images that are in the registry by now. Nothing is public but the control plane, which asks for a key.
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

type pool = {
  @description('Type of the workload profile.')
  Profile: string
  @description('Cores of a replica.')
  Cpu: string
  Memory: string
  MaxReplicas: int
  @description('Whether it needs the image with CUDA.')
  Cuda: bool
}

var pools { *: pool } = loadJsonContent('../pools.json').Pools
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

// What every service is told.
var settings = concat(
  [
    { name: 'ConnectionStrings__messaging', secretRef: 'messaging' }
    { name: 'ConnectionStrings__blobs', value: '${store.properties.primaryEndpoints.blob}ddm' }
    { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
    { name: 'AZURE_TOKEN_CREDENTIALS', value: 'ManagedIdentityCredential' }
  ],
  ownBroker ? [{ name: 'Ddm__BrokerManagement', value: 'http://broker:15672' }] : [],
  empty(otlpEndpoint) ? [] : [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: otlpEndpoint }]
)

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

output CONTROL_PLANE_URL string = controlPlane.outputs.url
