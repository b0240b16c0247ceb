// Draws pictures for whoever has its key: an app that requests start and, where nobody asks, nothing keeps. Queue, jobs and pictures lie in the store, so that a replica that goes takes nothing along.
import { hardwareFacts, hostFacts, setting, secretsOf, profileOf } from 'host.bicep'

param location string
param tags object
param host hostFacts
param settings setting[]

@description('Pool of infra/pools.json whose hardware it has.')
param pool string
param hardware hardwareFacts

@description('Addresses of its expert hosts. Empty: every expert is in it.')
param expertHosts string[]

@description('0: none is kept while nobody asks, and the first who does waits for a start.')
param minReplicas int
param maxReplicas int

@description('Where it is reached: what links to pictures begin with.')
param publicUrl string

@description('Where the control plane is reached.')
param controlPlaneUrl string

var name = 'inference-gateway'
var requestsOfAReplica = '16' // of the requests that step together; more wait for another replica, or in its queue

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
      secrets: secretsOf(host.vaultUri, host.identityId, empty(expertHosts) ? ['gateway-key'] : ['gateway-key', 'experts-key'])
      ingress: { external: true, targetPort: 8080, transport: 'auto', allowInsecure: false }
    }
    template: {
      terminationGracePeriodSeconds: 60
      containers: [
        {
          name: name
          image: hardware.Cuda ? host.cudaImage : host.image
          command: ['dotnet', '/app/Ddm.InferenceGateway.dll']
          resources: { cpu: json(hardware.Cpu), memory: hardware.Memory }
          env: concat(
            settings,
            [
              { name: 'Ddm__ApiKeys__0', secretRef: 'gateway-key' }
              { name: 'Ddm__Gateway__PublicUrl', value: publicUrl }
              { name: 'Ddm__Pages__Runs', value: controlPlaneUrl }
              { name: 'ASPNETCORE_FORWARDEDHEADERS_ENABLED', value: 'true' } // wrong keys are counted by who sent them, not by the ingress
              { name: 'OTEL_SERVICE_NAME', value: name }
            ],
            empty(expertHosts) ? [] : [{ name: 'Ddm__ExpertHosts__Key', secretRef: 'experts-key' }],
            map(range(0, length(expertHosts)), i => { name: 'Ddm__ExpertHosts__Addresses__${i}', value: expertHosts[i] })
          )
          probes: [
            { type: 'Startup', httpGet: { path: '/alive', port: 8080 }, periodSeconds: 5, failureThreshold: 24 }
            { type: 'Liveness', httpGet: { path: '/alive', port: 8080 }, periodSeconds: 30, failureThreshold: 3 }
            // Once its models are loaded: a request that woke it waits at the ingress until then.
            { type: 'Readiness', httpGet: { path: '/health', port: 8080 }, periodSeconds: 5, failureThreshold: 3 }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        cooldownPeriod: 600 // as long as Ddm:Gateway:Deadline: a job of which nobody asks is drawn all the same
        pollingInterval: 15
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: requestsOfAReplica } } }]
      }
    }
  }
}

output url string = 'https://${app.properties.configuration.ingress.fqdn}'
