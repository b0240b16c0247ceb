using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>A service as a process of its own, as people run it.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<string> output = new();
    private readonly Process process;

    private ServiceProcess(string name, IReadOnlyDictionary<string, string> settings)
    {
        Name = name;
        Port = LoopbackPort.Free(1)[0];
        var start = new ProcessStartInfo(ProgramOf("services", "Ddm." + name, "Ddm." + name)) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["urls"] = Address;
        foreach (var (key, value) in settings)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public int Port { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public string Address => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <summary>What it has said so far.</summary>
    public string Output => string.Join(Environment.NewLine, output);

    /// <summary>Starts it; <see cref="ReadyAsync"/> waits for it.</summary>
    /// <param name="name">The host's, without the product's: <c>ControlPlane</c>.</param>
    /// <param name="settings">As in configuration files: <c>Ddm:Pool</c>.</param>
    public static ServiceProcess Start(string name, IReadOnlyDictionary<string, string> settings) => new(name, settings);

    /// <summary>Path of a built program.</summary>
    public static string ProgramOf(string room, string project, string program)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory); // tests/Ddm.EndToEnd.Tests/bin/Release/net10.0
        var (framework, configuration) = (here.Name, here.Parent!.Name);
        return Path.Combine(here.Parent.Parent!.Parent!.Parent!.Parent!.FullName, "src", room, project, "bin", configuration, framework, program);
    }

    /// <summary>Waits until it says that it can work.</summary>
    public Task ReadyAsync() => Waiting.ForAsync($"{Name} gets ready", LongestStart, async token => process.HasExited
        ? throw new InvalidOperationException($"{Name} ended with exit code {process.ExitCode}")
        : await StatusAsync("/health", token) == HttpStatusCode.OK, () => Output);

    /// <summary>The status of one of its pages.</summary>
    public async Task<HttpStatusCode> StatusAsync(string path, CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        using var response = await client.GetAsync(Address + path, cancellationToken);
        return response.StatusCode;
    }

    /// <summary>Sends it a signal.</summary>
    public void Signal(int signal) => Signals.Send(process.Id, signal);

    /// <summary>SIGTERM, and waits for its end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        if (!process.HasExited)
        {
            Signal(Signals.Terminate);
        }

        await WaitForExitAsync();
        return process.ExitCode;
    }

    /// <summary>Waits for its end.</summary>
    public Task WaitForExitAsync() => process.WaitForExitAsync(CancellationToken.None).WaitAsync(LongestStop);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        process.Dispose();
    }
}
