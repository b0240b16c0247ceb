// A service that works on processors: an app that scales with its queues, to none where nothing waits.
import { hostFacts, setting, secretsOf, queueMetadata } from 'host.bicep'

param name string
param location string
param tags object
param host hostFacts

@description('The program in the image.')
param program string

param settings setting[]

@description('Whether it answers from outside.')
param isPublic bool = false

@description('Whether it sees the source files.')
param readsSources bool = false

@description('The queues that it is started for.')
param queues string[] = []

param cpu string = '1'
param memory string = '2Gi'
param minReplicas int = 0
param maxReplicas int

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${host.identityId}': {} } }
  properties: {
    environmentId: host.environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      registries: [{ server: host.registry, identity: host.identityId }]
      secrets: secretsOf(host.vaultUri, host.identityId, isPublic ? ['messaging', 'messaging-management', 'api-key'] : ['messaging', 'messaging-management'])
      ingress: isPublic ? { external: true, targetPort: 8080, transport: 'auto', allowInsecure: false } : null
    }
    template: {
      // The running slice may commit within Ddm:StopNotice, 20 s; the rest is slack.
      terminationGracePeriodSeconds: 60
      containers: [
        {
          name: name
          image: host.image
          command: ['dotnet', '/app/${program}.dll']
          resources: { cpu: json(cpu), memory: memory }
          env: concat(
            settings,
            [{ name: 'OTEL_SERVICE_NAME', value: name }],
            isPublic ? [{ name: 'ASPNETCORE_FORWARDEDHEADERS_ENABLED', value: 'true' }] : [] // wrong keys are counted by who sent them, not by the ingress
          )
          probes: [
            { type: 'Startup', httpGet: { path: '/alive', port: 8080 }, periodSeconds: 5, failureThreshold: 24 }
            { type: 'Liveness', httpGet: { path: '/alive', port: 8080 }, periodSeconds: 30, failureThreshold: 3 }
            { type: 'Readiness', httpGet: { path: '/health', port: 8080 }, periodSeconds: 10, failureThreshold: 3 }
          ]
          volumeMounts: readsSources ? [{ volumeName: 'sources', mountPath: '/sources' }] : []
        }
      ]
      volumes: readsSources ? [{ name: 'sources', storageType: 'AzureFile', storageName: 'sources' }] : []
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        cooldownPeriod: 300
        pollingInterval: 15
        rules: map(queues, queue => {
          name: replace(queue, '.', '-')
          custom: {
            type: 'rabbitmq'
            metadata: queueMetadata(queue)
            auth: [{ secretRef: 'messaging-management', triggerParameter: 'host' }]
          }
        })
      }
    }
  }
}

output url string = isPublic ? 'https://${app.properties.configuration.ingress.fqdn}' : ''
