using System.Diagnostics;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Ddm.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>Curves and events out of the blobs, and TensorBoard files read by an independent reader.</summary>
public sealed class TensorBoardTests : IDisposable
{
    private static readonly string StepASlice = TinyFolder.DefaultSpec.Replace("slice_seconds: 0.01", "slice_seconds: 0.001", StringComparison.Ordinal);
    private readonly string folder = Directory.CreateTempSubdirectory("ddm-tb-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task FilesHoldEveryCommittedStepOnceThoughTheWriterDied()
    {
        using var tiny = new TinyRun(StepASlice);
        using (var stop = new StopSignal())
        {
            await tiny.RunAsync(new RecordingProgress(p => RaiseAfter(p, stop)), stop);
        }

        await Export(tiny).SyncAsync(TinyRun.Name, Cancel);
        var half = FileOf("experts/0");
        var cut = File.ReadAllBytes(half)[..^5];
        File.WriteAllBytes(half, cut); // the writer died inside its last record
        await tiny.RunAsync();
        await Export(tiny).SyncAsync(TinyRun.Name, Cancel);
        Assert.Equal(0, await Export(tiny).SyncAsync(TinyRun.Name, Cancel));

        foreach (var role in (await tiny.InspectAsync()).Roles)
        {
            var records = await ReadAsync(FileOf(role.Role));
            Assert.Equal("brain.Event:2", records[0].GetProperty("file_version").GetString());
            Assert.Equal(Enumerable.Range(1, (int)role.Target).Select(i => (long)i), records.Skip(1).Select(r => r.GetProperty("step").GetInt64()));
            var curve = await HistoryAsync(tiny, Role.Parse(role.Role));
            Assert.Equal(curve.Select(m => (float)m.Loss), records.Skip(1).Select(r => r.GetProperty("scalars").GetProperty("loss").GetSingle()));
            Assert.Contains(records, r => r.GetProperty("scalars").TryGetProperty("held_out_loss", out _));
            var times = records.Select(r => r.GetProperty("wall_time").GetDouble()).ToArray();
            Assert.True(times[^1] >= times[0]);
        }

        var image = (await ReadAsync(FileOf("samples")))[1].GetProperty("images").GetProperty("samples");
        Assert.Equal("89504e47", image.GetProperty("png").GetString());
        Assert.True(image.GetProperty("width").GetInt32() > 8);
    }

    [Fact]
    public async Task AFolderThatCannotBeWrittenIsSaidOnceAndTrainingGoesOn()
    {
        using var tiny = new TinyRun();
        var file = Path.Combine(folder, "file");
        await File.WriteAllTextAsync(file, "not a folder", Cancel);
        var told = new RecordingProgress();
        using var stop = new StopSignal();
        await using var curves = new TensorBoardProgress(told, Export(tiny, file), TinyRun.Name);
        await using var host = await EmbeddedHost.StartAsync(tiny.Blobs, curves, stop, Cancel);

        var document = await host.RunAsync(tiny.SpecText, tiny.SpecFile, Cancel);
        await curves.DisposeAsync();

        Assert.Equal(RunStatus.Succeeded, document.Status);
        var notice = Assert.Single(told.Notices, n => n.Contains("TensorBoard", StringComparison.Ordinal));
        Assert.Contains("training goes on", notice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoticesAreEventsOfTheRun()
    {
        using var tiny = new TinyRun(StepASlice);
        using (var stop = new StopSignal())
        {
            await tiny.RunAsync(new RecordingProgress(p => RaiseAfter(p, stop)), stop);
        }

        var newest = Path.Combine(tiny.Home, await tiny.NewestCheckpointAsync(Role.Expert(0)), "weights.safetensors");
        var bytes = await File.ReadAllBytesAsync(newest, Cancel);
        bytes[^5] ^= 1;
        await File.WriteAllBytesAsync(newest, bytes, Cancel);
        await tiny.RunAsync();

        var events = await RunEvents.ReadAsync(tiny.Blobs, TinyRun.Name, Cancel);
        Assert.Contains(events, e => e.Kind == RunEvent.Notice && e.Text.Contains("sha256", StringComparison.Ordinal));
        Assert.Equal(
            Enum.GetNames<RunStage>(), events.Where(e => e.Kind == RunEvent.Stage).Select(e => e.Text));
        var curve = await HistoryAsync(tiny, Role.Expert(0));
        Assert.Equal(Enumerable.Range(1, 12).Select(i => (long)i), curve.Select(m => m.Step));
    }

    private static void RaiseAfter(TrainingProgress progress, StopSignal stop)
    {
        if (progress.Role == Role.Expert(0) && progress.CommittedStep >= 4)
        {
            stop.Raise();
        }
    }

    private static Task<IReadOnlyList<StepMetrics>> HistoryAsync(TinyRun tiny, Role role)
        => RunMetrics.HistoryAsync(tiny.Blobs, new CheckpointStore(tiny.Blobs, TimeProvider.System, NullLogger.Instance), TinyRun.Name, role, [], Cancel);

    private TensorBoardExport Export(TinyRun tiny, string? other = null)
        => new(tiny.Blobs, new CheckpointStore(tiny.Blobs, TimeProvider.System, NullLogger.Instance), new RunRepository(tiny.Blobs), other ?? folder);

    private string FileOf(string part) => Directory.GetFiles(Path.Combine(folder, TinyRun.Name, part)).Single();

    private static async Task<JsonElement[]> ReadAsync(string file)
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "read_tfevents.py"));
        start.ArgumentList.Add(file);
        using var python = Process.Start(start)!;
        var output = await python.StandardOutput.ReadToEndAsync(Cancel);
        var errors = await python.StandardError.ReadToEndAsync(Cancel);
        await python.WaitForExitAsync(Cancel);
        Assert.True(python.ExitCode == 0, errors);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
