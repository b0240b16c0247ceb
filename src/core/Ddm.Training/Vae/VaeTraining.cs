using System.Globalization;
using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// Trains an autoencoder of one's own from pictures to a folder that a run's <c>latent.vae</c> can name. The state is kept in the folder about every minute and when stopped; the same
/// training again goes on from it, to the same weights bit for bit within one numerics class.
/// </summary>
/// <param name="settings">What to train.</param>
/// <param name="source">The pictures, as <c>data.source</c> of a spec says it; relative to the current folder.</param>
/// <param name="folder">Receives the files.</param>
/// <param name="progress">Told what it is at.</param>
/// <param name="time">Times steps and states.</param>
public sealed class VaeTraining(VaeSettings settings, string source, string folder, IVaeProgress progress, TimeProvider time)
{
    private const long MostPixelBytes = 1L << 30;
    private const int LatestSteps = 20, Measurements = 10;
    private const int ShownPictures = 32, ShownColumns = 8, ShownWidth = 128;
    private const int ScalePictures = 512;

    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(1);

    private readonly VaeFiles files = new(folder);
    private readonly List<VaeStep> steps = [];

    /// <summary>CPU threads; null: those of the machine.</summary>
    public int? Threads { get; init; }

    /// <summary>Reads, trains and writes. Torch work stays on the caller's thread.</summary>
    /// <param name="stop">Ends the training after the running step; its state is kept.</param>
    /// <exception cref="UserErrorException">A setting, the pictures or the folder cannot be used; or the training diverged.</exception>
    /// <exception cref="OperationCanceledException">Stopped before the first step.</exception>
    public VaeOutcome Run(CancellationToken stop)
    {
        settings.Require();
        files.RequireFree();
        var pictures = ReadPictures(stop);
        TorchNative.EnsureLoaded();
        var device = cuda.is_available() ? CUDA : CPU;
        var numerics = TorchRuntime.Describe(device, settings.MicroBatch, Threads ?? Environment.ProcessorCount) with { ComputeType = "float32" };
        using var trainer = new VaeTrainer(settings, pictures, numerics, device, time);
        var facts = VaeResume.Facts(settings, pictures.Sha256, numerics);
        if (VaeResume.TryTake(files.State, trainer.State, facts))
        {
            steps.AddRange(files.ReadSteps(trainer.State.Step));
            progress.Notice(string.Create(CultureInfo.InvariantCulture, $"going on from step {trainer.State.Step} of {files.State}"));
        }

        var measure = VaeMeasure.Of(pictures, settings);
        if (!Train(trainer, measure, device, facts, stop))
        {
            return new VaeOutcome(trainer.State.Step, null, pictures.HeldOut.Count > 0, Seconds);
        }

        var outcome = new VaeOutcome(trainer.State.Step, measure.Quality(trainer.State.Average, device), pictures.HeldOut.Count > 0, Seconds);
        Finish(trainer.State, pictures, numerics, outcome);
        return outcome;
    }

    private double Seconds => steps.Sum(step => step.Seconds);

    private PictureSet ReadPictures(CancellationToken stop)
    {
        var spec = settings.Data(source);
        var opened = ImageSources.Open(spec, Directory.GetCurrentDirectory());
        var pictures = PictureSet.Read(spec, opened, MostPixelBytes, settings.Seed, progress.Reading, stop);
        if (pictures.Bad.Count > 0)
        {
            progress.Notice($"{pictures.Bad.Count} pictures cannot be used and are left out; the first is {pictures.Bad[0].Source}: {pictures.Bad[0].Reason}");
        }

        var looked = pictures.Rows.Count + pictures.Bad.Count;
        if (looked < pictures.Listed)
        {
            progress.Notice($"of {pictures.Listed} pictures {looked}, drawn by the seed, are taken: no more fit into {MostPixelBytes >> 20} MiB");
        }

        return pictures;
    }

    // Whether all steps are made.
    private bool Train(VaeTrainer trainer, VaeMeasure measure, Device device, Dictionary<string, string> facts, CancellationToken stop)
    {
        var (first, saved) = (steps.Count, time.GetTimestamp());
        var every = Math.Max(1, settings.Steps / Measurements);
        while (trainer.State.Step < settings.Steps)
        {
            if (stop.IsCancellationRequested)
            {
                files.SaveState(trainer.State, steps, facts);
                return false;
            }

            var step = trainer.Step();
            steps.Add(step.Step % every == 0 ? step with { HeldOut = measure.Quality(trainer.State.Average, device) } : step);
            progress.Training(Progress(first));
            if (time.GetElapsedTime(saved) >= SaveEvery)
            {
                files.SaveState(trainer.State, steps, facts);
                saved = time.GetTimestamp();
            }
        }

        return true;
    }

    private VaeProgress Progress(int first)
    {
        var made = steps[^1].Step;
        var rate = (steps.Count - first) / steps.Skip(first).Sum(step => step.Seconds); // steps a second of this process
        var measured = steps.FindLast(step => step.HeldOut is not null);
        return new VaeProgress(
            made, settings.Steps, steps.TakeLast(LatestSteps).Average(step => step.Loss), rate * settings.Batch,
            TimeSpan.FromSeconds((settings.Steps - made) / rate), measured?.Step ?? 0, measured?.HeldOut);
    }

    private void Finish(VaeState state, PictureSet pictures, NumericsClass numerics, VaeOutcome outcome)
    {
        var weights = state.Finished();
        using var finished = AutoencoderKL.Of(settings.Config, weights);
        var config = settings.Config with { Scale = Scale(finished, pictures) };
        files.Finish(
            config, settings.ImageSize, weights, steps, Reconstructions(finished, pictures), VaeCard.Write(settings, config, source, folder, pictures, numerics, outcome));
    }

    private double Scale(AutoencoderKL finished, PictureSet pictures)
    {
        using var sample = VaeMeasure.Stack([.. VaeMeasure.Spread(pictures.Training, ScalePictures).Select(place => pictures.Rows.Row(place).ToArray())], settings);
        return LatentCodec.MeasureScale(finished, sample);
    }

    // A row of pictures, below it the row of their reconstructions, and so on.
    private byte[] Reconstructions(AutoencoderKL finished, PictureSet pictures)
    {
        var places = VaeMeasure.Spread(pictures.HeldOut.Count > 0 ? pictures.HeldOut : pictures.Training, ShownPictures);
        var rows = new VaeMeasure(pictures, places, settings).Decoded(finished, CPU).Chunk(ShownColumns);
        var blank = Enumerable.Repeat((byte)255, pictures.Rows.RowBytes).ToArray();
        var cells = rows.SelectMany(row => Line(row.Select(pair => pair.Original)).Concat(Line(row.Select(pair => pair.Decoded)))).ToArray();
        return ImageGrid.Png(cells, settings.Channels, settings.ImageSize, Math.Min(ShownColumns, places.Count), Math.Max(1, ShownWidth / settings.ImageSize));

        IEnumerable<byte[]> Line(IEnumerable<byte[]> row) => row.Concat(Enumerable.Repeat(blank, ShownColumns)).Take(Math.Min(ShownColumns, places.Count));
    }
}
