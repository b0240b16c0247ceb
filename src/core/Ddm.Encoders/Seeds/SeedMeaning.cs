using System.Globalization;
using Ddm.Diffusion;

namespace Ddm.Encoders;

/// <summary>A part of a seed's network whose tensors may agree in name and shape with an expert's, and mean something else.</summary>
/// <param name="Holds">Whether a tensor of this name belongs to it.</param>
/// <param name="Reason">A sentence without its full stop.</param>
internal sealed record SeedMeaning(Func<string, bool> Holds, string Reason)
{
    private const string Final = "final_layer.", Time = "t_embedder.";

    /// <summary>The parts of a seed that an expert must not take.</summary>
    public static IEnumerable<SeedMeaning> Foreign(DiTConfig seed, Parametrization output, DiTConfig expert)
    {
        if (FinalLayer(seed, output, expert) is { } final)
        {
            yield return new SeedMeaning(name => name.StartsWith(Final, StringComparison.Ordinal), $"The final layer is new because {final}");
        }

        if (TimeEmbedder(output, expert) is { } time)
        {
            yield return new SeedMeaning(name => name.StartsWith(Time, StringComparison.Ordinal), $"The time embedder is new because {time}");
        }

        if (seed.Heads != expert.Heads)
        {
            yield return new SeedMeaning(
                name => name.StartsWith("blocks.", StringComparison.Ordinal) && (name.Contains(".attn.", StringComparison.Ordinal) || name.Contains(".cross_attn.", StringComparison.Ordinal)),
                Text($"Attention is new because the seed has {seed.Heads} heads where the expert has {expert.Heads}"));
        }
    }

    private static string? FinalLayer(DiTConfig seed, Parametrization output, DiTConfig expert)
        => output.Prediction != Prediction.Velocity ? "the seed predicts noise, not velocity"
            : output.Direction != TimeDirection.DataToNoise ? "the seed's velocity points from noise to data"
            : (seed.Patch, seed.Channels) != (expert.Patch, expert.Channels) ? Text($"the seed draws patches of {seed.Channels} x {seed.Patch} x {seed.Patch}")
            : null;

    // A network of noise is fed its step, 0 at data to 999: the numbers that a scale of 1000 gives.
    private static string? TimeEmbedder(Parametrization output, DiTConfig expert)
        => output.Prediction == Prediction.Epsilon ? null
            : output.Direction != TimeDirection.DataToNoise ? "the seed's time runs from noise to data"
            : output.TimeScale != expert.TimeScale ? Text($"the seed's time is multiplied by {output.TimeScale}, the expert's by {expert.TimeScale}")
            : null;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
