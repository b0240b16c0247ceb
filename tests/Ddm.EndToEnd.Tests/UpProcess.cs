using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary><c>ddm up</c> as a user starts it, and what is left of it.</summary>
internal sealed class UpProcess : IAsyncDisposable
{
    private const int Interrupt = 2;
    private static readonly string Ddm = ServiceProcess.ProgramOf("cli", "Ddm.Cli", "ddm");
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(4), LongestStop = TimeSpan.FromMinutes(2);
    private readonly ConcurrentQueue<string> output = new();
    private readonly TinyFolder files;
    private readonly Process process;

    private UpProcess(TinyFolder files, string? azurite, string[] arguments)
    {
        this.files = files;
        Port = LoopbackPort.Block(8); // of the services too
        process = Start(files, azurite, ["up", "--home", files.Home, "--port", Port.ToString(CultureInfo.InvariantCulture), "--root", files.Folder, .. arguments]);
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Port { get; }

    /// <summary>Options of a command that asks it.</summary>
    public string[] There => ["--server", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}")];

    /// <summary>What it has said.</summary>
    public string Said => string.Join(Environment.NewLine, output);

    /// <summary>Starts it in a folder.</summary>
    public static UpProcess Start(TinyFolder files, params string[] arguments) => new(files, null, arguments);

    /// <summary>As the other overload, with a program of the test's in Azurite's place.</summary>
    public static UpProcess StartWith(TinyFolder files, string azurite, params string[] arguments) => new(files, azurite, arguments);

    /// <summary>Runs another command in the folder.</summary>
    public static async Task<(int Code, string Said)> RunAsync(TinyFolder files, params string[] arguments)
    {
        using var other = Start(files, null, arguments);
        var said = await Task.WhenAll(other.StandardOutput.ReadToEndAsync(), other.StandardError.ReadToEndAsync());
        await other.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (other.ExitCode, string.Concat(said));
    }

    /// <summary>Waits until it says that all is there.</summary>
    public Task ReadyAsync() => SaysAsync("Ctrl+C stops all.");

    /// <summary>Waits until it says something.</summary>
    public Task SaysAsync(string what) => Waiting.ForAsync(
        $"ddm up says '{what}'", LongestStart, _ => process.HasExited ? throw new InvalidOperationException("ddm up ended") : Task.FromResult(Said.Contains(what, StringComparison.Ordinal)), () => Said);

    /// <summary>Ctrl+C, and waits for its end.</summary>
    public Task<int> StopAsync() => EndAsync(Interrupt);

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => EndAsync(Signals.Kill);

    /// <summary>Waits for its end.</summary>
    public async Task<int> EndAsync(int signal = 0)
    {
        if (signal != 0 && !process.HasExited)
        {
            Signals.Send(process.Id, signal);
        }

        await process.WaitForExitAsync(CancellationToken.None).WaitAsync(LongestStop);
        return process.ExitCode;
    }

    /// <summary>Waits until no program of the folder's runs any more.</summary>
    public Task GoneAsync() => Waiting.ForAsync("all programs end", LongestStop, _ => Task.FromResult(!Left(files.Home).Any()), () => string.Join('\n', Left(files.Home)) + "\n" + Said);

    /// <summary>The programs that were started in a home, as <c>number command</c>.</summary>
    public static IEnumerable<string> Left(string home) => Directory.GetDirectories("/proc")
        .Where(folder => int.TryParse(Path.GetFileName(folder), out var id) && id != Environment.ProcessId && Mentions(folder, home))
        .Select(folder => $"{Path.GetFileName(folder)} {Read(Path.Combine(folder, "cmdline")).Replace('\0', ' ')}");

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        process.Dispose();
    }

    private static bool Mentions(string process, string home) => new[] { "environ", "cmdline" }.Any(file => Read(Path.Combine(process, file)).Contains(home, StringComparison.Ordinal));

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // gone since, or another user's
        }
    }

    private static Process Start(TinyFolder files, string? azurite, string[] arguments)
    {
        // Behind a shell's & SIGINT is ignored, and a child would inherit that.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Ddm, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = files.Folder };
        start.Environment["XDG_DATA_HOME"] = Path.Combine(files.Folder, "share"); // of the key
        start.Environment["DDM_AZURITE"] = azurite ?? AzuriteTool();
        return Process.Start(start)!;
    }

    private static string AzuriteTool()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named
            ? named : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var tools = Environment.GetEnvironmentVariable("DDM_TEST_TOOLS") is { Length: > 0 } set ? set : Path.Combine(cache, "ddm-tests");
        return Path.Combine(tools, "azurite-3.37.0", "node_modules", ".bin", "azurite-blob");
    }
}
