using System.Text.Json;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Cli;

/// <summary>One JSON object a line.</summary>
internal sealed class VaeJsonDisplay : IVaeProgress
{
    private static readonly JsonSerializerOptions Compact = new(BlobJson.Options) { WriteIndented = false };

    public void Reading(int done, int total) => Write(new { type = "reading", done, total });

    public void Training(VaeProgress progress) => Write(new
    {
        type = "training",
        progress.Step,
        progress.Target,
        progress.Loss,
        progress.ImagesPerSecond,
        secondsLeft = progress.Left.TotalSeconds,
        progress.Measured,
        psnr = progress.HeldOut?.Psnr,
    });

    public void Notice(string message) => Write(new { type = "notice", message });

    private static void Write(object record) => Console.WriteLine(JsonSerializer.Serialize(record, Compact));
}
