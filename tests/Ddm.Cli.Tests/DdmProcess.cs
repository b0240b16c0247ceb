using System.Diagnostics;
using System.Text;

namespace Ddm.Cli.Tests;

/// <summary>The command line as a process of its own, as a user starts it.</summary>
internal sealed class DdmProcess : IDisposable
{
    // Far longer than any command here takes: one that hangs fails its test and no more.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(4);

    private readonly Process process;
    private readonly StringBuilder errors = new();
    private readonly Task readErrors;
    private readonly string words;
    private readonly CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    private DdmProcess(Process process, string words)
    {
        (this.process, this.words) = (process, words);
        patience.CancelAfter(Longest);
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
        return new DdmProcess(Process.Start(start)!, string.Join(' ', arguments));
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
        while (await InTimeAsync(process.StandardOutput.ReadLineAsync, $"until '{text}' was said {times} times more") is { } line)
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
        var output = await InTimeAsync(token => new ValueTask<string>(process.StandardOutput.ReadToEndAsync(token)), "to its end");
        await readErrors;
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, output, errors.ToString());
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
        patience.Dispose();
    }

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, ValueTask<T>> read, string awaited)
    {
        try
        {
            return await read(patience.Token);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"'ddm {words}' went on for {Longest.TotalMinutes:F0} minutes, waited for {awaited}. Errors so far: {errors}");
        }
    }
}
