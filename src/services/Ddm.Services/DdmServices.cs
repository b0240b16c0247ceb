using Ddm.Runs;
using Ddm.Storage;
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
        => services.AddSingleton(progress).AddDdm(blobs, worker, stop, WorkerSettings.Embedded)
            .AddControlPlane()
            .AddIngest()
            .AddFeatureExtraction()
            .AddClustering()
            .AddExpertTraining(PoolName.Local)
            .AddRouterTraining()
            .AddPublishing()
            .OverMemory();

    /// <summary>What every part rests on. Parts and a transport follow; an <see cref="IRunProgress"/> is the caller's to register.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="blobs">The store.</param>
    /// <param name="worker">Who this process is.</param>
    /// <param name="stop">Raised when the process should wind down.</param>
    /// <param name="settings">What the process was told about itself.</param>
    public static DdmBuilder AddDdm(this IServiceCollection services, IBlobStore blobs, WorkerIdentity worker, StopSignal stop, WorkerSettings settings)
    {
        services.AddDdmModels(blobs, worker, stop, settings).AddSingleton<SliceGate>();
        services.TryAddSingleton<IRoleReports, StoreReports>();
        services.AddSingleton<RunDataset>().AddSingleton<RunEvents>();
        services.AddSingleton<OpenSources>().AddSingleton<ShardEncoding>().AddSingleton<OpenEncoders>().AddSingleton<OpenCodecs>().AddSingleton<OpenCaptions>().AddSingleton<RunSeeds>();
        services.AddSingleton<ContactSheets>().AddSingleton<WorkerDirectory>().AddSingleton<KnownWorkers>().AddSingleton<RoleNumerics>();
        services.AddSingleton<RunObserver>().AddSingleton<DispatchLedger>().AddSingleton<Reconciler>().AddSingleton<RunControl>();
        services.AddSingleton<LostSteps>().AddSingleton<RunRepair>().AddSingleton<RunSubmission>();
        services.AddSingleton<Publication>();
        return new DdmBuilder(services, settings);
    }

    /// <summary>What finding and loading models rests on: all that a process needs which hears no queue.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="blobs">The store.</param>
    /// <param name="worker">Who this process is.</param>
    /// <param name="stop">Raised when the process should wind down.</param>
    /// <param name="settings">What the process was told about itself.</param>
    public static IServiceCollection AddDdmModels(this IServiceCollection services, IBlobStore blobs, WorkerIdentity worker, StopSignal stop, WorkerSettings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new CheckpointStore(
            blobs, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<CheckpointStore>>(), provider.GetService<IRoleKeeper>()));
        return services.AddSingleton(blobs).AddSingleton(worker).AddSingleton(stop).AddSingleton(settings)
            .AddSingleton<DeviceThread>().AddSingleton<RunRepository>().AddSingleton<ModelCatalog>();
    }
}
