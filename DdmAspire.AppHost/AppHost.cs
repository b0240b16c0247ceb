using Ddm.Services;
using DdmAspire.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
var pools = Mistakes.End(() => Pool.ReadAll(builder));
var serving = Mistakes.End(() => Serving.Read(builder.Configuration, pools));
var apiKey = builder.AddParameter("api-key", secret: true);
var gatewayKey = AddKey("gateway-key");

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

// Draws pictures of what was published, for whoever has its key. It hears no queue.
var gateway = AddServer<Projects.Ddm_InferenceGateway>(ServiceNames.InferenceGateway)
    .WithEnvironment(SettingNames.Variable(SettingNames.ApiKeys, 0), gatewayKey)
    .WithEnvironment(SettingNames.Variable(SettingNames.RunsPages), controlPlane.GetEndpoint("http"))
    .WithExternalHttpEndpoints()
    .WithPlaygroundLinks();
controlPlane.WithEnvironment(SettingNames.Variable(SettingNames.PlaygroundPages), gateway.GetEndpoint("http"));

// A model that does not fit into the gateway: its experts on hosts of their own, which nobody else may ask.
List<IResourceBuilder<ProjectResource>> expertHosts = [];
if (serving.Model is not null)
{
    var hostsKey = AddKey("experts-key");
    expertHosts.AddRange(Enumerable.Range(1, serving.Hosts).Select(share => AddServer<Projects.Ddm_ExpertHost>(ServiceNames.ExpertHost(share)).Holding(serving, share, hostsKey)));
    gateway.Ask(expertHosts, hostsKey);
}

if (builder.ExecutionContext.IsPublishMode)
{
    ContainerApps.Publish(builder, shared, [controlPlane, featureExtractor, clusterer, routerTrainer], trainers);
    ContainerApps.Publish(serving, gateway, expertHosts);
}

builder.Build().Run();

IResourceBuilder<ProjectResource> AddService<TProject>(string name)
    where TProject : IProjectMetadata, new()
    => AddServer<TProject>(name)
        .WithReference(shared.Messaging, ServiceNames.Messaging)
        .WithEnvironment(SettingNames.Variable(SettingNames.BrokerManagement), shared.Management)
        .WaitFor(shared.Broker);

// What needs the store alone.
IResourceBuilder<ProjectResource> AddServer<TProject>(string name)
    where TProject : IProjectMetadata, new()
    => builder.AddProject<TProject>(name)
        .WithHttpEndpoint()
        .WithHttpHealthCheck("/health")
        .WithReference(shared.Blobs, ServiceNames.Blobs)
        .WaitFor(shared.Store);

// Made at the first start and kept in the user's secrets; the dashboard shows it.
IResourceBuilder<ParameterResource> AddKey(string name)
    => builder.AddParameter(name, new GenerateParameterDefault { MinLength = 48, Special = false }, secret: true, persist: true);

IResourceBuilder<ProjectResource> AddTrainer(Pool pool)
{
    var trainer = AddService<Projects.Ddm_ExpertTrainer>(ServiceNames.ExpertTrainer(pool.Name))
        .WithEnvironment(SettingNames.Variable(SettingNames.Pool), pool.Name);
    return pool.Cuda && builder.ExecutionContext.IsRunMode
        ? trainer.WithExplicitStart() // by hand, where this machine has the GPU and the build is for it
        : trainer;
}
