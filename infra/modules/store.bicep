// The blobs that every service shares: the only truth of a run. By identity alone.
param name string
param location string
param tags object
param servicePrincipal string
param userPrincipal string

var contributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe') // Storage Blob Data Contributor
var principals = concat(
  [{ id: servicePrincipal, type: 'ServicePrincipal' }],
  empty(userPrincipal) ? [] : [{ id: userPrincipal, type: 'User' }]
)

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: { deleteRetentionPolicy: { enabled: true, days: 7 } }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: 'ddm'
  properties: { publicAccess: 'None' }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principal in principals: {
    scope: account
    name: guid(account.id, principal.id, contributor)
    properties: { principalId: principal.id, principalType: principal.type, roleDefinitionId: contributor }
  }
]

output name string = account.name
