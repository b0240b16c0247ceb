// Holds a share of a published model's experts and answers the gateway alone: gRPC inside the environment, behind a key. TLS ends at the ingress before it.
import { hardwareFacts, hostFacts, setting, secretsOf, profileOf } from 'host.bicep'

param location string
param tags object
param host hostFacts
param settings setting[]

@description('Pool of infra/pools.json whose hardware it has.')
param pool string
param hardware hardwareFacts

@description('The published model.')
param model string

@description('Which share of its experts, from 1.')
param share int

@description('Of how many.')
param shares int

@description('0: none is kept while no gateway asks.')
param minReplicas int

var name = 'expert-host-${share}'
var port = 5095

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${host.identityId}': {} } }
  properties: {
    environmentId: host.environmentId
    workloadProfileName: profileOf(pool, hardware.Profile)
    configuration: {
      activeRevisionsMode: 'Single'
      registries: [{ server: host.registry, identity: host.identityId }]
      secrets: secretsOf(host.vaultUri, host.identityId, ['experts-key'])
      ingress: { external: false, targetPort: port, transport: 'http2', allowInsecure: false }
    }
    template: {
      terminationGracePeriodSeconds: 60
      containers: [
        {
          name: name
          image: hardware.Cuda ? host.cudaImage : host.image
          command: ['dotnet', '/app/Ddm.ExpertHost.dll']
          resources: { cpu: json(hardware.Cpu), memory: hardware.Memory }
          env: concat(settings, [
            { name: 'Ddm__ApiKeys__0', secretRef: 'experts-key' }
            { name: 'Ddm__ExpertHost__Model', value: model }
            { name: 'Ddm__ExpertHost__Experts', value: '${share}/${shares}' }
            { name: 'Ddm__ExpertHost__Listen', value: 'http://0.0.0.0:${port}' }
            { name: 'Ddm__ExpertHost__Plain', value: 'true' } // between ingress and replica: encryptPeers of infra/foundation
            { name: 'OTEL_SERVICE_NAME', value: name }
          ])
          probes: [
            { type: 'Startup', httpGet: { path: '/alive', port: 8080 }, periodSeconds: 5, failureThreshold: 24 }
            { type: 'Liveness', httpGet: { path: '/alive', port: 8080 }, periodSeconds: 30, failureThreshold: 3 }
            { type: 'Readiness', httpGet: { path: '/health', port: 8080 }, periodSeconds: 5, failureThreshold: 3 }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: 1 // a second would hold the same experts
        cooldownPeriod: 600
        pollingInterval: 15
        // A gateway looks every second whether it is there: it stays while one does.
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '16' } } }]
      }
    }
  }
}
