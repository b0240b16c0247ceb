// Where the services run: one workload profile for processors, one for each pool of GPUs.
param name string
param location string
param tags object
param sourcesAccount string
param sourcesShare string
param encryptPeers bool

var pools = loadJsonContent('../pools.json').Pools
var gpuPools = filter(items(pools), pool => pool.value.Profile != 'Consumption')

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 }
}

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: { customerId: workspace.properties.customerId, sharedKey: workspace.listKeys().primarySharedKey }
    }
    peerTrafficConfiguration: { encryption: { enabled: encryptPeers } }
    // No counts of nodes: a GPU profile of this kind is refused with them.
    workloadProfiles: concat(
      [{ name: 'Consumption', workloadProfileType: 'Consumption' }],
      map(gpuPools, pool => { name: pool.key, workloadProfileType: pool.value.Profile })
    )
  }
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = { name: sourcesAccount }

resource mounted 'Microsoft.App/managedEnvironments/storages@2025-01-01' = {
  parent: environment
  name: 'sources'
  properties: {
    azureFile: { accountName: account.name, accountKey: account.listKeys().keys[0].value, shareName: sourcesShare, accessMode: 'ReadOnly' }
  }
}

output name string = environment.name
