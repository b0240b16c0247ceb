using System.Globalization;
using Ddm.Encoders;
using Ddm.Runs;

namespace Ddm.Training;

/// <summary>What is trained when an autoencoder of one's own is, and how. With the pictures and the numerics class it decides every bit of the weights.</summary>
public sealed record VaeSettings
{
    /// <summary>Side of the squares it is trained on, pixels.</summary>
    public int ImageSize { get; init; } = 64;

    /// <summary>1 (grey) or 3 (RGB).</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Channels of the levels, finest first; every level but the last halves the picture.</summary>
    public IReadOnlyList<int> Blocks { get; init; } = [16, 32, 64];

    /// <summary>Channels of a latent.</summary>
    public int LatentChannels { get; init; } = 4;

    /// <summary>Residual blocks of a level of the encoder; the decoder has one more.</summary>
    public int Layers { get; init; } = 1;

    /// <summary>Groups of the norms.</summary>
    public int Groups { get; init; } = 8;

    /// <summary>Optimiser steps.</summary>
    public int Steps { get; init; } = 3000;

    /// <summary>Pictures a step.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight of the KL divergence from the standard normal distribution: see <see cref="VaeLoss"/>.</summary>
    public double Kl { get; init; } = 1e-6;

    /// <summary>Seed of weights, order and noise.</summary>
    public long Seed { get; init; }

    /// <summary>Share of the pictures held out by content hash: that of the runs that will use the autoencoder.</summary>
    public double HeldOut { get; init; } = 0.05;

    /// <summary>The network's shape, its scale not measured yet.</summary>
    public VaeConfig Config => new(Channels, LatentChannels, Blocks, Layers, Groups, Scale: null);

    /// <summary>Rates and averages as functions of the step.</summary>
    internal TrainingSpec Training => new()
    {
        Steps = Steps,
        Batch = Batch,
        LearningRate = LearningRate,
        FinalLearningRate = LearningRate / 100,
        Warmup = Math.Min(100, Steps / 10),
        Decay = LearningRateDecay.Cosine,
    };

    /// <summary>Rows of one forward and backward: as many as take the memory of 16 pictures of 64 pixels.</summary>
    internal int MicroBatch => (int)Math.Clamp(16L * 64 * 64 / ((long)ImageSize * ImageSize), 1, Batch);

    /// <summary>The pictures asked for.</summary>
    /// <param name="source">Where they are, as <c>data.source</c> of a spec says it.</param>
    public DataSpec Data(string source) => new() { Source = source, ImageSize = ImageSize, Channels = Channels, HeldOut = HeldOut };

    /// <summary>Refuses what cannot be trained.</summary>
    /// <exception cref="UserErrorException">A value is out of its range, or two do not fit each other; the message names the option.</exception>
    public void Require()
    {
        Whole("--image-size", ImageSize, 1, 4096);
        Refuse(Channels is not (1 or 3), $"--channels {Channels}: give 1 (grey) or 3 (RGB).");
        Refuse(Blocks.Count is < 1 or > 7, $"--blocks {Text}: give the channels of 1 to 7 levels, such as 32,64,64 for latents a quarter as wide.");
        foreach (var width in Blocks)
        {
            Whole("--blocks", width, 1, 4096);
        }

        Whole("--latent-channels", LatentChannels, 1, 64);
        Whole("--layers", Layers, 1, 8);
        Whole("--steps", Steps, 1, 100_000_000);
        Whole("--batch", Batch, 1, 65_536);
        Whole("--groups", Groups, 1, 4096);
        Refuse(!(LearningRate is > 0 and <= 1), $"--learning-rate {LearningRate}: give a number above 0 and at most 1.");
        Refuse(!(Kl is >= 0 and <= 1), $"--kl {Kl}: give a number from 0 to 1.");
        Refuse(!(HeldOut is > 0 and <= 0.5), $"--held-out {HeldOut}: give a share above 0 and at most 0.5, the data.held_out of your runs.");
        Refuse(
            ImageSize % Config.Factor != 0,
            $"--image-size {ImageSize}: --blocks {Text} has {Blocks.Count} levels, of which all but the last halve the picture, so the side must be a multiple of {Config.Factor}.");
        var odd = Blocks.FirstOrDefault(width => width % Groups != 0);
        Refuse(odd != 0, $"--groups {Groups} does not divide {odd} of --blocks {Text}: every level's channels are normed in groups of equal size.");
    }

    /// <summary>The options that give these settings, in the order that people read them in.</summary>
    public IReadOnlyList<(string Name, string Value)> Options() =>
    [
        ("--image-size", Number(ImageSize)), ("--channels", Number(Channels)), ("--blocks", Text), ("--latent-channels", Number(LatentChannels)),
        ("--layers", Number(Layers)), ("--groups", Number(Groups)), ("--steps", Number(Steps)), ("--batch", Number(Batch)),
        ("--learning-rate", Number(LearningRate)), ("--kl", Number(Kl)), ("--held-out", Number(HeldOut)), ("--seed", Number(Seed)),
    ];

    private string Text => string.Join(',', Blocks.Select(width => Number(width)));

    private static string Number(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static void Whole(string option, int value, int least, int most)
        => Refuse(value < least || value > most, $"{option} {value}: give a whole number from {least} to {most}.");

    private static void Refuse(bool wrong, FormattableString message)
    {
        if (wrong)
        {
            throw new UserErrorException(message.ToString(CultureInfo.InvariantCulture));
        }
    }
}
