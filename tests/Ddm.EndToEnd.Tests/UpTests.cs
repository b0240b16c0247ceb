using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary><c>ddm up</c> as a user without containers has it: a run is submitted, watched to its end, and Ctrl+C leaves nothing behind.</summary>
public sealed class UpTests
{
    private static readonly string Ddm = ServiceProcess.ProgramOf("cli", "Ddm.Cli", "ddm");
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(4);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("folder")]
    [InlineData("azurite")]
    public async Task ARunGoesThroughAndNothingIsLeftBehind(string blobs)
    {
        using var files = new TinyFolder();
        var port = LoopbackPort.Free(1)[0];
        var output = new ConcurrentQueue<string>();
        using var up = Start(files, "up", "--home", files.Home, "--port", port.ToString(CultureInfo.InvariantCulture), "--blobs", blobs, "--root", files.Folder);
        up.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        up.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        up.BeginOutputReadLine();
        up.BeginErrorReadLine();
        try
        {
            await Waiting.ForAsync(
                "ddm up is ready", LongestStart, _ => up.HasExited ? throw new InvalidOperationException("ddm up ended") : Task.FromResult(output.Contains("Ctrl+C stops all.")), Said);
            string[] there = ["--server", $"http://127.0.0.1:{port}"];
            var (code, said) = await RunAsync(files, ["up", "--home", files.Home]);
            Assert.True(code == 2 && said.Contains("another 'ddm up' works in", StringComparison.Ordinal), said);
            (code, said) = await RunAsync(files, ["submit", files.SpecFile, .. there]);
            Assert.True(code == 0, said);
            (code, said) = await RunAsync(files, ["watch", "tiny", "--json", .. there]);
            Assert.True(code == 0, said + Said());
            Assert.Contains("\"Succeeded\"", said, StringComparison.Ordinal);
        }
        finally
        {
            if (!up.HasExited)
            {
                Signals.Send(up.Id, 2);
            }

            await up.WaitForExitAsync(CancellationToken.None);
        }

        Assert.True(up.ExitCode == 0, Said());
        Assert.DoesNotContain(output, line => line.Contains("did not stop in time", StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.GetDirectories("/proc"), process => Mentions(process, files.Home));

        string Said() => string.Join(Environment.NewLine, output);
    }

    private static bool Mentions(string process, string home)
    {
        try
        {
            string[] files = [Path.Combine(process, "environ"), Path.Combine(process, "cmdline")];
            return files.Where(File.Exists).Any(file => File.ReadAllText(file).Contains(home, StringComparison.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone since, or another user's
        }
    }

    private static async Task<(int Code, string Said)> RunAsync(TinyFolder files, string[] arguments)
    {
        using var process = Start(files, arguments);
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, string.Concat(said));
    }

    private static Process Start(TinyFolder files, params string[] arguments)
    {
        // Behind a shell's & SIGINT is ignored, and a child would inherit that.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Ddm, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = files.Folder };
        start.Environment["XDG_DATA_HOME"] = Path.Combine(files.Folder, "share"); // of the key
        start.Environment["DDM_AZURITE"] = AzuriteTool();
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
