namespace Ddm.Tests;

/// <summary>
/// One broker and one blob service for all tests of an assembly, which cost seconds to start: each test gets a virtual host and a container of its own. A test that
/// stops or empties a server starts one for itself.
/// </summary>
public sealed class SharedServers : IAsyncLifetime
{
    private readonly AzuriteProcess azurite = new();

    /// <summary>With the management API.</summary>
    internal RabbitServer Rabbit { get; private set; } = null!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        var broker = RabbitServer.StartAsync(management: true);
        await azurite.InitializeAsync();
        Rabbit = await broker;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await azurite.DisposeAsync();
        await Rabbit.DisposeAsync();
    }

    /// <summary>A broker without a queue.</summary>
    internal Task<VirtualHost> NewBrokerAsync() => VirtualHost.AddAsync(Rabbit);

    /// <summary>Connection string of a store without a blob.</summary>
    internal string NewStore() => azurite.ConnectionString(AzuriteProcess.NewContainer());
}
