// Secrets, which the services name and never hold in their definitions.
param name string
param location string
param tags object
param servicePrincipal string
param userPrincipal string

@secure()
param brokerPassword string

@secure()
param brokerAddress string

@secure()
param brokerManagement string

@secure()
param apiKey string

@secure()
param gatewayKey string

@secure()
param expertsKey string

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')
var principals = concat(
  [{ id: servicePrincipal, type: 'ServicePrincipal' }],
  empty(userPrincipal) ? [] : [{ id: userPrincipal, type: 'User' }]
)

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
  }
}

resource password 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'messaging-password'
  properties: { value: brokerPassword }
}

resource address 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'messaging'
  properties: { value: brokerAddress }
}

resource management 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'messaging-management'
  properties: { value: brokerManagement }
}

resource key 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'api-key'
  properties: { value: apiKey }
}

resource keyOfGateway 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'gateway-key'
  properties: { value: gatewayKey }
}

resource keyOfHosts 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'experts-key'
  properties: { value: expertsKey }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principal in principals: {
    scope: vault
    name: guid(vault.id, principal.id, secretsUser)
    properties: { principalId: principal.id, principalType: principal.type, roleDefinitionId: secretsUser }
  }
]

output name string = vault.name
