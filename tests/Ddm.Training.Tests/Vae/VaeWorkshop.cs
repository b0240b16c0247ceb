using System.Security.Cryptography;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

/// <summary>Some pictures of the sample data set as PNG files, and small autoencoders to be trained on them.</summary>
internal sealed class VaeWorkshop : IDisposable
{
    public const int Pictures = 60;

    private const int SampleSide = 28;

    public VaeWorkshop()
    {
        var samples = Path.Combine(FixtureFolders.InRepository(), "..", "..", "samples", "fashion-mnist");
        var source = ImageSources.Open(new DataSpec { Source = samples, ImageSize = SampleSide, Channels = 1 }, Folder);
        Directory.CreateDirectory(Source);
        for (var i = 0; i < Pictures; i++)
        {
            File.WriteAllBytes(Path.Combine(Source, $"{i:D2}.png"), ImageCodec.EncodePng(source.Read(i).ToSquare(SampleSide, 1), 1, SampleSide, SampleSide));
        }
    }

    public static VaeSettings Settings { get; } = new()
    {
        ImageSize = 16,
        Channels = 1,
        Blocks = [8, 16],
        Groups = 4,
        Steps = 6,
        Batch = 8,
        LearningRate = 3e-3,
        HeldOut = 0.2,
        Seed = 3,
    };

    public string Folder { get; } = Directory.CreateTempSubdirectory("ddm-vae-").FullName;

    public string Source => Path.Combine(Folder, "pictures");

    public string Output => Path.Combine(Folder, "own");

    public PictureSet Read(VaeSettings? settings = null)
    {
        var spec = (settings ?? Settings).Data(Source);
        return PictureSet.Read(spec, ImageSources.Open(spec, Folder), 1 << 20, 0, null, TestContext.Current.CancellationToken);
    }

    public VaeTrainer Trainer(VaeSettings? settings = null, int? microBatch = null, int threads = 1)
    {
        var asked = settings ?? Settings;
        return new VaeTrainer(asked, Read(asked), TorchRuntime.Describe(CPU, microBatch ?? asked.MicroBatch, threads), CPU, TimeProvider.System);
    }

    /// <summary>Trains into <see cref="Output"/>, or until a step is made.</summary>
    public VaeOutcome Train(VaeSettings? settings = null, int stopAfter = int.MaxValue, string? output = null)
    {
        using var stop = new CancellationTokenSource();
        var progress = new Progress(step => { if (step == stopAfter) { stop.Cancel(); } });
        return new VaeTraining(settings ?? Settings, Source, output ?? Output, progress, TimeProvider.System) { Threads = 1 }.Run(stop.Token);
    }

    /// <summary>Every bit of weights, average and moments.</summary>
    public static string Fingerprint(VaeTrainer trainer)
    {
        using var stream = new MemoryStream();
        trainer.State.Save(stream, new Dictionary<string, string>());
        return Convert.ToHexStringLower(SHA256.HashData(stream.ToArray()));
    }

    public static void Step(VaeTrainer trainer, int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            trainer.Step();
        }
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private sealed class Progress(Action<long> made) : IVaeProgress
    {
        public void Reading(int done, int total)
        {
        }

        public void Training(VaeProgress progress) => made(progress.Step);

        public void Notice(string message)
        {
        }
    }
}
