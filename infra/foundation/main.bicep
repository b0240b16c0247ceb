// What is there before any image is: registry, store, secrets, broker's login, and the environment with its GPU profiles.
targetScope = 'subscription'

@description('Of the azd environment; resources are named after it.')
@minLength(2)
@maxLength(20)
param environmentName string

@description('GPU profiles are to be had in some regions only: docs/azure.md.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Who deploys: may read and write blobs and secrets. Empty: nobody but the services.')
param principalId string = ''

@description('Password of the broker in the environment. KEDA takes none with special characters.')
@secure()
@metadata({ azd: { type: 'generate', config: { length: 32, noSpecial: true } } })
param brokerPassword string

@description('First key of the control plane.')
@secure()
@metadata({ azd: { type: 'generate', config: { length: 48, noSpecial: true } } })
param apiKey string

@description('First key of the gateway, which opens nothing else.')
@secure()
@metadata({ azd: { type: 'generate', config: { length: 48, noSpecial: true } } })
param gatewayKey string

@description('Key of the gateway at its expert hosts.')
@secure()
@metadata({ azd: { type: 'generate', config: { length: 48, noSpecial: true } } })
param expertsKey string

@description('Whether the environment encrypts what its apps say to each other. With expert hosts it should: TLS ends at the ingress before them.')
param encryptPeers bool = false

@description('False: a managed broker is used, and its two addresses are given.')
param ownBroker bool = true

@description('A managed broker: amqps://user:password@host/vhost.')
@secure()
param brokerAddress string = ''

@description('Its management API, with the login in it and a slash at the end: for the scaler.')
@secure()
param brokerManagement string = ''

var tags = { 'azd-env-name': environmentName }
var suffix = take(uniqueString(subscription().id, environmentName, location), 8)

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity '../modules/identity.bicep' = {
  scope: group
  params: { name: 'id-ddm-${suffix}', location: location, tags: tags }
}

module registry '../modules/registry.bicep' = {
  scope: group
  params: { name: 'crddm${suffix}', location: location, tags: tags, pullers: [identity.outputs.principalId] }
}

module store '../modules/store.bicep' = {
  scope: group
  params: { name: 'stddm${suffix}', location: location, tags: tags, servicePrincipal: identity.outputs.principalId, userPrincipal: principalId }
}

module sources '../modules/sources.bicep' = {
  scope: group
  params: { name: 'stsrc${suffix}', location: location, tags: tags }
}

module vault '../modules/vault.bicep' = {
  scope: group
  params: {
    name: 'kv-ddm-${suffix}'
    location: location
    tags: tags
    servicePrincipal: identity.outputs.principalId
    userPrincipal: principalId
    brokerPassword: brokerPassword
    brokerAddress: ownBroker ? 'amqp://ddm:${brokerPassword}@broker:5672/' : brokerAddress
    brokerManagement: ownBroker ? 'http://ddm:${brokerPassword}@broker:15672/' : brokerManagement
    apiKey: apiKey
    gatewayKey: gatewayKey
    expertsKey: expertsKey
  }
}

module environment '../modules/environment.bicep' = {
  scope: group
  params: {
    name: 'cae-ddm-${suffix}'
    location: location
    tags: tags
    sourcesAccount: sources.outputs.name
    sourcesShare: sources.outputs.share
    encryptPeers: encryptPeers
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_NAME string = registry.outputs.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.endpoint
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output DDM_ENVIRONMENT_NAME string = environment.outputs.name
output DDM_IDENTITY_NAME string = identity.outputs.name
output DDM_STORE_NAME string = store.outputs.name
output DDM_SOURCES_SHARE string = '${sources.outputs.name}/${sources.outputs.share}'
