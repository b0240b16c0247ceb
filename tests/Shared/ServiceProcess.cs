using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Ddm.Tests;

/// <summary>A service as a process of its own, as people run it.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<string> output = new();
    private readonly Process process;

    private ServiceProcess(string name, IReadOnlyDictionary<string, string> settings, int? port)
    {
        Name = name;
        Port = port ?? LoopbackPort.Free(1)[0];
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
        Id = process.Id;
        Reaper.Watch(Id);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public int Port { get; }

    public int Id { get; }

    public bool HasExited => process.HasExited;

    public string Address => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => process.ExitCode;

    /// <summary>What it has said so far.</summary>
    public string Output => string.Join(Environment.NewLine, output);

    /// <summary>As <see cref="Output"/>, a line each.</summary>
    public IEnumerable<string> Lines => output;

    /// <summary>Starts it; <see cref="ReadyAsync"/> waits for it.</summary>
    /// <param name="name">The host's, without the product's: <c>ControlPlane</c>.</param>
    /// <param name="settings">As in configuration files: <c>Ddm:Pool</c>.</param>
    /// <param name="port">The port that it is known by already; null: any.</param>
    public static ServiceProcess Start(string name, IReadOnlyDictionary<string, string> settings, int? port = null) => new(name, settings, port);

    /// <summary>Path of a built program.</summary>
    public static string ProgramOf(string room, string project, string program)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory); // tests/{project}/bin/Release/net10.0
        var (framework, configuration) = (here.Name, here.Parent!.Name);
        return Path.Combine(here.Parent.Parent!.Parent!.Parent!.Parent!.FullName, "src", room, project, "bin", configuration, framework, program);
    }

    /// <summary>Waits until it says that it can work.</summary>
    public Task ReadyAsync() => Waiting.ForAsync($"{Name} gets ready", LongestStart, async token => process.HasExited
        ? throw new InvalidOperationException($"{Name} ended with exit code {process.ExitCode}")
        : await StatusAsync("/health", token) == HttpStatusCode.OK, () => Output);

    /// <summary>The status of one of its pages.</summary>
    public async Task<HttpStatusCode> StatusAsync(string path, CancellationToken cancellationToken, string? key = null)
    {
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var response = await client.GetAsync(Address + path, cancellationToken);
        return response.StatusCode;
    }

    /// <summary>Sends it a signal.</summary>
    public void Signal(int signal) => Signals.Send(Id, signal);

    /// <summary>SIGKILL; nothing where it has ended.</summary>
    public void Kill() => process.Kill();

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

    /// <summary>Waits for its end, which must be near.</summary>
    public Task WaitForExitAsync() => WaitForEndAsync().WaitAsync(LongestStop);

    /// <summary>Waits for its end, and for the last of its output.</summary>
    public Task WaitForEndAsync() => process.WaitForExitAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        Reaper.Forget(Id);
        process.Dispose();
    }
}
