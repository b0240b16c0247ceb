using Ddm.Services;

namespace DdmAspire.AppHost;

/// <summary>Broker and store.</summary>
/// <param name="Messaging">The broker's address.</param>
/// <param name="Management">Its management API.</param>
/// <param name="Scaler">As <paramref name="Management"/>, with the login in it and a slash at the end: for scalers. Null where there are none.</param>
/// <param name="Blobs">The store's address.</param>
/// <param name="Broker">What to wait for before messages are taken.</param>
/// <param name="Store">What to wait for before blobs are read.</param>
internal sealed record SharedResources(
    IResourceBuilder<IResourceWithConnectionString> Messaging,
    ReferenceExpression Management,
    ReferenceExpression? Scaler,
    IResourceBuilder<IResourceWithConnectionString> Blobs,
    IResourceBuilder<IResource> Broker,
    IResourceBuilder<IResource> Store)
{
    /// <summary>The container of all blobs.</summary>
    public const string Container = "ddm";

    // The line that the services' policy on acknowledgement timeouts was written for; docs/operations.md says how it differs from 3.10.
    private const string RabbitTag = "4.2";

    /// <summary>Adds them.</summary>
    public static SharedResources Add(IDistributedApplicationBuilder builder)
        => builder.ExecutionContext.IsRunMode && builder.Configuration["Infra"] == "processes" ? LocalPrograms.Add(builder) : AddContainers(builder);

    private static SharedResources AddContainers(IDistributedApplicationBuilder builder)
    {
        var broker = builder.AddRabbitMQ(ServiceNames.Messaging).WithImageTag(RabbitTag).WithManagementPlugin();
        var storage = builder.AddAzureStorage("storage").RunAsEmulator(azurite => azurite.WithDataVolume("ddm-blobs"));
        var blobs = storage.AddBlobContainer(ServiceNames.Blobs, Container);
        var management = broker.Resource.ManagementEndpoint;
        var scaler = ReferenceExpression.Create(
            $"http://{broker.Resource.UserNameReference}:{broker.Resource.PasswordParameter}@{management.Property(EndpointProperty.HostAndPort)}/");
        return new SharedResources(broker, ReferenceExpression.Create($"{management}"), scaler, blobs, broker, blobs);
    }
}
