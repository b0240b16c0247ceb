using System.Diagnostics;
using System.Globalization;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Bench;

/// <summary>Slices of two experts that take turns, over RabbitMQ and Azurite, beside the same trainer's steps with nothing around them.</summary>
internal sealed class OverheadBenchmark : Benchmark
{
    private const int Rounds = 3, Batch = 32;

    // Shorter ones to try it out.
    private static readonly int Seconds = int.Parse(Environment.GetEnvironmentVariable("DDM_BENCH_SLICE_SECONDS") ?? "60", CultureInfo.InvariantCulture);
    private static readonly Role Expert = Role.Expert(0);

    public override string Name => "overhead";

    public override string Title => "Slices as services take them, beside the bare loop";

    private static string Spec => string.Create(CultureInfo.InvariantCulture, $$"""
        name: {{LocalServices.Run}}
        seed: 1
        data: { source: pictures, image_size: 28, channels: 1, held_out: 0.05 }
        partition: { experts: 2, fine: 16 }
        model: { hidden: 128, depth: 8, heads: 4, patch: 4 }
        experts: { steps: 1000000, batch: {{Batch}} }
        router: { network: DiT-Nano/4, steps: 1000000, batch: {{Batch}} }
        execution: { threads: {{Environment.ProcessorCount}}, slice_seconds: {{Seconds}}, commit_seconds: {{Seconds}} }
        """);

    public override async Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        await using var services = await LocalServices.StartAsync(Spec, cancellationToken);
        using var marks = new SliceMarks();
        var document = await new RunRepository(services.Blobs).GetAsync(LocalServices.Run, cancellationToken);
        var checkpoints = new CheckpointStore(services.Blobs, TimeProvider.System, NullLogger.Instance);
        var (sliced, bare) = (new double[Rounds], new double[Rounds]);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var isService in (bool[])(round % 2 == 0 ? [true, false] : [false, true]))
            {
                (isService ? sliced : bare)[round] = isService
                    ? await SlicesAsync(services, marks, document, checkpoints, isFirst: round == 0, cancellationToken)
                    : await BareAsync(services, document, checkpoints, cancellationToken);
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"   {(isService ? "slices" : "bare loop")}: {(isService ? sliced : bare)[round]:F1} images/s"));
            }
        }

        var state = (await checkpoints.ReadNewestAsync(LocalServices.Run, Expert, cancellationToken))!.Parts.Sum(part => part.Length);
        var share = Statistics.Median([.. sliced.Zip(bare, (mine, theirs) => mine / theirs)]);
        var spread = bare.Max() / bare.Min();
        return new Section(
            $"One expert trainer as its service is put together, RabbitMQ and Azurite as programs of this machine, which share its cores with it. Two experts take turns of {Seconds} s: each slice reads and checks its state "
                + $"({Cells.Megabytes(state)}), trains, commits and hands over; its images are divided by the time from its beginning to the next one's. Bare: the same trainer of the same checkpoint, steps alone for {Seconds} s. "
                + string.Create(CultureInfo.InvariantCulture, $"{Rounds} rounds, taking turns; the bare loop's fastest round was {spread:F2} x its slowest, so much the machine itself varied. ")
                + $"hidden 128, depth 8, 49 tokens, batch {Batch}, float32.",
            ["", "median images/s", "rounds"],
            [Row("slices over RabbitMQ and Azurite", sliced), Row("bare loop", bare)],
            [new Target(string.Create(CultureInfo.InvariantCulture, $"slices of {Seconds} s at least 97 % of the bare loop"), Cells.Percent(share), share >= 0.97)]);
    }

    private static IReadOnlyList<string> Row(string name, double[] rates) =>
        [name, string.Create(CultureInfo.InvariantCulture, $"{Statistics.Median(rates):F0}"), string.Join(", ", rates.Select(rate => rate.ToString("F0", CultureInfo.InvariantCulture)))];

    // From the beginning of a slice to that of the next: claim, load, steps, commit, hand-over, acknowledgement, delivery.
    private static async Task<double> SlicesAsync(
        LocalServices services, SliceMarks marks, RunDocument document, CheckpointStore checkpoints, bool isFirst, CancellationToken cancellationToken)
    {
        using var stop = new StopSignal();
        using var host = services.Trainer(stop);
        marks.Forget();
        await host.StartAsync(cancellationToken);
        if (isFirst)
        {
            foreach (var role in new[] { Expert, Role.Expert(1) })
            {
                var step = (await checkpoints.ReadHeadAsync(LocalServices.Run, role, cancellationToken))?.Step ?? 0;
                await host.Services.GetRequiredService<ICommandSender>().SendAsync(new TrainSlice(LocalServices.Run, role.Path, step, PoolName.Local, document.Submission), cancellationToken);
            }
        }

        var began = await marks.NextAsync(cancellationToken);
        var next = await marks.NextAsync(cancellationToken);
        stop.Raise();
        await host.StopAsync(cancellationToken);
        return (next.Steps - began.Steps) * Batch / Stopwatch.GetElapsedTime(began.At, next.At).TotalSeconds;
    }

    private static async Task<double> BareAsync(LocalServices services, RunDocument document, CheckpointStore checkpoints, CancellationToken cancellationToken)
    {
        using var stop = new StopSignal();
        using var host = services.Trainer(stop);
        await using var trainer = await host.Services.GetRequiredService<IRoleTrainers>().OpenAsync(document, Expert, cancellationToken);
        await trainer.LoadAsync(await checkpoints.OpenAsync(LocalServices.Run, Expert, trainer.DataManifestSha256, cancellationToken), cancellationToken);
        var (from, began) = (trainer.Step, Stopwatch.GetTimestamp());
        await trainer.StepAsync(_ => Stopwatch.GetElapsedTime(began).TotalSeconds < Seconds);
        return (trainer.Step - from) * Batch / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
