using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using RabbitMQ.Client;

namespace Ddm.Tests;

/// <summary>A broker to itself, as a test sees it: one of a shared server's virtual hosts.</summary>
internal sealed class VirtualHost
{
    private static int s_hosts;

    private readonly RabbitServer server;

    private VirtualHost(RabbitServer server, string name) => (this.server, Name) = (server, name);

    /// <summary>Of the virtual host.</summary>
    public string Name { get; }

    /// <summary>What services are told.</summary>
    public string ConnectionString => server.ConnectionString + Name;

    /// <summary>Adds one to a server that has the management API, which answers sooner than rabbitmqctl.</summary>
    public static async Task<VirtualHost> AddAsync(RabbitServer server)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test-{Interlocked.Increment(ref s_hosts)}");
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes("guest:guest")));
        using var content = new StringContent("{}", Encoding.UTF8, "application/json");
        using var response = await client.PutAsync(new Uri(server.Management, "/api/vhosts/" + name), content, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return new VirtualHost(server, name);
    }

    /// <summary>Messages that wait in a queue; null where there is no such queue.</summary>
    public async Task<uint?> WaitingAsync(string queue, CancellationToken cancellationToken)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(ConnectionString), AutomaticRecoveryEnabled = false }.CreateConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            return await channel.MessageCountAsync(queue, cancellationToken);
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return null;
        }
    }

    /// <summary>As <see cref="RabbitServer.AskAsync"/>, about this virtual host alone.</summary>
    public Task<string> AskAsync(params string[] arguments) => server.AskAsync(["-p", Name, .. arguments]);
}
