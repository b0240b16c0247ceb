using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>A RabbitMQ of a home's own: node name, data folder and ports are no one else's, and it listens on loopback alone. Whoever starts it need not be root.</summary>
internal sealed class LocalRabbit(string folder, UpPorts ports)
{
    private const string Program = "rabbitmq-server";

    // Debian's /usr/sbin/rabbitmq-server changes to a user of its own; the script beneath runs as whoever calls it.
    private static readonly string[] Places = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"];

    /// <summary>What services are told.</summary>
    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"amqp://guest:guest@127.0.0.1:{ports.Broker}/");

    /// <summary>Starts it.</summary>
    /// <exception cref="UserErrorException">It is not installed.</exception>
    public LocalProcess Start(string log)
    {
        var programs = Find();
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "rabbitmq.conf"), string.Create(CultureInfo.InvariantCulture, $"listeners.tcp.1 = 127.0.0.1:{ports.Broker}\n"));
        File.WriteAllText(Path.Combine(folder, "plugins"), "[].\n");
        return LocalProcess.Start("rabbitmq", log, [Path.Combine(programs, Program)], Environment);
    }

    /// <summary>Waits until it takes connections.</summary>
    public Task<bool> AnswersAsync(CancellationToken cancellationToken) => Probe.ListensAsync(ports.Broker, cancellationToken);

    /// <summary>What ends the name server that Erlang leaves behind, in <see cref="Environment"/>; it is this node's alone. Empty where there is none.</summary>
    public static IReadOnlyList<string> EndNames => (PathSearch.Find("epmd") ?? ErlangNames()) is { } epmd ? [epmd, "-kill"] : [];

    /// <summary>Ends that name server.</summary>
    public async Task EndNamesAsync(string log)
    {
        if (EndNames is { Count: > 0 } command)
        {
            await using var names = LocalProcess.Start("epmd", log, command, Environment);
            names.Go();
            await names.Exited;
        }
    }

    /// <summary>Where RabbitMQ's programs are.</summary>
    /// <exception cref="UserErrorException">It is not installed.</exception>
    public static string Find() => Places.FirstOrDefault(place => File.Exists(Path.Combine(place, Program)))
        ?? Path.GetDirectoryName(PathSearch.Find(Program))
        ?? throw new UserErrorException("RabbitMQ is not installed. Debian, Ubuntu: apt-get install rabbitmq-server; macOS: brew install rabbitmq; else https://www.rabbitmq.com/docs/download.");

    private static string? ErlangNames() => Directory.Exists("/usr/lib/erlang") ? Directory.EnumerateFiles("/usr/lib/erlang", "epmd", SearchOption.AllDirectories).FirstOrDefault() : null;

    /// <summary>What its programs are told.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["HOME"] = folder, // of the secret that node and tools share
        ["RABBITMQ_NODENAME"] = $"ddm-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..12]}@localhost",
        ["RABBITMQ_DIST_PORT"] = ports.Distribution.ToString(CultureInfo.InvariantCulture),
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
        ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "data"),
        ["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(folder, "plugins"),
        ["RABBITMQ_CONFIG_FILE"] = Path.Combine(folder, "rabbitmq.conf"),
        ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
        ["RABBITMQ_PID_FILE"] = Path.Combine(folder, "pid"),
        ["RUNNING_UNDER_SYSTEMD"] = "true", // the node itself, not a shell that it would outlive
        ["ERL_EPMD_RELAXED_COMMAND_CHECK"] = "true", // ends also while it believes that a killed node lives
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["ERL_EPMD_PORT"] = ports.Names.ToString(CultureInfo.InvariantCulture),
    };
}
