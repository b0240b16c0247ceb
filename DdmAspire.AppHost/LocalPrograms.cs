using System.Globalization;
using Ddm.Services;

namespace DdmAspire.AppHost;

/// <summary>RabbitMQ and Azurite as programs that are installed on this machine, on loopback alone and with data of their own: no container runtime is asked for.</summary>
internal static class LocalPrograms
{
    private const int BrokerPort = 5680, ManagementPort = 15680, DistributionPort = 25680, NamesPort = 4380, BlobPort = 10080;

    // The public account of every emulator (learn.microsoft.com: "Use the Azurite emulator").
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    // Debian's /usr/sbin/rabbitmq-server changes to a user of its own; the script beneath runs as whoever calls it.
    private static readonly string[] RabbitPlaces = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"];

    /// <summary>Adds both.</summary>
    public static SharedResources Add(IDistributedApplicationBuilder builder)
    {
        var home = Path.GetFullPath("../.ddm/apphost", builder.AppHostDirectory);
        var (broker, store) = (AddRabbit(builder, Path.Combine(home, "rabbitmq")), AddAzurite(builder, Path.Combine(home, "azurite")));
        var blobs = string.Create(
            CultureInfo.InvariantCulture,
            $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{BlobPort}/{Account};ContainerName={SharedResources.Container}");
        return new SharedResources(
            builder.AddConnectionString(ServiceNames.Messaging, Say($"amqp://guest:guest@127.0.0.1:{BrokerPort}/")),
            Say($"http://127.0.0.1:{ManagementPort}"),
            Scaler: null,
            builder.AddConnectionString(ServiceNames.Blobs, Say($"{blobs}")),
            broker,
            store);

        static ReferenceExpression Say(FormattableString text)
        {
            var said = text.ToString(CultureInfo.InvariantCulture);
            return ReferenceExpression.Create($"{said}");
        }
    }

    private static IResourceBuilder<ExecutableResource> AddRabbit(IDistributedApplicationBuilder builder, string folder)
    {
        Directory.CreateDirectory(folder);
        string[] configuration = [$"listeners.tcp.1 = 127.0.0.1:{BrokerPort}", "management.tcp.ip = 127.0.0.1", $"management.tcp.port = {ManagementPort}", ""];
        File.WriteAllText(Path.Combine(folder, "rabbitmq.conf"), string.Join('\n', configuration));
        File.WriteAllText(Path.Combine(folder, "plugins"), "[rabbitmq_management].\n");
        var place = RabbitPlaces.FirstOrDefault(place => File.Exists(Path.Combine(place, "rabbitmq-server")));
        return builder.AddExecutable("rabbitmq", place is null ? "rabbitmq-server" : Path.Combine(place, "rabbitmq-server"), folder)
            .WithEndpoint(port: ManagementPort, scheme: "http", name: "management", isProxied: false)
            .WithHttpHealthCheck("/", endpointName: "management")
            .WithEnvironment("HOME", folder) // of the secret that node and tools share
            .WithEnvironment("RABBITMQ_NODENAME", "ddm-apphost@localhost")
            .WithEnvironment("RABBITMQ_DIST_PORT", DistributionPort.ToString(CultureInfo.InvariantCulture))
            .WithEnvironment("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .WithEnvironment("RABBITMQ_MNESIA_BASE", Path.Combine(folder, "data"))
            .WithEnvironment("RABBITMQ_LOG_BASE", Path.Combine(folder, "log"))
            .WithEnvironment("RABBITMQ_CONFIG_FILE", Path.Combine(folder, "rabbitmq.conf"))
            .WithEnvironment("RABBITMQ_ENABLED_PLUGINS_FILE", Path.Combine(folder, "plugins"))
            .WithEnvironment("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .WithEnvironment("RABBITMQ_PID_FILE", Path.Combine(folder, "pid"))
            .WithEnvironment("ERL_EPMD_ADDRESS", "127.0.0.1")
            .WithEnvironment("ERL_EPMD_PORT", NamesPort.ToString(CultureInfo.InvariantCulture))
            .ExcludeFromManifest();
    }

    private static IResourceBuilder<ExecutableResource> AddAzurite(IDistributedApplicationBuilder builder, string folder)
    {
        Directory.CreateDirectory(folder);
        string[] arguments =
        [
            "--blobHost", "127.0.0.1", "--blobPort", BlobPort.ToString(CultureInfo.InvariantCulture), "--location", folder,
            "--skipApiVersionCheck", "--disableTelemetry", "--silent", // Azurite knows service versions later than clients do
        ];
        return builder.AddExecutable("azurite", Environment.GetEnvironmentVariable("DDM_AZURITE") ?? "azurite-blob", folder, arguments)
            .WithEndpoint(port: BlobPort, scheme: "http", name: "blob", isProxied: false)
            .WithHttpHealthCheck("/", statusCode: 400, endpointName: "blob") // it answers, and asks for an account
            .ExcludeFromManifest();
    }
}
