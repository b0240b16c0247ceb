// RabbitMQ inside the environment. Without a volume: messages are wake-ups, and what a wiped broker loses the control plane sends again within minutes. A file share would
// be worse than none: RabbitMQ refuses its cookie on one.
param location string
param tags object
param environmentId string
param identityId string
param vaultUri string

resource broker 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'broker'
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      secrets: [{ name: 'messaging-password', keyVaultUrl: '${vaultUri}secrets/messaging-password', identity: identityId }]
      ingress: {
        external: false
        transport: 'tcp'
        targetPort: 5672
        exposedPort: 5672
        additionalPortMappings: [{ external: false, targetPort: 15672, exposedPort: 15672 }]
      }
    }
    template: {
      containers: [
        {
          name: 'rabbitmq'
          image: 'docker.io/library/rabbitmq:4.2-management'
          resources: { cpu: json('1'), memory: '2Gi' }
          env: [
            { name: 'RABBITMQ_DEFAULT_USER', value: 'ddm' }
            { name: 'RABBITMQ_DEFAULT_PASS', secretRef: 'messaging-password' }
          ]
          probes: [
            { type: 'Startup', tcpSocket: { port: 5672 }, periodSeconds: 5, failureThreshold: 30 }
            { type: 'Liveness', tcpSocket: { port: 5672 }, periodSeconds: 30, failureThreshold: 5 }
          ]
        }
      ]
      scale: { minReplicas: 1, maxReplicas: 1 }
    }
  }
}
