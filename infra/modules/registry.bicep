// Where both images lie.
param name string
param location string
param tags object

@description('Principals that may pull.')
param pullers string[]

var acrPull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Premium' } // artifact streaming, which cold starts of large GPU images need
  properties: { adminUserEnabled: false, anonymousPullEnabled: false }
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for puller in pullers: {
    scope: registry
    name: guid(registry.id, puller, acrPull)
    properties: { principalId: puller, principalType: 'ServicePrincipal', roleDefinitionId: acrPull }
  }
]

output name string = registry.name
output endpoint string = registry.properties.loginServer
