using System.Diagnostics;
using System.Text;

namespace Ddm.Cli.Tests;

/// <summary>The command line as a process of its own, as a user starts it.</summary>
internal sealed class DdmProcess : IDisposable
{
    private readonly Process process;
    private readonly StringBuilder errors = new();
    private readonly Task readErrors;

    private DdmProcess(Process process)
    {
        this.process = process;
        readErrors = Task.Run(async () =>
        {
            while (await process.StandardError.ReadLineAsync() is { } line)
            {
                errors.AppendLine(line);
            }
        });
    }

    public int Id => process.Id;

    public static DdmProcess Start(params string[] arguments)
    {
        // Behind a shell's & SIGINT is ignored, and a child would inherit that: it shall hear the signal wherever the tests run.
        string[] command = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", "dotnet"] : ["dotnet"];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "ddm.dll"));
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment["OMP_NUM_THREADS"] = "1";
        return new DdmProcess(Process.Start(start)!);
    }

    /// <summary>Runs to the end.</summary>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var ddm = Start(arguments);
        return await ddm.EndAsync();
    }

    /// <summary>Reads lines until one holds <paramref name="text"/> for the <paramref name="times"/>-th time; false when the process ends first.</summary>
    public async Task<bool> ReadUntilAsync(string text, int times = 1)
    {
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal) && --times == 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the process ends by itself before the time is over.</summary>
    public async Task<bool> ExitedWithinAsync(TimeSpan time)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        over.CancelAfter(time);
        try
        {
            await process.WaitForExitAsync(over.Token);
            return true;
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>SIGKILL, no last words.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", ["-s", name, process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public async Task<(int Code, string Output, string Errors)> EndAsync()
    {
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await readErrors;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output, errors.ToString());
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }
}
