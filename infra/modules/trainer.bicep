// The expert trainers of a pool: jobs, which a scaler starts for messages and never ends; an app's busy replica may be picked when it scales in.
import { hardwareFacts, hostFacts, setting, secretsOf, profileOf, queueMetadata } from 'host.bicep'

param pool string
param location string
param tags object
param host hostFacts
param settings setting[]

@description('Of infra/pools.json.')
param hardware hardwareFacts

@description('Longest life in seconds.')
param replicaTimeout int

var name = 'expert-trainer-${pool}'
var queue = 'train.${pool}'
var days = replicaTimeout / 86400
var hours = padLeft(replicaTimeout % 86400 / 3600, 2, '0')
var minutes = padLeft(replicaTimeout % 3600 / 60, 2, '0')
var seconds = padLeft(replicaTimeout % 60, 2, '0')

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${host.identityId}': {} } }
  properties: {
    environmentId: host.environmentId
    workloadProfileName: profileOf(pool, hardware.Profile)
    configuration: {
      triggerType: 'Event'
      replicaTimeout: replicaTimeout
      replicaRetryLimit: 0 // the broker hands the message out again, not the platform
      registries: [{ server: host.registry, identity: host.identityId }]
      secrets: secretsOf(host.vaultUri, host.identityId, ['messaging', 'messaging-management'])
      eventTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
        scale: {
          minExecutions: 0
          maxExecutions: hardware.MaxReplicas
          pollingInterval: 30
          rules: [
            {
              // A replica that runs holds its message unacknowledged: it must count, for the platform takes running replicas off.
              name: 'messages'
              type: 'rabbitmq'
              metadata: queueMetadata(queue)
              auth: [{ secretRef: 'messaging-management', triggerParameter: 'host' }]
            }
            {
              // Where the management API cannot be reached: sees waiting messages alone, so that a pool grows later while others run. The larger of the two counts.
              name: 'waiting'
              type: 'rabbitmq'
              metadata: { queueName: queue, protocol: 'amqp', mode: 'QueueLength', value: '1' }
              auth: [{ secretRef: 'messaging', triggerParameter: 'host' }]
            }
          ]
        }
      }
    }
    template: {
      containers: [
        {
          name: name
          image: hardware.Cuda ? host.cudaImage : host.image
          command: ['dotnet', '/app/Ddm.ExpertTrainer.dll']
          resources: { cpu: json(hardware.Cpu), memory: hardware.Memory }
          env: concat(settings, [
            { name: 'Ddm__Pool', value: pool }
            { name: 'Ddm__ReplicaTimeout', value: '${days}.${hours}:${minutes}:${seconds}' }
            { name: 'Ddm__ExitWhenIdle', value: '00:01:00' }
            { name: 'Ddm__StopNotice', value: '00:00:20' } // the platform kills a job 30 s after SIGTERM
            { name: 'OTEL_SERVICE_NAME', value: name }
          ])
        }
      ]
    }
  }
}
