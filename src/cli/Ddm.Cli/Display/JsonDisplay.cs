using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary>One JSON object a line.</summary>
internal sealed class JsonDisplay : ProgressDisplay
{
    private static readonly JsonSerializerOptions Compact = new(BlobJson.Options) { WriteIndented = false };
    private readonly Lock gate = new();
    private readonly IngestRate ingest = new(TimeProvider.System);

    public override void Stage(RunStage stage, int done, int total) => Write(new { type = "stage", stage = stage.ToString(), done, total });

    public override void Ingest(long done, long total)
    {
        var (rate, left) = ingest.Next(done, total);
        Write(new { type = "ingest", done, total, imagesPerSecond = rate, secondsLeft = left?.TotalSeconds });
    }

    public override void Encoding(EncodingProgress progress) => Write(new
    {
        type = "encoding",
        stage = progress.Stage.ToString(),
        progress.Unit,
        progress.Done,
        progress.Total,
        progress.PerSecond,
        progress.EncoderBusy,
    });

    public override void Training(TrainingProgress progress) => Write(new
    {
        type = "training",
        role = progress.Role.Path,
        progress.Step,
        progress.Target,
        progress.ImagesPerSecond,
        progress.Loss,
        progress.CommittedStep,
        progress.CommittedAt,
    });

    public override void Notice(string message) => Write(new { type = "notice", message });

    public override void Ended(RunDocument document)
        => Write(new { type = "ended", run = document.Name, status = document.Status.ToString(), document.Failure, document.ModelVersion });

    public override void Ended(RunFacts facts)
        => Write(new { type = "ended", run = facts.Run, status = facts.Status.ToString(), facts.Failure, facts.ModelVersion });

    private void Write(object record)
    {
        lock (gate)
        {
            Console.WriteLine(JsonSerializer.Serialize(record, Compact));
        }
    }
}
