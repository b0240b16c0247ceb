using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary>A file that names the programs which <c>ddm up</c> has started, so that the next one can stop what an earlier one left: a killed one, whose guard was killed too.</summary>
internal sealed class LeftPrograms(string file)
{
    private static readonly TimeSpan SameStart = TimeSpan.FromSeconds(2); // how exactly the system tells a start
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(0.1);
    private readonly List<StartedProgram> started = [];

    /// <summary>Notes a program as started.</summary>
    public void Note(LocalProcess program)
    {
        started.Add(new StartedProgram(program.Name, program.Id, program.StartedAt));
        File.WriteAllText(file, JsonSerializer.Serialize(started, BlobJson.Options));
    }

    /// <summary>None is left.</summary>
    public void Clear()
    {
        started.Clear();
        File.Delete(file);
    }

    /// <summary>Stops what an earlier one left, in the order in which they need each other.</summary>
    /// <param name="patience">How long all of them may take before they are killed.</param>
    /// <returns>The names of what was stopped.</returns>
    public async Task<IReadOnlyList<string>> StopAsync(TimeSpan patience)
    {
        var names = new List<string>();
        foreach (var program in Enumerable.Reverse<StartedProgram>(Read()))
        {
            if (Find(program) is { } process)
            {
                using (process)
                {
                    names.Add(program.Name);
                    await StopAsync(process, program.Id, patience);
                }
            }
        }

        Clear();
        return names;
    }

    // It is nobody's child any more, so that the system may never tell its end: it is looked for.
    private static async Task StopAsync(Process process, int id, TimeSpan patience)
    {
        var stopping = LocalProcess.StopAsync(process, patience);
        while (!stopping.IsCompleted && !IsZombie(id))
        {
            await Task.WhenAny(stopping, Task.Delay(LookEvery, CancellationToken.None));
        }
    }

    private List<StartedProgram> Read()
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<List<StartedProgram>>(File.ReadAllText(file), BlobJson.Options) ?? [] : [];
        }
        catch (JsonException)
        {
            return []; // cut off while it was written: a port that is taken will tell
        }
    }

    // Ended, and nobody has asked after it.
    private static bool IsZombie(int id) => File.Exists($"/proc/{id}/stat") && File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);

    // The number may be another program's by now.
    private static Process? Find(StartedProgram program)
    {
        try
        {
            var process = Process.GetProcessById(program.Id);
            if (!process.HasExited && !IsZombie(program.Id) && (process.StartTime.ToUniversalTime() - program.StartedAt).Duration() < SameStart)
            {
                return process;
            }

            process.Dispose();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception or IOException)
        {
            // it has ended, or it is another user's
        }

        return null;
    }

    /// <summary>A program that was started.</summary>
    /// <param name="Name">What people call it.</param>
    /// <param name="Id">Its number.</param>
    /// <param name="StartedAt">When, as the system tells it.</param>
    private sealed record StartedProgram(string Name, int Id, DateTime StartedAt);
}
