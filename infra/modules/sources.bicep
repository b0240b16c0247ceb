// The pictures and published weights that specs name. A share, for the services read files; it cannot be mounted without the account's key, so the account is not the store's.
param name string
param location string
param tags object

var shareName = 'sources'

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: { allowBlobPublicAccess: false, allowSharedKeyAccess: true, minimumTlsVersion: 'TLS1_2', supportsHttpsTrafficOnly: true }
}

resource files 'Microsoft.Storage/storageAccounts/fileServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource share 'Microsoft.Storage/storageAccounts/fileServices/shares@2024-01-01' = {
  parent: files
  name: shareName
}

output name string = account.name
output share string = share.name
