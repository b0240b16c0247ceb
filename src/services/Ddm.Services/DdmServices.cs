using Ddm.Runs;
using Ddm.Storage;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Puts the services together. Nothing below knows which store and which transport it got.</summary>
public static class DdmServices
{
    /// <summary>Every service in this process, over the in-memory transport: the embedded dress.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="blobs">The store.</param>
    /// <param name="worker">Who this process is.</param>
    /// <param name="progress">Where handlers tell what they are at.</param>
    /// <param name="stop">Raised when the process should wind down.</param>
    public static IServiceCollection AddEmbeddedDdm(
        this IServiceCollection services, IBlobStore blobs, WorkerIdentity worker, IRunProgress progress, StopSignal stop)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(blobs).AddSingleton(worker).AddSingleton(progress).AddSingleton(stop);
        services.AddSingleton(provider => new CheckpointStore(
            blobs, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<CheckpointStore>>()));
        services.AddSingleton<DeviceThread>().AddSingleton<RunRepository>().AddSingleton<RunDataset>().AddSingleton<OpenSources>().AddSingleton<ShardEncoding>().AddSingleton<OpenEncoders>().AddSingleton<OpenCodecs>().AddSingleton<OpenCaptions>().AddSingleton<RunSeeds>();
        services.AddSingleton<IRoleTrainers, TorchRoleTrainers>();
        services.AddSingleton<RunObserver>().AddSingleton<RunEvents>().AddSingleton<DispatchLedger>().AddSingleton<Reconciler>();
        services.AddSingleton<RunRepair>().AddSingleton<RunSubmission>();
        services.AddSingleton<ICommandSender, MassTransitSender>().AddSingleton<ModelCatalog>().AddSingleton<Publication>();
        services.AddSingleton<ModelLoader>().AddSingleton<RunReportBuilder>();
        services.AddHandler<IngestShard, IngestShardHandler>();
        services.AddHandler<FitFeatures, FitFeaturesHandler>().AddHandler<ExtractFeatures, ExtractFeaturesHandler>();
        services.AddHandler<FitPartition, FitPartitionHandler>().AddHandler<AssignShard, AssignShardHandler>();
        services.AddHandler<FreezeClusters, FreezeClustersHandler>().AddHandler<TrainSlice, TrainSliceHandler>();
        services.AddHandler<EvaluateRun, EvaluateRunHandler>().AddHandler<PublishModel, PublishModelHandler>();

        return services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.AddConsumer<RunAdvancedConsumer>();
            bus.AddCommand<IngestShard>().AddCommand<FitFeatures>().AddCommand<ExtractFeatures>().AddCommand<FitPartition>();
            bus.AddCommand<AssignShard>().AddCommand<FreezeClusters>().AddCommand<TrainSlice>().AddCommand<EvaluateRun>().AddCommand<PublishModel>();
            bus.UsingInMemory((context, transport) =>
            {
                transport.Queue(QueueNames.ControlPlane, e => e.ConfigureConsumer<RunAdvancedConsumer>(context));
                transport.Queue(QueueNames.Ingest, e => e.Command<IngestShard>(context));
                transport.Queue(QueueNames.Features, e => e.Command<FitFeatures>(context).Command<ExtractFeatures>(context));
                transport.Queue(QueueNames.Clustering, e => e.Command<FitPartition>(context).Command<AssignShard>(context).Command<FreezeClusters>(context));
                transport.Queue(QueueNames.TrainLocal, e => e.Command<TrainSlice>(context));
                transport.Queue(QueueNames.Publishing, e => e.Command<EvaluateRun>(context).Command<PublishModel>(context));
            });
        });
    }

    private static IServiceCollection AddHandler<TCommand, THandler>(this IServiceCollection services)
        where TCommand : class, IRunCommand
        where THandler : class, ICommandHandler<TCommand>
        => services.AddSingleton<ICommandHandler<TCommand>, THandler>().AddSingleton<CommandRunner<TCommand>>();

    private static IBusRegistrationConfigurator AddCommand<TCommand>(this IBusRegistrationConfigurator bus)
        where TCommand : class, IRunCommand
    {
        bus.AddConsumer<CommandConsumer<TCommand>>();
        return bus;
    }

    private static IInMemoryReceiveEndpointConfigurator Command<TCommand>(
        this IInMemoryReceiveEndpointConfigurator endpoint, IBusRegistrationContext context)
        where TCommand : class, IRunCommand
    {
        endpoint.ConfigureConsumer<CommandConsumer<TCommand>>(context);
        return endpoint;
    }

    // One piece of work at a time a queue: each is already as parallel inside as the machine is wide.
    private static void Queue(
        this IInMemoryBusFactoryConfigurator transport, string name, Action<IInMemoryReceiveEndpointConfigurator> configure)
        => transport.ReceiveEndpoint(name, endpoint =>
        {
            endpoint.PrefetchCount = 1;
            endpoint.ConcurrentMessageLimit = 1;
            configure(endpoint);
        });
}
