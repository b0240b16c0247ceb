using System.Diagnostics;
using System.Globalization;

namespace Ddm.Tests;

/// <summary>
/// A real RabbitMQ of its own: own node name, folder and ports, on loopback alone. Debian's own start script changes the user; the one beneath it runs as whoever
/// calls it, root or not.
/// </summary>
internal sealed class RabbitServer : IAsyncDisposable
{
    private const string Programs = "/usr/lib/rabbitmq/bin";
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(2);

    private readonly string folder = Directory.CreateTempSubdirectory("ddm-rabbit-").FullName;
    private readonly Dictionary<string, string> environment;
    private readonly int distributionPort;
    private Process? server;

    private RabbitServer(bool management, string configuration)
    {
        if (!File.Exists(Path.Combine(Programs, "rabbitmq-server")))
        {
            throw new FileNotFoundException($"No RabbitMQ in {Programs}: these tests need it. Run tests/install.sh, or: apt-get install rabbitmq-server");
        }

        var ports = LoopbackPort.Free(4);
        (Port, ManagementPort, distributionPort) = (ports[0], ports[1], ports[2]);
        var config = Path.Combine(folder, "rabbitmq.conf");
        var plugins = Path.Combine(folder, "plugins");
        File.WriteAllText(plugins, management ? "[rabbitmq_management]." : "[].");
        File.WriteAllText(config, string.Create(CultureInfo.InvariantCulture, $"""
            listeners.tcp.1 = 127.0.0.1:{Port}
            {(management ? $"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {ManagementPort}" : "")}
            {configuration}
            """));
        environment = new Dictionary<string, string>
        {
            ["HOME"] = folder, // of the cookie that node and rabbitmqctl share
            ["RABBITMQ_NODENAME"] = string.Create(CultureInfo.InvariantCulture, $"ddm{Port}@localhost"),
            ["RABBITMQ_DIST_PORT"] = distributionPort.ToString(CultureInfo.InvariantCulture),
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "data"),
            ["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = plugins,
            ["RABBITMQ_CONFIG_FILE"] = config,
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            ["RABBITMQ_PID_FILE"] = Path.Combine(folder, "pid"),
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["ERL_EPMD_PORT"] = ports[3].ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Of AMQP.</summary>
    public int Port { get; }

    /// <summary>Of the management API, where it was asked for.</summary>
    public int ManagementPort { get; }

    /// <summary>What services are told.</summary>
    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"amqp://guest:guest@127.0.0.1:{Port}/");

    /// <summary>What rabbitmqctl needs to find this node.</summary>
    public IReadOnlyDictionary<string, string> Environment => environment;

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="management">With the management API.</param>
    /// <param name="configuration">Further lines of its configuration.</param>
    public static async Task<RabbitServer> StartAsync(bool management = false, string configuration = "")
    {
        var rabbit = new RabbitServer(management, configuration);
        await rabbit.StartAsync();
        return rabbit;
    }

    /// <summary>Starts it again, with what it has on disk.</summary>
    public async Task StartAsync()
    {
        server = Start("rabbitmq-server");
        await Waiting.ForAsync("RabbitMQ starts", LongestStart, async token => server.HasExited
            ? throw new InvalidOperationException("rabbitmq-server ended")
            : await ControlAsync(token, "await_startup", "--timeout", "60") == 0);
    }

    /// <summary>Stops it; clients lose their connections.</summary>
    public async Task StopAsync()
    {
        await ControlAsync(CancellationToken.None, "stop");
        await server!.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>Runs rabbitmqctl.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ControlAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        using var control = Start("rabbitmqctl", arguments);
        await control.WaitForExitAsync(cancellationToken);
        return control.ExitCode;
    }

    /// <summary>Runs rabbitmqctl and answers with what it says.</summary>
    public async Task<string> AskAsync(params string[] arguments)
    {
        using var control = Start("rabbitmqctl", [.. arguments, "--quiet"]);
        return await control.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (server is { HasExited: false })
        {
            Signals.Send(server.Id, Signals.Terminate); // in order, and quicker than a virtual machine more for rabbitmqctl
            await server.WaitForExitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        }

        server?.Dispose();
        using (var names = Start(FindNameServer(), "-kill"))
        {
            await names.WaitForExitAsync(CancellationToken.None);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static string FindNameServer() => Directory.GetFiles("/usr/lib/erlang", "epmd", SearchOption.AllDirectories).FirstOrDefault() ?? "/usr/bin/epmd";

    private Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Programs, program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine(); // a full pipe would stop it
        if (program == "rabbitmq-server")
        {
            process.OutputDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
        }

        return process;
    }
}
