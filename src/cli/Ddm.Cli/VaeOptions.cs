using System.CommandLine;
using System.Globalization;
using Ddm.Runs;
using Ddm.Training;

namespace Ddm.Cli;

/// <summary>The options of <c>ddm vae</c> that decide what is trained and how.</summary>
/// <param name="standard">What is taken where an option is not given.</param>
internal sealed class VaeOptions(VaeSettings standard)
{
    private readonly Option<int> imageSize = Of("--image-size", "Side of the pictures, pixels: that of your runs", standard.ImageSize);
    private readonly Option<int> channels = Of("--channels", "1 (grey) or 3 (RGB)", standard.Channels);
    private readonly Option<string> blocks = Of("--blocks", "Channels of the levels, finest first; each but the last halves the picture", string.Join(',', standard.Blocks));
    private readonly Option<int> latentChannels = Of("--latent-channels", "Channels of a latent", standard.LatentChannels);
    private readonly Option<int> layers = Of("--layers", "Residual blocks of a level", standard.Layers);
    private readonly Option<int> groups = Of("--groups", "Groups of the norms", standard.Groups);
    private readonly Option<int> steps = Of("--steps", "Optimiser steps", standard.Steps);
    private readonly Option<int> batch = Of("--batch", "Pictures a step", standard.Batch);
    private readonly Option<double> learningRate = Of("--learning-rate", "Peak learning rate", standard.LearningRate);
    private readonly Option<double> kl = Of("--kl", "Weight of the KL divergence", standard.Kl);
    private readonly Option<double> heldOut = Of("--held-out", "Share held out by content hash: the data.held_out of your runs", standard.HeldOut);
    private readonly Option<long> seed = Of("--seed", "Seed of weights, order and noise", standard.Seed);

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { imageSize, channels, blocks, latentChannels, layers, groups, steps, batch, learningRate, kl, heldOut, seed })
        {
            command.Add(option);
        }
    }

    /// <exception cref="UserErrorException"><c>--blocks</c> is no list of whole numbers.</exception>
    public VaeSettings Read(ParseResult parsed) => standard with
    {
        ImageSize = parsed.GetValue(imageSize),
        Channels = parsed.GetValue(channels),
        Blocks = Widths(parsed.GetValue(blocks)!),
        LatentChannels = parsed.GetValue(latentChannels),
        Layers = parsed.GetValue(layers),
        Groups = parsed.GetValue(groups),
        Steps = parsed.GetValue(steps),
        Batch = parsed.GetValue(batch),
        LearningRate = parsed.GetValue(learningRate),
        Kl = parsed.GetValue(kl),
        HeldOut = parsed.GetValue(heldOut),
        Seed = parsed.GetValue(seed),
    };

    private static Option<T> Of<T>(string name, string description, T standard) => new(name) { Description = description, DefaultValueFactory = _ => standard };

    private static int[] Widths(string text) => Array.ConvertAll(
        text.Split(','),
        part => int.TryParse(part, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var width)
            ? width
            : throw new UserErrorException($"--blocks '{Printable.Text(text)}': give whole numbers with commas between them, such as 16,32,64."));
}
