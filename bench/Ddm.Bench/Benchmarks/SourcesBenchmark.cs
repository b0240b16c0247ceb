using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.Text;
using Ddm.Data;
using Ddm.Runs;
using Parquet;
using Parquet.Schema;

namespace Ddm.Bench;

/// <summary>What it costs to list a large data set, and what the listing holds in memory while the pictures are read.</summary>
internal sealed class SourcesBenchmark : Benchmark
{
    private const int TarPictures = 500_000, Files = 100_000, ParquetRows = 1_000_000, ParquetGroup = 1000;

    // Few rows are read: what is measured is the listing.
    private static readonly byte[] Picture = "a picture of twenty "u8.ToArray();

    public override string Name => "sources";

    public override string Title => "Listing a data set";

    public override async Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("ddm-sources-").FullName;
        try
        {
            var rows = new List<IReadOnlyList<string>>();
            WriteTar(Path.Combine(folder, "large.tar"));
            rows.Add(Measure("tar, a caption and a label beside each picture (1,500,000 members)", folder, "large.tar"));
            File.Delete(Path.Combine(folder, "large.tar"));
            WriteFolder(Path.Combine(folder, "classes"), cancellationToken);
            rows.Add(Measure("metadata.jsonl, with captions and labels", folder, "classes"));
            File.Delete(Path.Combine(folder, "classes", "metadata.jsonl"));
            rows.Add(Measure("folders, ten classes, the same files", folder, "classes"));
            await WriteParquetAsync(Path.Combine(folder, "large.parquet"), cancellationToken);
            rows.Add(Measure("parquet, row groups of 1,000", folder, "large.parquet"));
            return new Section(
                "Opening a source of tiny pictures, just written and so in the page cache: time, bytes held afterwards (the managed heap after a full collection), and how " +
                "far the resident memory rose meanwhile. Then 20,000 rows are read in order.",
                ["source", "pictures", "open", "held", "held a picture", "resident rose by", "read a row"], rows, []);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Measure(string what, string folder, string source)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        ProcessMemory.ResetPeak();
        var resident = ProcessMemory.Resident();
        var started = Stopwatch.GetTimestamp();
        var images = ImageSources.Open(new DataSpec { Source = source, ImageSize = 8 }, folder);
        var opened = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var rose = Math.Max(0, ProcessMemory.Peak() - resident);
        var held = GC.GetTotalMemory(forceFullCollection: true) - before;
        var read = Math.Min(20_000, images.Count);
        started = Stopwatch.GetTimestamp();
        for (var row = 0; row < read; row++)
        {
            images.Read(row);
        }

        var each = Stopwatch.GetElapsedTime(started).TotalSeconds / read;
        return
        [
            what, Cells.Count(images.Count), Cells.Seconds(opened), Cells.Megabytes(held),
            string.Create(CultureInfo.InvariantCulture, $"{(double)held / images.Count:F1} bytes"), Cells.Megabytes(rose), Cells.Seconds(each),
        ];
    }

    private static void WriteTar(string path)
    {
        using var tar = new TarWriter(File.Create(path), TarEntryFormat.Ustar);
        for (var i = 0; i < TarPictures; i++)
        {
            var key = i.ToString("D9", CultureInfo.InvariantCulture);
            Write(key + ".jpg", Picture);
            Write(key + ".txt", Encoding.UTF8.GetBytes($"picture number {i}"));
            Write(key + ".cls", Encoding.UTF8.GetBytes($"{i % 1000}"));
        }

        void Write(string name, byte[] content) => tar.WriteEntry(
            new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content), ModificationTime = DateTimeOffset.UnixEpoch });
    }

    private static void WriteFolder(string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        using var metadata = new StreamWriter(Path.Combine(folder, "metadata.jsonl"));
        for (var i = 0; i < Files; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = $"class-{i % 10}/{i:D9}.png";
            Directory.CreateDirectory(Path.Combine(folder, $"class-{i % 10}"));
            File.WriteAllBytes(Path.Combine(folder, name), Picture);
            metadata.WriteLine($"{{\"file_name\": \"{name}\", \"text\": \"picture number {i}\", \"label\": {i % 10}}}");
        }
    }

    private static async Task WriteParquetAsync(string path, CancellationToken cancellationToken)
    {
        var schema = new ParquetSchema(new DataField<byte[]>("image"), new DataField<string>("text"), new DataField<long>("label"));
        await using var file = File.Create(path);
        await using var parquet = await ParquetWriter.CreateAsync(schema, file, cancellationToken: cancellationToken);
        for (var first = 0; first < ParquetRows; first += ParquetGroup)
        {
            using var group = parquet.CreateRowGroup();
            var numbers = Enumerable.Range(first, ParquetGroup).ToArray();
            await group.WriteAsync(schema.DataFields[0], Array.ConvertAll(numbers, _ => Picture), null);
            await group.WriteAsync(schema.DataFields[1], Array.ConvertAll(numbers, i => $"picture number {i}"), null);
            await group.WriteAsync<long>(schema.DataFields[2], Array.ConvertAll(numbers, i => i % 1000L), null, null, cancellationToken);
        }
    }
}
