using System.Text.Json;
using Ddm.Storage;

namespace Ddm.Training;

/// <summary>The metrics of the steps since the previous commit: part <c>metrics.jsonl</c> of a checkpoint, a line a step.</summary>
public sealed class MetricsLog
{
    /// <summary>File name in a checkpoint.</summary>
    public const string Part = "metrics.jsonl";

    private static readonly JsonSerializerOptions OneLine = new(BlobJson.Options) { WriteIndented = false };

    private readonly List<StepMetrics> steps = [];

    /// <summary>The steps, oldest first.</summary>
    public IReadOnlyList<StepMetrics> Steps => steps;

    /// <summary>Reads a part back.</summary>
    public static async Task<IReadOnlyList<StepMetrics>> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        var read = new List<StepMetrics>();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            read.Add(JsonSerializer.Deserialize<StepMetrics>(line, OneLine) ?? throw new InvalidDataException($"{Part} has an empty line {read.Count + 1}."));
        }

        return read;
    }

    internal void Add(StepMetrics metrics) => steps.Add(metrics);

    internal void Replace(IReadOnlyList<StepMetrics> others)
    {
        steps.Clear();
        steps.AddRange(others);
    }

    /// <summary>Writes a measurement beside the step it was taken after.</summary>
    internal void SetHeldOutLoss(double loss)
    {
        if (steps.Count > 0)
        {
            steps[^1] = steps[^1] with { HeldOutLoss = loss };
        }
    }

    internal void ForgetUpTo(long step) => steps.RemoveAll(metrics => metrics.Step <= step);

    internal byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        foreach (var metrics in steps)
        {
            JsonSerializer.Serialize(stream, metrics, OneLine);
            stream.WriteByte((byte)'\n');
        }

        return stream.ToArray();
    }
}
