using System.Diagnostics;
using System.Globalization;

namespace Ddm.Tests;

/// <summary>
/// Azurite, the blob service that runs on this machine, as a process of the tests' own: a free loopback port, a temporary folder, gone with the tests even
/// when these are killed. tests/install.sh installs it.
/// </summary>
public sealed class AzuriteProcess : IAsyncLifetime
{
    // As tests/install.sh has it.
    private const string Version = "3.37.0";

    // The public name and key of every emulator (learn.microsoft.com: "Use the Azurite emulator").
    private const string Account = "devstoreaccount1", Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    // Ends with the standard input, so with this process however it ends.
    private const string Launcher = "process.stdin.resume().on('end', () => process.exit()); require(process.argv[1]);";

    private static int s_containers;

    private readonly string _folder = Directory.CreateTempSubdirectory("ddm-azurite-").FullName;
    private Process? _process;

    /// <summary>Where it listens.</summary>
    public int Port { get; private set; }

    /// <summary>Its connection string, with the name of a container.</summary>
    public string ConnectionString(string container) => ConnectionString(Port, container);

    /// <summary>As the other overload, through another port: a proxy's.</summary>
    public static string ConnectionString(int port, string container) =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{port}/{Account};ContainerName={container}";

    /// <summary>A container's name that no other test has.</summary>
    public static string NewContainer() => $"test-{Interlocked.Increment(ref s_containers)}";

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => await StartAsync();

    /// <summary>Starts it, again on the port and with the blobs that it had before.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("node") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            "-e", Launcher, Script(), "--silent", "--skipApiVersionCheck", "--disableTelemetry",
            "--blobHost", "127.0.0.1", "--blobPort", Port.ToString(CultureInfo.InvariantCulture), "--location", _folder,
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        _process = Process.Start(start)!;
        var errors = _process.StandardError.ReadToEndAsync();
        const string Listens = "listens on http://127.0.0.1:";
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.IndexOf(Listens, StringComparison.Ordinal) is var at and >= 0)
            {
                Port = int.Parse(line.AsSpan(at + Listens.Length), CultureInfo.InvariantCulture);
                _ = _process.StandardOutput.ReadToEndAsync(); // a full pipe would stop it
                return;
            }
        }

        throw new InvalidOperationException($"Azurite did not start: {await errors}");
    }

    /// <summary>Stops it as a service is stopped: what it acknowledged is on disk. (Killed, it loses up to 5 seconds of acknowledged writes.)</summary>
    public async Task StopAsync()
    {
        var process = _process!;
        using var kill = Process.Start("kill", ["-s", "TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await process.WaitForExitAsync();
        process.Dispose();
        _process = null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string Script()
    {
        var tools = Environment.GetEnvironmentVariable("DDM_TEST_TOOLS") is { Length: > 0 } named
            ? named
            : Path.Combine(
                Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
                "ddm-tests");
        var script = Path.Combine(tools, $"azurite-{Version}", "node_modules", "azurite", "dist", "src", "blob", "main.js");
        return File.Exists(script) ? script : throw new FileNotFoundException($"Azurite {Version} is not installed ({script} is missing). Run tests/install.sh.");
    }
}
