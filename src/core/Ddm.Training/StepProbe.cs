using System.Diagnostics;
using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>What a few real training steps of a role's network took on this machine, on made-up images.</summary>
/// <param name="SecondsPerStep">Of the batch and network asked for; scaled where a smaller one was measured.</param>
/// <param name="PeakBytes">Memory of the process at its highest during a step, scaled likewise.</param>
/// <param name="Steps">Steps timed.</param>
/// <param name="Scaled">What was measured instead, and by what it was scaled; null: the very step asked for.</param>
public sealed record StepProbe(double SecondsPerStep, long PeakBytes, int Steps, string? Scaled)
{
    /// <summary>float32 weights, average, two moments and gradients.</summary>
    public const int StateBytesPerParameter = 20;

    private const int MostSteps = 60;
    private const int FewestSteps = 3;
    private const int ShallowDepth = 2;

    /// <summary>Measures a role. Call on the thread that owns the device's tensors.</summary>
    /// <param name="spec">The run's spec.</param>
    /// <param name="role">An expert or the router.</param>
    /// <param name="classes">Classes of the data set.</param>
    /// <param name="numerics">The role's numerics class.</param>
    /// <param name="device">Where it would train.</param>
    /// <param name="budget">About how long to measure.</param>
    /// <param name="text">What networks see of captions, where these are the run's condition.</param>
    public static StepProbe Measure(RunSpec spec, Role role, int classes, NumericsClass numerics, Device device, TimeSpan budget, TextShape? text = null)
    {
        var asked = Shape(spec, role, classes, text);
        var scale = 1.0;
        var scaled = "";
        if (asked.State > AvailableBytes() / 3)
        {
            spec = WithDepth(spec, role, ShallowDepth);
            var shallow = Shape(spec, role, classes, text);
            scale = (double)asked.Flops / shallow.Flops;
            scaled = string.Create(CultureInfo.InvariantCulture, $"{ShallowDepth} blocks of the network, scaled by FLOPs; ");
        }

        var batch = Roles.Training(spec, role).Batch;
        var measured = LargestBatch(batch, budget, trial => Time(spec, role, classes, text, numerics, device, trial, TimeSpan.Zero, FewestSteps).Fastest);
        var (median, _, steps, peak) = Time(spec, role, classes, text, numerics, device, measured, budget, FewestSteps);
        if (measured < batch)
        {
            scaled += string.Create(CultureInfo.InvariantCulture, $"a batch of {measured}, scaled to {batch}; ");
        }

        var state = Shape(spec, role, classes, text).State;
        var micro = Math.Min(numerics.MicroBatch, batch);
        var bytes = peak.Before + asked.State + (long)(Math.Max(0, peak.Highest - peak.Before - state) * scale * micro / Math.Min(micro, measured));
        return new StepProbe(
            median.TotalSeconds * scale * batch / measured, scaled.Length == 0 ? peak.Highest : bytes, steps, scaled.Length == 0 ? null : scaled.TrimEnd(' ', ';'));
    }

    private static (long Flops, long State) Shape(RunSpec spec, Role role, int classes, TextShape? text)
    {
        var shape = Roles.Network(spec, role, classes, text);
        var experts = spec.Partition.Experts;
        return role.Kind == RoleKind.Router
            ? (Flops.RouterForward(shape, experts), ParameterCount.OfRouter(shape, experts) * StateBytesPerParameter)
            : (Flops.Forward(shape), ParameterCount.Of(shape) * StateBytesPerParameter);
    }

    // Grows the batch while a few steps of the next one still fit: small batches alone would say little of large ones.
    private static int LargestBatch(int batch, TimeSpan budget, Func<int, TimeSpan> time)
    {
        const int Growth = 4;
        var trial = 1;
        while (trial < batch && time(trial) * Growth * FewestSteps <= budget)
        {
            trial = Math.Min(batch, trial * Growth);
        }

        return trial;
    }

    private static (TimeSpan Median, TimeSpan Fastest, int Steps, (long Before, long Highest) Peak) Time(
        RunSpec spec, Role role, int classes, TextShape? text, NumericsClass numerics, Device device, int batch, TimeSpan budget, int fewest)
    {
        spec = WithBatch(spec, role, batch);
        numerics = numerics with { MicroBatch = Math.Min(numerics.MicroBatch, batch) };
        var before = MemoryPeak.Restart();
        using var trainer = new Trainer(
            spec, role, Roles.Objective(spec, role, classes, numerics, text), Roles.Network(spec, role, classes, text),
            new MadeUpRows(Math.Max(batch, 64), classes, spec.Partition.Experts, text), null, numerics, device, TimeProvider.System, null);
        trainer.InitializeOrLoadAsync(null).GetAwaiter().GetResult(); // without a checkpoint there is nothing to wait for
        trainer.Step(); // the first pays for libtorch's own preparations
        var (times, began) = (new List<double>(), Stopwatch.GetTimestamp());
        while (times.Count < fewest || (times.Count < MostSteps && Stopwatch.GetElapsedTime(began) < budget))
        {
            times.Add(trainer.Step().Seconds);
        }

        times.Sort();
        return (TimeSpan.FromSeconds(times[times.Count / 2]), TimeSpan.FromSeconds(times[0]), times.Count, (before, MemoryPeak.Read()));
    }

    private static RunSpec WithBatch(RunSpec spec, Role role, int batch) => role.Kind == RoleKind.Router
        ? spec with { Router = spec.Router with { Training = spec.Router.Training with { Batch = batch } } }
        : spec with { Experts = spec.Experts with { Batch = batch } };

    private static RunSpec WithDepth(RunSpec spec, Role role, int depth) => role.Kind == RoleKind.Router
        ? spec with { Router = spec.Router with { Network = NetworkPresets.Resolve(spec.Router.Network) with { Depth = depth } } }
        : spec with { Model = NetworkPresets.Resolve(spec.Model) with { Depth = depth } };

    private static long AvailableBytes() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    // Any images do: a step's time does not depend on what they show.
    private sealed class MadeUpRows(int rows, int classes, int clusters, TextShape? text) : IRowSource
    {
        public IReadOnlyList<int> ShardRows { get; } = [rows];

        public TextShape? Text => text;

        public void Load(IReadOnlyCollection<int> shards)
        {
        }

        public void CopyRow(int shard, int row, Span<byte> pixels, out long label, out int cluster)
        {
            for (var i = 0; i < pixels.Length; i++)
            {
                pixels[i] = (byte)((row * 31) + (i * 7));
            }

            label = classes > 0 ? row % classes : -1;
            cluster = row % clusters;
        }

        public void CopyText(int shard, int? row, Span<byte> condition)
        {
            condition.Clear();
            condition[0] = TextShape.NullToken; // vectors of zeros, nearly
        }

        public long RowId(int shard, int row) => row;
    }
}
