using Aspire.Hosting.Azure;
using Azure.Provisioning.AppContainers;
using Ddm.Services;

namespace DdmAspire.AppHost;

/// <summary>
/// The same diagram for <c>aspire publish</c>: services as container apps, expert trainers as jobs that a scaler starts for messages. What <c>azd up</c> deploys is infra/,
/// kept by hand; a test holds that both name the same things.
/// </summary>
internal static class ContainerApps
{
    private const int ReplicaTimeout = 21600; // seconds
    private const string ScalerSecret = "messaging-management";
    private const string RequestsOfAReplica = "16";

    /// <summary>Says what becomes what.</summary>
    public static void Publish(
        IDistributedApplicationBuilder builder, SharedResources shared, IReadOnlyList<IResourceBuilder<ProjectResource>> services, IReadOnlyDictionary<Pool, IResourceBuilder<ProjectResource>> trainers)
    {
        builder.AddAzureContainerAppEnvironment("ddm").WithAzdResourceNaming().ConfigureInfrastructure(infra =>
        {
            var environment = infra.GetProvisionableResources().OfType<ContainerAppManagedEnvironment>().Single();
            foreach (var pool in trainers.Keys.Where(pool => pool.Profile != Pool.Consumption))
            {
                // No counts of nodes: a GPU profile of this kind is refused with them.
                environment.WorkloadProfiles.Add(new ContainerAppWorkloadProfile { Name = pool.Name, WorkloadProfileType = pool.Profile });
            }
        });
        foreach (var service in services)
        {
            service.PublishAsAzureContainerApp((_, app) => app.Template.Scale.MaxReplicas = 1); // infra/ scales them with their queues
        }

        foreach (var (pool, trainer) in trainers)
        {
            trainer
                .WithEnvironment(SettingNames.Variable(SettingNames.ReplicaTimeout), TimeSpan.FromSeconds(ReplicaTimeout).ToString())
                .WithEnvironment(SettingNames.Variable(SettingNames.ExitWhenIdle), "00:01:00")
                .WithEnvironment(SettingNames.Variable(SettingNames.StopNotice), "00:00:20")
                .PublishAsAzureContainerAppJob((infra, job) => Configure(infra, job, pool, shared.Scaler!));
        }
    }

    /// <summary>Says what becomes of what serves pictures: apps that requests start, to none where nobody asks.</summary>
    public static void Publish(Serving serving, IResourceBuilder<ProjectResource> gateway, IReadOnlyList<IResourceBuilder<ProjectResource>> hosts)
    {
        gateway.PublishAsAzureContainerApp((_, app) => Configure(app, serving.Gateway, serving.MinReplicas, serving.MaxReplicas));
        foreach (var host in hosts)
        {
            host.PublishAsAzureContainerApp((_, app) => Configure(app, serving.Host, Math.Min(serving.MinReplicas, 1), 1));
        }
    }

    private static void Configure(ContainerApp app, Pool pool, int least, int most)
    {
        app.WorkloadProfileName = ProfileOf(pool);
        app.Template.Containers[0].Value!.Resources = new AppContainerResources { Cpu = pool.Cpu, Memory = pool.Memory };
        app.Template.Scale = new ContainerAppScale
        {
            MinReplicas = least,
            MaxReplicas = most,
            Rules = { new ContainerAppScaleRule { Name = "requests", Http = new ContainerAppHttpScaleRule { Metadata = { ["concurrentRequests"] = RequestsOfAReplica } } } },
        };
    }

    private static string ProfileOf(Pool pool) => pool.Profile == Pool.Consumption ? Pool.Consumption.ToLowerInvariant() : pool.Name;

    private static void Configure(AzureResourceInfrastructure infra, ContainerAppJob job, Pool pool, ReferenceExpression scaler)
    {
        job.WorkloadProfileName = ProfileOf(pool);
        var container = job.Template.Containers[0].Value!;
        container.Resources = new AppContainerResources { Cpu = pool.Cpu, Memory = pool.Memory };
        job.Configuration.TriggerType = ContainerAppJobTriggerType.Event;
        job.Configuration.ReplicaTimeout = ReplicaTimeout;
        job.Configuration.ReplicaRetryLimit = 0; // the broker hands the message out again, not the platform
        job.Configuration.Secrets.Add(new ContainerAppWritableSecret
        {
            Name = ScalerSecret,
            Value = AzureProvisioningResourceExtensions.AsProvisioningParameter(scaler, infra, "messagingManagement", isSecure: true),
        });
        job.Configuration.EventTriggerConfig = new EventTriggerConfiguration
        {
            Parallelism = 1,
            ReplicaCompletionCount = 1,
            Scale = new ContainerAppJobScale
            {
                MinExecutions = 0,
                MaxExecutions = pool.MaxReplicas,
                PollingIntervalInSeconds = 30,
                Rules =
                {
                    new ContainerAppJobScaleRule
                    {
                        Name = "messages",
                        JobScaleRuleType = "rabbitmq",
                        // Ready and unacknowledged, one a replica: a running replica holds its message, which must count.
                        Metadata = BinaryData.FromObjectAsJson(new { queueName = QueueNames.Train(pool.Name), protocol = "http", mode = "QueueLength", value = "1" }),
                        Auth = { new ContainerAppScaleRuleAuth { SecretRef = ScalerSecret, TriggerParameter = "host" } },
                    },
                },
            },
        };
    }
}
