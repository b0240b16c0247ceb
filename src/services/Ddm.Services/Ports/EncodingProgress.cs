using Ddm.Runs;

namespace Ddm.Services;

/// <summary>How far the encoding of a data set is: features, moments of latents, or captions.</summary>
/// <param name="Stage">Of the run.</param>
/// <param name="Unit">What is encoded: <see cref="Images"/> or <see cref="Captions"/>.</param>
/// <param name="Done">Of them encoded, those of earlier shards among them.</param>
/// <param name="Total">Of the data set.</param>
/// <param name="PerSecond">Of the shard under way, all in all.</param>
/// <param name="EncoderBusy">Share of the shard's time that the encoder worked, 0 to 1: at 1 nothing but encoding takes time, and the rate is the encoder's own.</param>
public sealed record EncodingProgress(RunStage Stage, string Unit, long Done, long Total, double PerSecond, double EncoderBusy)
{
    /// <summary>Pictures.</summary>
    public const string Images = "images";

    /// <summary>Texts, a picture one.</summary>
    public const string Captions = "captions";
}
