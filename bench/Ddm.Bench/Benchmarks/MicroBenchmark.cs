using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Ddm.Bench;

/// <summary>All classes of <c>Micro/</c>, run by BenchmarkDotNet in this process (libtorch is loaded in it already).</summary>
internal sealed class MicroBenchmark : Benchmark
{
    private static readonly Type[] Classes = [typeof(NoiseBenchmarks), typeof(PermutationBenchmarks)];

    public override string Name => "micro";

    public override string Title => "Small operations";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddLogger(NullLogger.Instance)
            .AddColumnProvider(BenchmarkDotNet.Columns.DefaultColumnProviders.Instance)
            .WithOptions(ConfigOptions.DisableLogFile);
        var rows = new List<IReadOnlyList<string>>();
        foreach (var report in Classes.SelectMany(type => BenchmarkRunner.Run(type, config).Reports))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = report.ResultStatistics ?? throw new InvalidOperationException($"{report.BenchmarkCase.DisplayInfo} has no result.");
            var what = report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo.Trim('\'');
            rows.Add([what, Cells.Seconds(1e-9 * result.Mean), string.Create(CultureInfo.InvariantCulture, $"{1e-9 * result.StandardError / (1e-9 * result.Mean):P1}")]);
        }

        return Task.FromResult(new Section(
            "BenchmarkDotNet, in this process, a short run each.", ["operation", "mean", "standard error"], rows, []));
    }
}
