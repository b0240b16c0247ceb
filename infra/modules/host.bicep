// Types that the modules share.
@export()
@description('What every service runs on.')
type hostFacts = {
  environmentId: string
  identityId: string
  @description('Address of the registry.')
  registry: string
  image: string
  cudaImage: string
  vaultUri: string
}

@export()
@description('A pool of infra/pools.json.')
type hardwareFacts = {
  @description('Type of the workload profile.')
  Profile: string
  @description('Cores of a replica.')
  Cpu: string
  Memory: string
  MaxReplicas: int
  @description('Whether it needs the image with CUDA.')
  Cuda: bool
}

@export()
@description('The workload profile of a pool: that of processors, or one of its own.')
func profileOf(pool string, profile string) string => profile == 'Consumption' ? 'Consumption' : pool

@export()
@description('An environment variable: a value, or the name of a secret.')
type setting = {
  name: string
  value: string?
  secretRef: string?
}

@export()
@description('Secrets of every service, by reference to the vault. KEDA reads the broker by the same.')
func secretsOf(vaultUri string, identityId string, names string[]) array =>
  map(names, name => { name: name, keyVaultUrl: '${vaultUri}secrets/${name}', identity: identityId })

@export()
@description('Ready and unacknowledged messages of a queue, one a replica: by the management API, for a message under way must count.')
func queueMetadata(queue string) object => {
  queueName: queue
  protocol: 'http'
  mode: 'QueueLength'
  value: '1'
}
