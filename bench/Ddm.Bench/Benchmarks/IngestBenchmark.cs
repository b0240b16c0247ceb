using System.Globalization;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using NetVips;

namespace Ddm.Bench;

/// <summary>Images a second of the whole ingest beside libvips alone on the same bytes: decode, scale and crop in a bare parallel loop.</summary>
internal sealed class IngestBenchmark : Benchmark
{
    private const int Rounds = 7;
    private const double MostOver = 1.3;

    private static readonly (int Width, int Height, int Size, int Count, bool Jpeg)[] Kinds =
    [
        (28, 28, 28, 2048, false), (64, 64, 64, 2048, false), (64, 64, 32, 2048, true), (640, 480, 64, 512, true), (4000, 3000, 256, 24, true),
    ];

    public override string Name => "ingest";

    public override string Title => "Ingest beside the decode library";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var rows = new List<IReadOnlyList<string>>();
        var targets = new List<Target>();
        var folder = Directory.CreateTempSubdirectory("ddm-ingest-").FullName;
        try
        {
            foreach (var (width, height, size, count, jpeg) in Kinds)
            {
                var files = Enumerable.Range(0, 8).Select(i => Photo(width, height, i, jpeg)).ToArray();
                var spec = new DataSpec { Source = "made", ImageSize = size, ShardRows = count };
                var (source, store, round) = (new MadeSource(files, count), new FileBlobStore(folder), 0);
                var times = SideBySide.Run(
                    Rounds, 1, cancellationToken,
                    new Side("library", Stopwatched.Seconds(() => Parallel.For(0, count, i => LibraryAlone(files[i % files.Length], size)))),
                    new Side("ingest", Stopwatched.Seconds(() => new DatasetIngest(store)
                        .IngestShardAsync(spec, source, $"{width}-{size}-{round++}", 0, cancellationToken).GetAwaiter().GetResult())));
                var over = times[1].Over(times[0]);
                var what = $"{width} x {height} {(jpeg ? "JPEG" : "PNG")} to {size}";
                rows.Add([what, Cells.Count((long)(count / times[0].Median)), Cells.Count((long)(count / times[1].Median)), Cells.Ratio(over)]);
                targets.Add(new Target($"{what}: at most {MostOver} x the library's time", Cells.Ratio(over), over <= MostOver));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return Task.FromResult(new Section(
            $"libvips alone: open, thumbnail_image with centre crop, pixels, one picture a thread. Ingest: that and everything else (rules, hash, PNG, tar, fsync). " +
            $"libvips {NetVips.NetVips.Version(0)}.{NetVips.NetVips.Version(1)}.{NetVips.NetVips.Version(2)}.",
            ["pictures", "library, images/s", "ingest, images/s", "ingest's time / library's"], rows, targets));
    }

    private static void LibraryAlone(byte[] file, int size)
    {
        using var whole = Image.NewFromBuffer(file, failOn: Enums.FailOn.Truncated);
        using var square = whole.ThumbnailImage(size, height: size, size: Enums.Size.Both, crop: Enums.Interesting.Centre);
        square.WriteToMemory<byte>();
    }

    // Soft shapes with a little noise, which compress about as photographs do.
    private static byte[] Photo(int width, int height, int seed, bool jpeg)
    {
        using var coarse = Image.Gaussnoise(Math.Max(2, width / 16), Math.Max(2, height / 16), mean: 128, sigma: 60, seed: seed);
        using var soft = coarse.ThumbnailImage(width, height: height, size: Enums.Size.Force);
        using var grain = Image.Gaussnoise(width, height, mean: 0, sigma: 4, seed: seed + 100);
        using var grey = (soft + grain).Cast(Enums.BandFormat.Uchar);
        using var colour = grey.Bandjoin(grey.Rot180(), grey.Flip(Enums.Direction.Horizontal)).Copy(interpretation: Enums.Interpretation.Srgb);
        return jpeg ? colour.JpegsaveBuffer(q: 85) : colour.PngsaveBuffer();
    }

    private sealed class MadeSource(byte[][] files, int count) : IImageSource
    {
        public int Count => count;

        public IReadOnlyList<string> ClassNames => [];

        public string Fingerprint => "made";

        public string NameOf(int row) => row.ToString(CultureInfo.InvariantCulture);

        public RawImage Read(int row) => new(NameOf(row), -1, files[row % files.Length], null);
    }
}
