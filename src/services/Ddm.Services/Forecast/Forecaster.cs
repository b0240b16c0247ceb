using System.Diagnostics;
using System.Globalization;
using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Training;
using TorchSharp;

namespace Ddm.Services;

/// <summary>
/// Foretells what a run takes, from a short measurement on this machine: real training steps of each kind of network on made-up images, some of the source's
/// pictures, a matrix product and a file. FLOPs and sizes are counted, not measured.
/// </summary>
public sealed class Forecaster(DeviceThread device)
{
    private const int CheckpointBytesPerParameter = 16; // weights, average, two moments
    private const int WeightBytesPerParameter = 4;
    private const int TarBlock = 512;
    private const int MetricsLineBytes = 170;
    private const int ManifestBytes = 1100;
    private const int TensorHeaderBytes = 85;
    private const int ReportBytes = 60_000;
    private const int KMeansIterations = 25;
    private const int RouterRows = 500;
    private const int RouterBins = 10;
    private const int GridClasses = 16;
    private const int GridRows = 4;
    private static readonly TimeSpan BudgetPerRole = TimeSpan.FromSeconds(2.5);

    /// <summary>Measures and counts. Takes a few seconds; writes a file of 16 MB to the temporary folder and deletes it.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="root">Folder that its paths are relative to.</param>
    /// <exception cref="UserErrorException">The data cannot be read.</exception>
    public async Task<RunForecast> MeasureAsync(RunSpec spec, string root)
    {
        var source = ImageSources.Open(spec.Data, root);
        var pictures = PictureProbe.Measure(spec.Data, source);
        var classes = source.ClassNames.Count;
        var text = CaptionEncoders.Expected(spec.Text, root);
        var seed = RunSeeds.Look(spec, root, classes);
        var threads = spec.Execution.Threads ?? Environment.ProcessorCount;
        var target = torch.cuda.is_available() ? torch.CUDA : torch.CPU;
        StepProbe Probe(Role role) => StepProbe.Measure(
            spec, role, classes, TorchRuntime.Describe(target, spec.Execution.MicroBatch ?? Roles.Training(spec, role).Batch, threads), target, BudgetPerRole, text);
        var (expert, router) = (await device.RunAsync(() => Probe(Role.Expert(0))), await device.RunAsync(() => Probe(Role.Router)));
        var encoder = await device.RunAsync(() => EncoderProbe.Measure(spec, root));
        var codec = await device.RunAsync(() => CodecProbe.Measure(spec, root));
        var flopsPerSecond = await device.RunAsync(MatrixRate);
        var disk = DiskRate();
        var roles = new[]
        {
            Of("expert", spec.Partition.Experts, spec, Role.Expert(0), classes, text, expert, disk),
            Of("router", 1, spec, Role.Router, classes, text, router, disk),
        };
        return new RunForecast
        {
            Roles = roles,
            Stages = [.. Stages(spec, source.Count, classes, text, pictures, encoder, codec, roles, flopsPerSecond).Select(stage => WithSeed(stage, seed))],
            PeakMemory = Math.Max(expert.PeakBytes, router.PeakBytes) + WindowBytes(spec, text, source.Count),
            Notes =
            [
                Text($"measured: {expert.Steps} steps of an expert and {router.Steps} of the router on made-up images, {pictures.Pictures} pictures of the source, a matrix product ({flopsPerSecond / 1e9:F0} GFLOP/s), a file written and synced ({disk / 1e6:F0} MB/s)"),
                "counted: parameters, FLOPs of training (as the report counts them), bytes",
                "extrapolated: time of training from the measured steps, of ingest and features from the measured pictures; clustering and evaluation are rough guesses",
                "peak memory is that of training; the evaluation that draws the report's grids may need several times as much",
                "roles train one after another on this machine; other load on it makes everything slower",
                .. seed is null ? [] : new[] { seed.Describe() },
            ],
        };
    }

    private static RoleForecast Of(string name, int count, RunSpec spec, Role role, int classes, TextShape? text, StepProbe probe, double disk)
    {
        var (training, cost) = (Roles.Training(spec, role), RoleCost.Of(spec, role, classes, text));
        var checkpoint = (CheckpointBytesPerParameter * cost.Parameters) + (4L * TensorHeaderBytes * Tensors(spec, role)) + ManifestBytes;
        var perSlice = Math.Max(1, Math.Ceiling(spec.Execution.SliceSeconds / probe.SecondsPerStep));
        var commits = (long)Math.Ceiling(training.Steps / perSlice);
        var seconds = (training.Steps * probe.SecondsPerStep) + (commits * 2 * checkpoint / disk); // written and synced, then read and hashed by the next slice
        return new RoleForecast(
            name, count, cost.Parameters, training.Steps, probe.SecondsPerStep, training.Batch / probe.SecondsPerStep, count * seconds,
            3.0 * count * training.Steps * training.Batch * cost.ForwardFlops, checkpoint, commits, probe.Scaled is null ? "measured" : "scaled from " + probe.Scaled);
    }

    // What experts take of a seed checkpoint is copied beside the encoder.
    private static StageForecast WithSeed(StageForecast stage, SeedFit? seed)
    {
        var bytes = stage.Stage == "FitFeatures" ? WeightBytesPerParameter * (seed?.TakenParameters ?? 0) : 0;
        return stage with { Disk = stage.Disk + bytes, Written = stage.Written + bytes, Read = stage.Read + bytes };
    }

    // Named tensors of a network: 12 a block, and some 14 around them.
    private static int Tensors(RunSpec spec, Role role) => 14 + (12 * NetworkPresets.Resolve(role.Kind == RoleKind.Router ? spec.Router.Network : spec.Model).Depth);

    private static IEnumerable<StageForecast> Stages(
        RunSpec spec, int rows, int classes, TextShape? text, PictureProbe pictures, EncoderProbe? encoder, CodecProbe? codec, RoleForecast[] roles, double flopsPerSecond)
    {
        var data = spec.Data;
        var (cores, image) = (Environment.ProcessorCount, (long)data.Channels * data.ImageSize * data.ImageSize);
        var dimensions = encoder?.Dimensions ?? Math.Min(spec.Features.Dimensions, image);
        var fine = spec.Partition.Fine ?? Math.Clamp(rows / 39, spec.Partition.Experts, 1024);
        var facts = 120 + (long)pictures.NameBytes; // a row's JSON
        var stored = rows * (2L * TarBlock + Blocks((long)pictures.PngBytes) + Blocks(facts));
        var decode = rows * pictures.SecondsToDecode / cores;
        var sample = Math.Min(rows, spec.Partition.SampleRows);

        yield return new StageForecast("Ingest", rows * pictures.SecondsToIngest / cores, 0, stored, stored, rows * (long)pictures.SourceBytes, "measured pictures");
        var features = 4 * rows * dimensions;
        if (encoder is null)
        {
            yield return new StageForecast("FitFeatures", decode + (2.0 * sample * image * image / flopsPerSecond), 2.0 * sample * image * image,
                4 * (dimensions + 1) * image, 4 * (dimensions + 1) * image, stored, "rough");
            yield return new StageForecast("ExtractFeatures", decode + (2.0 * rows * image * dimensions / flopsPerSecond), 2.0 * rows * image * dimensions, features, features, stored, "measured pictures");
        }
        else
        {
            yield return new StageForecast("FitFeatures", 0.1, 0, encoder.Bytes, encoder.Bytes, encoder.Bytes, "counted bytes");
            yield return new StageForecast("ExtractFeatures", decode + (rows * encoder.SecondsPerPicture), rows * encoder.FlopsPerPicture, features, features, stored, "measured pictures");
        }

        var clustering = 2.0 * spec.Partition.Restarts * KMeansIterations * sample * fine * dimensions;
        yield return new StageForecast("FitPartition", clustering / flopsPerSecond * 2, clustering, 4 * fine * dimensions, 4 * fine * dimensions, features + stored, "rough");
        var moments = (codec is null ? 0 : rows * ShardBytes.OfRow(spec)) + (rows * ShardBytes.OfCaption(text));
        yield return new StageForecast(
            "AssignShards", (4.0 * rows * fine * dimensions / flopsPerSecond) + (codec is null ? 0 : decode + (rows * codec.SecondsToEncode * (spec.Data.Flip ? 2 : 1))), 2.0 * rows * fine * dimensions,
            (8L * rows) + moments, (8L * rows) + moments, features + (codec is null ? 0 : stored), codec is null ? "rough" : "measured pictures");
        var frozen = rows * (ShardBytes.OfRow(spec) + ShardBytes.OfCaption(text) + 16);
        yield return new StageForecast("FreezeClusters", decode, 0, frozen, frozen, stored, "measured pictures");
        yield return Train(spec, roles, frozen);
        yield return Evaluate(spec, classes, roles, image, codec);
        var published = roles.Sum(role => role.Count * WeightBytesPerParameter * role.Parameters);
        yield return new StageForecast("Publish", 0.1, 0, published, published, published, "counted bytes");
    }

    private static StageForecast Train(RunSpec spec, RoleForecast[] roles, long frozen)
    {
        var retention = spec.Execution.Retention;
        long Kept(RoleForecast role) => Math.Min(role.Commits, retention.KeepLast + (retention.KeepEvery is { } every ? role.Steps / every : 0));
        long History(RoleForecast role) => role.Count * ((role.Steps * MetricsLineBytes) + (role.Commits * ManifestBytes));
        var disk = roles.Sum(role => role.Count * Kept(role) * role.CheckpointBytes + History(role));
        var written = roles.Sum(role => role.Count * role.Commits * role.CheckpointBytes + History(role));
        return new StageForecast("Train", roles.Sum(role => role.Seconds), roles.Sum(role => role.Flops), disk, written, (2 * written) + (2 * frozen), "measured steps");
    }

    // The grids of the report: default, top-1 and full, then each expert alone.
    private static StageForecast Evaluate(RunSpec spec, int classes, RoleForecast[] roles, long image, CodecProbe? codec)
    {
        var (expert, router) = (roles[0], roles[1]);
        var pictures = (classes > 0 && spec.Model.ClassCondition && !spec.HasText ? Math.Min(classes, GridClasses) : 10) * GridRows;
        var sampling = spec.Sampling;
        var evaluations = (double)sampling.Steps * (sampling.Solver == Solver.Heun ? 2 : 1) * (sampling.Guidance != 1 && (classes > 0 || spec.HasText) ? 2 : 1);
        var experts = 2 + (2.0 * spec.Partition.Experts); // two of the grids take one expert a picture, full takes all, and each is drawn alone
        double Forward(RoleForecast role) => role.Flops / (3.0 * role.Count * role.Steps * role.ImagesPerSecond * role.SecondsPerStep);
        var flops = pictures * evaluations * ((experts * Forward(expert)) + (3 * Forward(router))) + (2.0 * RouterRows * RouterBins * Forward(router));
        var rate = expert.Flops / expert.Count / expert.Steps / expert.SecondsPerStep;
        var grid = (2 + spec.Partition.Experts) * pictures * image / 2;
        var bytes = ReportBytes + (grid * 4 / 3) + (pictures * image / 2);
        var decode = (3 + spec.Partition.Experts) * pictures * (codec?.SecondsToDecode ?? 0); // three strategies, and each expert alone
        return new StageForecast("Evaluate", (flops / rate) + decode, flops, bytes, bytes, roles.Sum(role => role.Count * role.CheckpointBytes), "rough");
    }

    private static long WindowBytes(RunSpec spec, TextShape? text, int rows)
        => Math.Min(rows, (long)spec.Execution.WindowShards * spec.Data.ShardRows) * (ShardBytes.OfRow(spec) + ShardBytes.OfCaption(text));

    private static long Blocks(long bytes) => (bytes + TarBlock - 1) / TarBlock * TarBlock;

    private static double MatrixRate()
    {
        const int Side = 768;
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var (a, b) = (torch.ones(Side, Side), torch.ones(Side, Side));
        var best = double.MaxValue;
        for (var trial = 0; trial < 5; trial++)
        {
            var began = Stopwatch.GetTimestamp();
            using var product = torch.mm(a, b);
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return 2.0 * Side * Side * Side / best;
    }

    private static double DiskRate()
    {
        var bytes = new byte[16 << 20];
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var began = Stopwatch.GetTimestamp();
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }

        return bytes.Length / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
