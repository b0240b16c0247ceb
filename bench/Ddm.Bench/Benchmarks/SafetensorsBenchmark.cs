using System.Globalization;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Bench;

/// <summary>Loading 1 GB of tensors beside reading the file, from a warm page cache both.</summary>
internal sealed class SafetensorsBenchmark : Benchmark
{
    private const int Tensors = 64;
    private const int Numbers = (1 << 30) / Tensors / sizeof(float);
    private const int Rounds = 9;

    public override string Name => "safetensors";

    public override string Title => "Loading a safetensors file of 1 GiB";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("ddm-bench-").FullName;
        var file = Path.Combine(folder, "weights.safetensors");
        try
        {
            Write(file);
            var buffer = new byte[1 << 20];
            var times = SideBySide.Run(
                Rounds, 2, cancellationToken,
                new Side("load into tensors, all values checked", Stopwatched.Seconds(() => Load(file))),
                new Side("read into memory of its own", Stopwatched.Seconds(() => ReadWhole(file))),
                new Side("read through one buffer of 1 MiB", Stopwatched.Seconds(() => ReadThrough(file, buffer))));
            var ratio = times[0].Over(times[1]);
            return Task.FromResult(new Section(
                "64 float32 tensors, the file in the page cache for all sides. Loading parses the header, takes fresh memory, reads into it with all threads and looks for NaN and "
                    + "infinities. Peers, one thread each: one read call into a fresh array (a process that wants the file's content needs memory for it), and reading "
                    + $"through one small buffer, which touches no new memory. Against the latter the load takes {Cells.Ratio(times[0].Over(times[2]))}.",
                ["", "median (range)", "rate"],
                [.. times.Select(side => (IReadOnlyList<string>)[side.Name, Cells.Times(side), Rate(side.Median)])],
                [new Target("load at most 1.3 x reading the file", Cells.Ratio(ratio), ratio <= 1.3)]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Rate(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{(1L << 30) / seconds / 1e6:F0} MB/s");

    private static void Write(string file)
    {
        using var scope = torch.NewDisposeScope();
        using var stream = File.Create(file);
        TensorFile.Save(stream, [.. Enumerable.Range(0, Tensors).Select(i => ($"blocks.{i:D2}.weight", torch.randn(Numbers)))]);
    }

    private static void Load(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        using var bundle = TensorFile.Load(stream);
        bundle.RequireFinite();
    }

    private static void ReadWhole(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 0);
        var bytes = GC.AllocateUninitializedArray<byte>((int)stream.Length);
        stream.ReadExactly(bytes);
    }

    private static void ReadThrough(string file, byte[] buffer)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 0);
        while (stream.Read(buffer) > 0)
        {
        }
    }
}
