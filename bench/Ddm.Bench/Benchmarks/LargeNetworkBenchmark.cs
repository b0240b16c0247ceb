using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Training;

namespace Ddm.Bench;

/// <summary>A DiT-XL/2 from its file beside reading the file, and the memory that takes.</summary>
internal sealed class LargeNetworkBenchmark : Benchmark
{
    private const int Rounds = 5;

    public override string Name => "large-network";

    public override string Title => "Loading DiT-XL/2";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var config = DiTConfig.From(NetworkPresets.Resolve(new NetworkSpec { Preset = "DiT-XL/2" }), imageSize: 32, channels: 4, classes: 1000);
        var folder = Directory.CreateTempSubdirectory("ddm-bench-").FullName;
        var file = Path.Combine(folder, "weights.safetensors");
        try
        {
            Write(config, file);
            var bytes = new FileInfo(file).Length;
            var buffer = new byte[1 << 26];
            var times = SideBySide.Run(
                Rounds, 1, cancellationToken,
                new Side("network from its file, all values checked", Stopwatched.Seconds(() => Load(config, file).Dispose())),
                new Side("read through one buffer of 64 MiB", Stopwatched.Seconds(() => Read(file, buffer))));
            GC.Collect();
            var before = ProcessMemory.Resident();
            ProcessMemory.ResetPeak();
            Load(config, file).Dispose();
            var (ratio, memory) = (times[0].Over(times[1]), (ProcessMemory.Peak() - before) / (double)bytes);
            return Task.FromResult(new Section(
                string.Create(CultureInfo.InvariantCulture, $"{config.Depth} blocks of width {config.Hidden}, {bytes / 1e9:F2} GB of float32, in the page cache for both sides. The network is made anew in every round and filled from the file in place. ")
                    + $"Peak memory above what was held before: {Cells.Ratio(memory)} the file.",
                ["", "median (range)"],
                [.. times.Select(side => (IReadOnlyList<string>)[side.Name, Cells.Times(side)])],
                [
                    new Target("load at most 1.3 x reading the file once", Cells.Ratio(ratio), ratio <= 1.3),
                    new Target("peak memory at most 1.15 x the file", Cells.Ratio(memory), memory <= 1.15),
                ]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Write(DiTConfig config, string file)
    {
        using var network = new DiT(config);
        using var stream = File.Create(file);
        TensorFile.Save(stream, NetworkWeights.Of(network));
    }

    private static DiT Load(DiTConfig config, string file)
    {
        var network = new DiT(config, initialize: false);
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        NetworkWeights.Load(network, stream);
        return network;
    }

    private static void Read(string file, byte[] buffer)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 0);
        while (stream.Read(buffer) > 0)
        {
        }
    }
}
