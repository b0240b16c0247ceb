using System.Diagnostics;
using System.Globalization;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Bench;

/// <summary>
/// The way data takes from source to frozen clusters, in a process of its own, so that its peak memory is that of this way alone:
/// <c>Ddm.Bench --data-way ROWS</c> prints rows, MB of peak resident memory, seconds of ingest and of freeze, and the peak after ingest.
/// </summary>
internal static class DataWay
{
    public const string Argument = "--data-way";
    private const int Clusters = 8;

    /// <summary>Goes it with so many rows; the partition is row mod 8.</summary>
    public static async Task<int> RunAsync(int rows)
    {
        var folder = Directory.CreateTempSubdirectory("ddm-data-way-").FullName;
        try
        {
            var store = new FileBlobStore(folder);
            var (source, ingest) = (new DrawnImageSource(rows), new DatasetIngest(store));
            var spec = new DataSpec { Source = "drawn", ImageSize = 28, Channels = 1 };
            DatasetManifest? manifest = null;
            var ingested = await TimeAsync(async () =>
            {
                for (var shard = 0; shard < DatasetIngest.ShardCount(spec, source); shard++)
                {
                    await ingest.IngestShardAsync(spec, source, "drawn", shard, CancellationToken.None);
                }

                manifest = await ingest.FreezeAsync(spec, source, "drawn", CancellationToken.None);
            });
            var ingestPeak = ProcessMemory.Peak();
            var reader = new DatasetReader(store, manifest!);
            var frozen = await TimeAsync(() => new ClusterFreezer(store).FreezeAsync(
                "run", Clusters, reader, shard => Task.FromResult(Assignment(manifest!, shard)), seed: 1, spec.ShardRows, CancellationToken.None));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows} {ProcessMemory.Peak() / 1e6:F0} {ingested:F1} {frozen:F1} {ingestPeak / 1e6:F0}"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var started = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static long[] Assignment(DatasetManifest manifest, int shard)
        => [.. Enumerable.Range(0, manifest.Shards[shard].Rows).Select(row => (long)((shard + row) % Clusters))];
}
