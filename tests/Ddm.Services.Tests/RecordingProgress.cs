using System.Collections.Concurrent;
using Ddm.Runs;

namespace Ddm.Services.Tests;

/// <summary>Keeps what handlers tell, and lets a test act on it.</summary>
internal sealed class RecordingProgress(Action<TrainingProgress>? onTraining = null, Action<RunStage>? onStage = null) : IRunProgress
{
    public ConcurrentQueue<RunStage> Stages { get; } = new();

    public ConcurrentQueue<string> Notices { get; } = new();

    public ConcurrentQueue<TrainingProgress> TrainingReports { get; } = new();

    public ConcurrentQueue<EncodingProgress> Encodings { get; } = new();

    public void Encoding(EncodingProgress progress) => Encodings.Enqueue(progress);

    public void Stage(RunStage stage, int done, int total)
    {
        Stages.Enqueue(stage);
        onStage?.Invoke(stage);
    }

    public void Training(TrainingProgress progress)
    {
        TrainingReports.Enqueue(progress);
        onTraining?.Invoke(progress);
    }

    public void Notice(string message) => Notices.Enqueue(message);

    public void Ended(RunDocument document)
    {
    }
}
