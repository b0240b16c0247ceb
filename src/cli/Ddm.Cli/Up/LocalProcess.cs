using System.Diagnostics;
using System.Globalization;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>A program that <c>ddm up</c> started: its output goes into a file, and a Ctrl+C in the terminal reaches <c>ddm</c> alone, which stops its programs in order.</summary>
internal sealed class LocalProcess : IAsyncDisposable
{
    private const string Shell = "/bin/sh";

    private readonly Process process;
    private readonly Task copying;

    private LocalProcess(string name, string log, Process process, Task copying)
    {
        (Name, Log, this.process, this.copying) = (name, log, process, copying);
        Id = process.Id;
        StartedAt = process.StartTime.ToUniversalTime();
    }

    /// <summary>What people call it.</summary>
    public string Name { get; }

    /// <summary>Where its output goes.</summary>
    public string Log { get; }

    /// <summary>Its number.</summary>
    public int Id { get; }

    /// <summary>When it was started, as the system tells it.</summary>
    public DateTime StartedAt { get; }

    /// <summary>Whether it has ended, and how.</summary>
    public int? ExitCode => process.HasExited ? process.ExitCode : null;

    /// <summary>Ends when the program does.</summary>
    public Task Exited => process.WaitForExitAsync();

    /// <summary>Starts a program, which waits for <see cref="Go"/>: one whose starter is killed before it has told anybody of the program ends by itself.</summary>
    /// <param name="name">What people call it.</param>
    /// <param name="log">File its output is added to.</param>
    /// <param name="command">Program and arguments.</param>
    /// <param name="environment">Added to this process's own.</param>
    /// <exception cref="UserErrorException">It cannot be started.</exception>
    public static LocalProcess Start(string name, string log, IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment)
    {
        var start = Detached(File.Exists(Shell) ? [Shell, "-c", "read -r go && exec \"$@\"", name, .. command] : command);
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        start.WorkingDirectory = Path.GetDirectoryName(log);
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        try
        {
            var process = Process.Start(start)!;
            return new LocalProcess(name, log, process, CopyAsync(process, log));
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new UserErrorException($"{name} cannot be started ({command[0]}): {e.Message}", e);
        }
    }

    /// <summary>Lets it begin.</summary>
    public void Go()
    {
        try
        {
            process.StandardInput.WriteLine("go");
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // it has ended: whoever waits for it sees that
        }
    }

    /// <summary>How a program is started that no signal of the terminal reaches.</summary>
    public static ProcessStartInfo Detached(IReadOnlyList<string> command)
    {
        const string NewSession = "/usr/bin/setsid";
        string[] whole = OperatingSystem.IsLinux() && File.Exists(NewSession) ? [NewSession, .. command] : [.. command];
        return new ProcessStartInfo(whole[0], whole[1..]);
    }

    /// <summary>Asks it to stop, and ends it when it has not done so in time.</summary>
    /// <returns>Whether it went by itself.</returns>
    public Task<bool> StopAsync(TimeSpan patience) => StopAsync(process, patience);

    /// <summary>As the other overload, of any program of this user's.</summary>
    public static async Task<bool> StopAsync(Process process, TimeSpan patience)
    {
        if (!process.HasExited)
        {
            await SignalAsync(process, "TERM");
        }

        try
        {
            await process.WaitForExitAsync().WaitAsync(patience);
            return true;
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            return false;
        }
    }

    /// <summary>The last lines of its output.</summary>
    public string Tail()
    {
        using var file = new FileStream(Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return string.Join(Environment.NewLine, reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(5).Select(line => "  " + Printable.Line(line)));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        await copying;
        process.Dispose();
    }

    private static async Task SignalAsync(Process process, string signal)
    {
        if (OperatingSystem.IsWindows())
        {
            process.CloseMainWindow();
            return;
        }

        using var kill = Process.Start("kill", ["-s", signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    private static async Task CopyAsync(Process process, string log)
    {
        await using var file = new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 1);
        using var turn = new SemaphoreSlim(1);
        await Task.WhenAll(CopyAsync(process.StandardOutput.BaseStream), CopyAsync(process.StandardError.BaseStream));

        async Task CopyAsync(Stream from)
        {
            var buffer = new byte[8192];
            while (await from.ReadAsync(buffer) is > 0 and var read)
            {
                await turn.WaitAsync();
                try
                {
                    await file.WriteAsync(buffer.AsMemory(0, read));
                    await file.FlushAsync();
                }
                catch (IOException)
                {
                    // A full disk: a program whose output nobody takes would stand still.
                }
                finally
                {
                    turn.Release();
                }
            }
        }
    }
}
