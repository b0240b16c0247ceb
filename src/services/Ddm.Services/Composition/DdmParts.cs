using Ddm.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ddm.Services;

/// <summary>The parts a process can run. <c>ddm run</c> runs all of them, a service of its own a few.</summary>
public static class DdmParts
{
    /// <summary>Decides what every run does next.</summary>
    public static DdmBuilder AddControlPlane(this DdmBuilder ddm)
    {
        ddm.HasControlPlane = true;
        return ddm;
    }

    /// <summary>Source images to shards. Needs to read the source's files.</summary>
    public static DdmBuilder AddIngest(this DdmBuilder ddm) => ddm.Handle<IngestShard, IngestShardHandler>(QueueNames.Ingest);

    /// <summary>Shards to features, latents and captions as networks take them. Needs to read the source's files and the published weights that a spec names.</summary>
    public static DdmBuilder AddFeatureExtraction(this DdmBuilder ddm) => ddm
        .Handle<FitFeatures, FitFeaturesHandler>(QueueNames.Features)
        .Handle<ExtractFeatures, ExtractFeaturesHandler>(QueueNames.Features);

    /// <summary>Features to clusters.</summary>
    public static DdmBuilder AddClustering(this DdmBuilder ddm) => ddm
        .Handle<FitPartition, FitPartitionHandler>(QueueNames.Clustering)
        .Handle<AssignShard, AssignShardHandler>(QueueNames.Clustering)
        .Handle<FreezeClusters, FreezeClustersHandler>(QueueNames.Clustering);

    /// <summary>Slices of experts that are placed in <paramref name="pool"/>.</summary>
    public static DdmBuilder AddExpertTraining(this DdmBuilder ddm, string pool) => ddm.AddTraining(pool);

    /// <summary>Slices of routers. A queue of their own: a router is small and sees all clusters, so it belongs on other hardware, near the data, and must not wait behind experts.</summary>
    public static DdmBuilder AddRouterTraining(this DdmBuilder ddm) => ddm.AddTraining(PoolName.Router);

    /// <summary>Reports and publication.</summary>
    public static DdmBuilder AddPublishing(this DdmBuilder ddm)
    {
        ddm.Services.TryAddSingleton<ModelLoader>();
        ddm.Services.TryAddSingleton<RunReportBuilder>();
        return ddm
            .Handle<EvaluateRun, EvaluateRunHandler>(QueueNames.Publishing)
            .Handle<PublishModel, PublishModelHandler>(QueueNames.Publishing);
    }

    /// <summary>Grids of runs on their way, in a process that trains: it knows which runs those are.</summary>
    /// <param name="ddm">The process.</param>
    /// <param name="settings">How often; null: as the services do.</param>
    public static DdmBuilder AddGrids(this DdmBuilder ddm, GridSettings? settings = null)
    {
        ddm.Services.TryAddSingleton<ModelLoader>();
        ddm.Services.AddSingleton(settings ?? GridSettings.Usual).AddHostedService<GridPainter>();
        return ddm;
    }

    private static DdmBuilder AddTraining(this DdmBuilder ddm, string pool)
    {
        ddm.HasTraining = true;
        ddm.Services.TryAddSingleton<IRoleTrainers, TorchRoleTrainers>();
        // In its record a worker stands in the pool whose queue it reads, whatever Ddm:Pool says: placement goes by it.
        ddm.Services.TryAddSingleton(provider => ActivatorUtilities.CreateInstance<WorkerPresence>(provider, ddm.Settings with { Pool = pool }));
        return ddm.Handle<TrainSlice, TrainSliceHandler>(QueueNames.Train(pool));
    }
}
