using System.Diagnostics;
using System.Globalization;

namespace Ddm.Bench;

/// <summary>Peak memory from source to frozen clusters, at row counts that differ a hundredfold.</summary>
internal sealed class DataWayBenchmark : Benchmark
{
    private const double MostGrowth = 1.25;
    private static readonly int[] RowCounts = [10_000, 100_000, 1_000_000];

    public override string Name => "data-way";

    public override string Title => "Memory from source to frozen clusters";

    public override async Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var rows = new List<IReadOnlyList<string>>();
        var peaks = new List<double>();
        foreach (var count in RowCounts)
        {
            var fields = (await RunAsync(count, cancellationToken)).Split(' ');
            var (ingest, freeze) = (Number(fields[2]), Number(fields[3]));
            peaks.Add(Number(fields[1]));
            rows.Add([Cells.Count(count), $"{fields[4]} MB", $"{fields[1]} MB", Cells.Count((long)(count / ingest)), Cells.Count((long)(count / freeze))]);
        }

        // Up to the size of the freeze's buffer memory holds the data set itself; beyond it must stay.
        var growth = peaks[^1] / peaks[^2];
        return new Section(
            "Grey 28 x 28 PNGs drawn when they are read, shards of 2,048, eight clusters; each count in a process of its own: ingest, manifest, freeze.",
            ["rows", "peak memory of ingest", "peak memory with freeze", "ingest, images/s", "freeze, images/s"], rows,
            [new Target($"1,000,000 rows take at most {MostGrowth} x the memory of 100,000", Cells.Ratio(growth), growth <= MostGrowth)]);
    }

    private static async Task<string> RunAsync(int rows, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        start.ArgumentList.Add(DataWay.Argument);
        start.ArgumentList.Add(rows.ToString(CultureInfo.InvariantCulture));
        using var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? line.Trim() : throw new InvalidOperationException($"the data way of {rows} rows ended with exit code {process.ExitCode}");
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
