using System.Globalization;
using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// Keeps a second process off a run that one process works on by itself. An operating-system lock on <c>{home}/.locks/run-{name}.lock</c> decides, so
/// a dead holder never blocks; a readable file beside it only tells people who holds it.
/// </summary>
public sealed class RunLock : IDisposable
{
    private readonly FileStream _held;
    private readonly string _facts;

    private RunLock(FileStream held, string facts)
    {
        _held = held;
        _facts = facts;
    }

    /// <summary>Takes the run for this process until disposed.</summary>
    /// <exception cref="UserErrorException">Another holds it (the message says which process, since when, and what to do), or the name is no run's.</exception>
    public static RunLock Acquire(string home, string run)
    {
        if (!BlobName.IsSegment(run))
        {
            throw new UserErrorException($"'{run}' cannot name a run: use letters, digits, '.', '_' and '-', without a dot at either end.");
        }

        try
        {
            return Take(home, run);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && WriteFault.ForPeople(e, Path.GetFullPath(home), LocksOf(home)) is { } error)
        {
            throw error;
        }
    }

    /// <summary>Runs whose lock is held at this moment by a process, this one included. Only inside a <see cref="StartGate"/> is the answer still true when it comes.</summary>
    public static IReadOnlyList<string> Held(string home)
    {
        const string Before = "run-", After = ".lock";
        var folder = LocksOf(home);
        if (!Directory.Exists(folder))
        {
            return [];
        }

        var held = new List<string>();
        foreach (var file in Directory.EnumerateFiles(folder, Before + "*" + After))
        {
            using var free = FileLock.TryAcquire(file, FileMode.Open);
            if (free is null)
            {
                held.Add(Path.GetFileName(file)[Before.Length..^After.Length]);
            }
        }

        return held;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Facts first: after the lock they may be the next holder's. The lock's file stays, or two processes could lock two files of one name.
        File.Delete(_facts);
        _held.Dispose();
    }

    internal static string LocksOf(string home) => Path.Combine(Path.GetFullPath(home), ".locks");

    private static RunLock Take(string home, string run)
    {
        var folder = LocksOf(home);
        DurableFolder.Create(folder);
        var facts = Path.Combine(folder, $"run-{run}.json");
        using var gate = StartGate.Enter(home);
        var held = FileLock.TryAcquire(Path.Combine(folder, $"run-{run}.lock")) ?? throw Refused(run, facts);
        try
        {
            File.WriteAllBytes(facts, BlobJson.Serialize(new Holder(Environment.ProcessId, Environment.MachineName, Environment.CommandLine)));
            return new RunLock(held, facts);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static UserErrorException Refused(string run, string facts)
    {
        var holder = "another process";
        var stop = "stop that process";
        try
        {
            var read = JsonSerializer.Deserialize<Holder>(File.ReadAllBytes(facts), BlobJson.Options)!;
            var since = File.GetLastWriteTime(facts).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            holder = string.Create(CultureInfo.InvariantCulture, $"process {read.ProcessId} on {read.Host}, since {since} ({read.Command})");
            stop = string.Create(CultureInfo.InvariantCulture, $"stop it (Ctrl+C in its terminal, or `kill {read.ProcessId}` on {read.Host}: "
                + $"it commits and ends)");
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // taken a moment ago: the facts are not written yet
        }

        return new UserErrorException($"Run '{run}' is already being worked on by {holder}. Watch it with `ddm status {run}`, "
            + $"or {stop} and run this command again.");
    }

    private sealed record Holder(int ProcessId, string Host, string Command);
}
