using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>Plain lines for logs and pipes: a line a stage piece at most every second, a line a role at most every ten.</summary>
internal sealed class LineDisplay(TimeProvider? clock = null) : ProgressDisplay
{
    private static readonly TimeSpan TrainingEvery = TimeSpan.FromSeconds(10);
    private readonly TimeProvider time = clock ?? TimeProvider.System;
    private readonly ConcurrentDictionary<Role, long> shown = new();
    private readonly IngestRate ingest = new(clock ?? TimeProvider.System);
    private long rateShown = (clock ?? TimeProvider.System).GetTimestamp();
    private (RunStage Stage, int Done) last = (RunStage.Done, -1);

    public override void Stage(RunStage stage, int done, int total)
    {
        if (last != (stage, done))
        {
            last = (stage, done);
            Console.WriteLine(total > 1 ? $"{stage}: {done}/{total}" : $"{stage}");
        }
    }

    public override void Ingest(long done, long total) => ShowRate(ingest.Text(done, total));

    public override void Encoding(EncodingProgress progress) => ShowRate(EncodingText.Line(progress));

    public override void Training(TrainingProgress progress)
    {
        var now = time.GetTimestamp();
        var due = !shown.TryGetValue(progress.Role, out var at) || time.GetElapsedTime(at, now) >= TrainingEvery || !progress.Active;
        if (due && progress.Loss is not null)
        {
            shown[progress.Role] = now;
            Console.WriteLine(TrainingText.Line(progress));
        }
    }

    public override void Notice(string message) => Console.WriteLine("note: " + message);

    private void ShowRate(string text)
    {
        if (time.GetElapsedTime(rateShown) >= TrainingEvery)
        {
            rateShown = time.GetTimestamp();
            Console.WriteLine(text);
        }
    }
}
