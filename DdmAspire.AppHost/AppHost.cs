using Ddm.Services;
using DdmAspire.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
var pools = Pool.ReadAll(builder);
var apiKey = builder.AddParameter("api-key", secret: true);

// The two things that services share. Infra=processes starts both as programs of this machine, for those without containers.
var shared = SharedResources.Add(builder);

var controlPlane = AddService<Projects.Ddm_ControlPlane>(ServiceNames.ControlPlane)
    .WithEnvironment(SettingNames.Variable(SettingNames.ApiKeys, 0), apiKey)
    .WithEnvironment(SettingNames.Variable(SettingNames.SourceRoots, 0), Path.GetFullPath("../samples", builder.AppHostDirectory))
    .WithExternalHttpEndpoints()
    .WithSampleRunCommands(apiKey);

var featureExtractor = AddService<Projects.Ddm_FeatureExtractor>(ServiceNames.FeatureExtractor);
var clusterer = AddService<Projects.Ddm_Clusterer>(ServiceNames.Clusterer);
var routerTrainer = AddService<Projects.Ddm_RouterTrainer>(ServiceNames.RouterTrainer);

// Whatever expert a pool's queue holds is trained by whoever is in the pool: one resource each.
var trainers = pools.ToDictionary(pool => pool, pool => AddTrainer(pool));

if (builder.ExecutionContext.IsPublishMode)
{
    ContainerApps.Publish(builder, shared, [controlPlane, featureExtractor, clusterer, routerTrainer], trainers);
}

builder.Build().Run();

IResourceBuilder<ProjectResource> AddService<TProject>(string name)
    where TProject : IProjectMetadata, new()
    => builder.AddProject<TProject>(name)
        .WithHttpEndpoint()
        .WithHttpHealthCheck("/health")
        .WithReference(shared.Messaging, ServiceNames.Messaging)
        .WithReference(shared.Blobs, ServiceNames.Blobs)
        .WithEnvironment(SettingNames.Variable(SettingNames.BrokerManagement), shared.Management)
        .WaitFor(shared.Broker)
        .WaitFor(shared.Store);

IResourceBuilder<ProjectResource> AddTrainer(Pool pool)
{
    var trainer = AddService<Projects.Ddm_ExpertTrainer>(ServiceNames.ExpertTrainer(pool.Name))
        .WithEnvironment(SettingNames.Variable(SettingNames.Pool), pool.Name);
    return pool.Cuda && builder.ExecutionContext.IsRunMode
        ? trainer.WithExplicitStart() // by hand, where this machine has the GPU and the build is for it
        : trainer;
}
