using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;

namespace Ddm.Tests;

/// <summary>
/// A real RabbitMQ of its own: own node name, folder and ports, on loopback alone. Debian's own start script changes the user; the one beneath it runs as whoever
/// calls it, root or not.
/// </summary>
internal sealed class RabbitServer : IAsyncDisposable
{
    private const string Programs = "/usr/lib/rabbitmq/bin";
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(2), LongestStop = TimeSpan.FromMinutes(1);

    private readonly string folder = Directory.CreateTempSubdirectory("ddm-rabbit-").FullName;
    private readonly Dictionary<string, string> environment;
    private readonly int distributionPort;
    private readonly bool hasManagement;
    private Process? server;

    private RabbitServer(bool management, string configuration)
    {
        if (!File.Exists(Path.Combine(Programs, "rabbitmq-server")))
        {
            throw new FileNotFoundException($"No RabbitMQ in {Programs}: these tests need it. Run tests/install.sh, or: apt-get install rabbitmq-server");
        }

        hasManagement = management;
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
            ["RUNNING_UNDER_SYSTEMD"] = "true", // no shell stays between us and the broker: signals are its own, and so is the number that is reaped
            ["RABBITMQ_NODENAME"] = string.Create(CultureInfo.InvariantCulture, $"ddm{Port}@localhost"),
            ["RABBITMQ_DIST_PORT"] = distributionPort.ToString(CultureInfo.InvariantCulture),
            // Erlang's schedulers wait busily unless told otherwise: cores that services and trainers need.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
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

    /// <summary>As <see cref="ManagementPort"/>.</summary>
    public Uri Management => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ManagementPort}"));

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
        Reaper.Watch(server.Id);
        await Waiting.ForAsync("RabbitMQ starts", LongestStart, async token => server.HasExited
            ? throw new InvalidOperationException("rabbitmq-server ended")
            : await AnswersAsync(token));
    }

    /// <summary>Stops it in order; clients lose their connections.</summary>
    public async Task StopAsync()
    {
        Signals.Send(server!.Id, Signals.Terminate); // quicker than a virtual machine more for rabbitmqctl
        await server.WaitForExitAsync(CancellationToken.None).WaitAsync(LongestStop);
        Reaper.Forget(server.Id);
        server.Dispose();
        server = null;
    }

    /// <summary>Starts it again after it was stopped, without anything that it had: queues, messages, policies.</summary>
    public async Task StartEmptyAsync()
    {
        Directory.Delete(environment["RABBITMQ_MNESIA_BASE"], recursive: true);
        await StartAsync();
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
        if (server is { } running)
        {
            running.Kill(); // what it has is not kept, and an orderly end takes seconds
            await running.WaitForExitAsync(CancellationToken.None);
            Reaper.Forget(running.Id);
            running.Dispose();
        }

        using (var names = Start(FindNameServer(), "-kill"))
        {
            await names.WaitForExitAsync(CancellationToken.None);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static string FindNameServer() => Directory.GetFiles("/usr/lib/erlang", "epmd", SearchOption.AllDirectories).FirstOrDefault() ?? "/usr/bin/epmd";

    // It listens when it is up. Asked as clients ask: rabbitmqctl would be one more virtual machine to start.
    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(ConnectionString), AutomaticRecoveryEnabled = false }.CreateConnectionAsync(cancellationToken);
        if (!hasManagement)
        {
            return true;
        }

        using var client = new HttpClient();
        using var response = await client.GetAsync(Management, cancellationToken);
        return response.IsSuccessStatusCode;
    }

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
