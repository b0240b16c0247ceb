using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Bench;

/// <summary>Whether training keeps anything: resident memory and live tensors over 5,000 steps with a checkpoint's parts written now and then.</summary>
internal sealed class MemoryBenchmark : Benchmark
{
    private const int Steps = 5_000, Warmup = 500, Every = 250;
    private const long MostGrowth = 8_000_000; // bytes

    public override string Name => "memory";

    public override string Title => "Memory of 5,000 training steps";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        using var trainer = new SteppedNetwork("DiT-Micro/4", ImageSize: 28, Channels: 1, Batch: 16).Train();
        var samples = new List<(long Step, long Resident, long Tensors)>();
        while (trainer.StepNumber < Warmup + Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            trainer.Step();
            if (trainer.StepNumber % Every != 0)
            {
                continue;
            }

            foreach (var (_, write) in trainer.CheckpointParts())
            {
                write(Stream.Null, cancellationToken).GetAwaiter().GetResult(); // nothing is waited for
            }

            trainer.Committed(trainer.StepNumber);
            TorchRuntime.Collect();
            if (trainer.StepNumber >= Warmup)
            {
                samples.Add((trainer.StepNumber - Warmup, ProcessMemory.Resident(), torch.Tensor.TotalCount));
            }
        }

        // Single samples differ by what the allocator holds at the moment: thirds are compared.
        var third = samples.Count / 3;
        var growth = (long)(Statistics.Median([.. samples[^third..].Select(s => (double)s.Resident)]) - Statistics.Median([.. samples[..third].Select(s => (double)s.Resident)]));
        var tensors = samples[^1].Tensors - samples[0].Tensors;
        return Task.FromResult(new Section(
            $"DiT-Micro/4, 49 tokens, batch 16: resident memory every {Every} steps after {Warmup} to warm up; at each of these points the parts of a checkpoint are written as well.",
            ["step", "resident", "live tensors"],
            [.. samples.Where(s => s.Step % 1000 == 0).Select(s => (IReadOnlyList<string>)[Cells.Count(s.Step), Cells.Megabytes(s.Resident), Cells.Count(s.Tensors)])],
            [
                new("resident memory does not grow: median of the last third over that of the first, at most 8 MB", Cells.Megabytes(growth), growth <= MostGrowth),
                new("as many tensors live at the end as at the beginning", Cells.Count(tensors), tensors == 0),
            ]));
    }
}
