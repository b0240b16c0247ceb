using System.Globalization;
using System.Text;
using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;

namespace Ddm.Training;

/// <summary>The <c>README.md</c> of an autoencoder: where it comes from, how well it does, how it is used.</summary>
internal static class VaeCard
{
    /// <summary>The card's text.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="config">The network, its scale among it.</param>
    /// <param name="source">Where the pictures were, as the user said it.</param>
    /// <param name="folder">Where it is written, as the user said it.</param>
    /// <param name="pictures">The pictures.</param>
    /// <param name="numerics">What it was computed in.</param>
    /// <param name="outcome">How well it does.</param>
    public static string Write(VaeSettings settings, VaeConfig config, string source, string folder, PictureSet pictures, NumericsClass numerics, VaeOutcome outcome)
    {
        var text = new StringBuilder();
        Line($"# An autoencoder");
        Line($"");
        Line($"AutoencoderKL (the network of Stable Diffusion's, here of widths {string.Join(", ", config.Widths)}), trained by DdmAspire from random weights. A picture of {settings.ImageSize} x {settings.ImageSize} x {config.Channels} becomes a latent of {settings.ImageSize / config.Factor} x {settings.ImageSize / config.Factor} x {config.LatentChannels}; latents have a standard deviation of {1 / config.Scale!.Value:G5}, so `scaling_factor` is {config.Scale.Value:G5}.");
        Line($"");
        Line($"In a run's spec, with `data.image_size: {settings.ImageSize}` and `data.held_out: {settings.HeldOut}` so that no picture the run holds out was trained on here:");
        Line($"");
        Line($"    latent: {{ vae: {folder}, channels: {config.LatentChannels}, factor: {config.Factor} }}");
        Line($"");
        Line($"| origin | |");
        Line($"|---|---|");
        Line($"| command | `ddm vae {source} --out {folder} {string.Join(' ', settings.Options().Select(option => $"{option.Name} {option.Value}"))} --threads {numerics.Threads}` |");
        Line($"| pictures | {pictures.Training.Count} trained on, {pictures.HeldOut.Count} held out, {pictures.Bad.Count} unusable; SHA-256 of their pixels {pictures.Sha256} |");
        Line($"| steps | {outcome.Step} of {settings.Batch} pictures, {outcome.Seconds:F0} s |");
        Line($"| numerics class | {numerics.Device}, {numerics.ComputeType}, micro-batch {numerics.MicroBatch}, {numerics.Threads} threads, {numerics.Libraries}{(numerics.Deterministic ? "" : ", not deterministic")} |");
        Line($"| {(outcome.HeldOut ? "held-out pictures" : "pictures trained on (none is held out)")} | {outcome.Quality!.Pictures}: PSNR {outcome.Quality.Psnr:F2} dB, mean error {outcome.Quality.Levels:F2} levels of 255 |");
        Line($"");
        Line($"`reconstructions.png` shows such pictures, below each what is decoded of it; `training.jsonl` has a line a step. The weights are made of the pictures: their licence is the pictures' matter.");
        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
