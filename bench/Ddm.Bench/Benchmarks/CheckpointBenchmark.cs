using System.Diagnostics;
using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace Ddm.Bench;

/// <summary>A commit of 1 GB through the checkpoint store beside writing and fsyncing the same bytes.</summary>
internal sealed class CheckpointBenchmark : Benchmark
{
    private const int Tensors = 64;
    private const int Numbers = (1 << 30) / Tensors / sizeof(float);
    private const int Rounds = 7;

    public override string Name => "checkpoint";

    public override string Title => "Committing a checkpoint of 1 GiB";

    public override async Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("ddm-bench-").FullName;
        var tensors = Enumerable.Range(0, Tensors).Select(i => ($"blocks.{i:D2}.weight", torch.randn(Numbers))).ToArray();
        try
        {
            var bytes = new byte[1 << 26];
            Random.Shared.NextBytes(bytes);
            var commit = await CommitterAsync(Path.Combine(folder, "home"), tensors, cancellationToken);
            var times = SideBySide.Run(
                Rounds, 1, cancellationToken, new Side("commit", commit), new Side("write and fsync", () => WritePlain(Path.Combine(folder, "plain"), bytes)));
            var ratio = times[0].Over(times[1]);
            return new Section(
                "Commit: three parts of safetensors from tensors in memory, hashed on the way, each fsynced and renamed, then manifest and head by compare-and-swap. Peer: "
                    + "one FileStream, the same number of bytes in writes of 64 MiB, fsync. The files are deleted between rounds, outside the times. "
                    + $"The disk: {new DriveInfo(folder).DriveFormat}.",
                ["", "median (range)", "rate"],
                [.. times.Select(side => (IReadOnlyList<string>)[side.Name, Cells.Times(side), Rate(side.Median)])],
                [new Target("commit of 1 GB at most 1.3 x writing and fsyncing the same bytes", Cells.Ratio(ratio), ratio <= 1.3)]);
        }
        finally
        {
            Array.ForEach(tensors, tensor => tensor.Item2.Dispose());
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Rate(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{(1L << 30) / seconds / 1e6:F0} MB/s");

    private static async Task<Func<double>> CommitterAsync(string home, (string, torch.Tensor)[] tensors, CancellationToken cancellationToken)
    {
        var store = new FileBlobStore(home);
        var checkpoints = new CheckpointStore(store, TimeProvider.System, NullLogger.Instance);
        var claim = ((ClaimOutcome.Claimed)await checkpoints.ClaimAsync(
            "bench", Role.Expert(0), "bench", _ => true, TimeSpan.FromMinutes(1), cancellationToken)).Claim;
        var numerics = TorchRuntime.Describe(torch.CPU, 1, 1);
        var step = 0L;
        return () => CommitAsync().GetAwaiter().GetResult();

        async Task<double> CommitAsync()
        {
            // weights : average : both moments as in a training state, 1 : 1 : 2
            var request = new CommitRequest
            {
                Step = step + 1,
                FromStep = step,
                DataManifestSha256 = "none",
                Numerics = numerics,
                Parts = [Part("weights.safetensors", 0, 16), Part("ema.safetensors", 16, 32), Part("optimizer.safetensors", 32, 64)],
            };
            var started = Stopwatch.GetTimestamp();
            var outcome = await checkpoints.CommitAsync(claim, request, cancellationToken);
            var took = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var folder = BlobNames.Checkpoint("bench", Role.Expert(0), ++step, ((CommitOutcome.Committed)outcome).Manifest.Epoch);
            foreach (var (name, _) in request.Parts)
            {
                await store.DeleteAsync(folder + name, cancellationToken);
            }

            return took;
        }

        (string, Func<Stream, CancellationToken, Task>) Part(string name, int from, int to) => (name, (stream, _) =>
        {
            TensorFile.Save(stream, tensors[from..to]);
            return Task.CompletedTask;
        }
        );
    }

    private static double WritePlain(string file, byte[] piece)
    {
        var started = Stopwatch.GetTimestamp();
        using (var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            for (long written = 0; written < 1L << 30; written += piece.Length)
            {
                stream.Write(piece);
            }

            stream.Flush(flushToDisk: true);
        }

        var took = Stopwatch.GetElapsedTime(started).TotalSeconds;
        File.Delete(file);
        return took;
    }
}
