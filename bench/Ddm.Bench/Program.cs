using System.Globalization;
using Ddm.Bench;
using Ddm.Tensors;

if (args is [DataWay.Argument, var count])
{
    return await DataWay.RunAsync(int.Parse(count, CultureInfo.InvariantCulture));
}

TorchNative.EnsureLoaded();
if (args is [LargeNetworkBenchmark.Argument, var file])
{
    return LargeNetworkBenchmark.Run(file);
}

var known = AllBenchmarks.List;
if (args.Contains("--list"))
{
    foreach (var benchmark in known)
    {
        Console.WriteLine($"{benchmark.Name,-16} {benchmark.Title}");
    }

    return 0;
}

var unknown = args.Except(known.Select(benchmark => benchmark.Name)).ToList();
if (unknown.Count > 0)
{
    Console.Error.WriteLine($"There is no benchmark '{unknown[0]}'. Known: {string.Join(", ", known.Select(benchmark => benchmark.Name))}.");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
var report = new BenchmarkReport(Path.Combine(RepositoryRoot.Find(), "docs", "benchmarks.md"));
var missed = 0;
foreach (var benchmark in known.Where(benchmark => args.Length == 0 || args.Contains(benchmark.Name)))
{
    Console.Error.WriteLine($"-- {benchmark.Name}: {benchmark.Title}");
    var section = await benchmark.MeasureAsync(stop.Token);
    missed += section.Targets.Count(target => !target.Met);
    Console.WriteLine(BenchmarkReport.Body(section));
    report.Replace(benchmark, section);
}

Console.Error.WriteLine($"{report.Path} is written; {missed} targets missed.");
return 0;
