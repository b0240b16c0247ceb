using System.Diagnostics;
using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Training;

namespace Ddm.Bench;

/// <summary>A DiT-XL/2 from its file beside reading the file, and the memory that takes.</summary>
internal sealed class LargeNetworkBenchmark : Benchmark
{
    /// <summary>Argument of a process that loads the file that follows it and prints by how many bytes its peak memory rose: what other rounds have freed may not help it.</summary>
    public const string Argument = "--load-network";

    private const int Rounds = 5;

    private static DiTConfig Shape => DiTConfig.From(NetworkPresets.Resolve(new NetworkSpec { Preset = "DiT-XL/2" }), imageSize: 32, channels: 4, classes: 1000);

    public override string Name => "large-network";

    public override string Title => "Loading DiT-XL/2";

    public override async Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var config = Shape;
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
            var (ratio, memory) = (times[0].Over(times[1]), await PeakAsync(file, cancellationToken) / bytes);
            return new Section(
                string.Create(CultureInfo.InvariantCulture, $"{config.Depth} blocks of width {config.Hidden}, {bytes / 1e9:F2} GB of float32, in the page cache for both sides. The network is made anew in every round and filled from the file in place. ")
                    + $"Peak memory of a process that loads it once, above its own: {Cells.Ratio(memory)} the file.",
                ["", "median (range)"],
                [.. times.Select(side => (IReadOnlyList<string>)[side.Name, Cells.Times(side)])],
                [
                    new Target("load at most 1.3 x reading the file once", Cells.Ratio(ratio), ratio <= 1.3),
                    new Target("peak memory at most 1.15 x the file", Cells.Ratio(memory), memory <= 1.15),
                ]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Loads a file.</summary>
    public static int Run(string file)
    {
        TorchRuntime.SetThreads(Environment.ProcessorCount);
        var before = ProcessMemory.Peak();
        Load(Shape, file).Dispose();
        Console.WriteLine((ProcessMemory.Peak() - before).ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    private static async Task<double> PeakAsync(string file, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        start.ArgumentList.Add(Argument);
        start.ArgumentList.Add(file);
        using var process = Process.Start(start)!;
        var text = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return double.Parse(text, CultureInfo.InvariantCulture);
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
