using Ddm.Runs;

namespace Ddm.Services;

/// <summary>How far the encoding of a data set is: features, or moments of latents.</summary>
/// <param name="Stage">Of the run.</param>
/// <param name="Done">Images encoded, those of earlier shards among them.</param>
/// <param name="Total">Images of the data set.</param>
/// <param name="ImagesPerSecond">Of the shard under way, all in all.</param>
/// <param name="EncoderBusy">Share of the shard's time that the encoder worked, 0 to 1: at 1 nothing but encoding takes time, and the rate is the encoder's own.</param>
public sealed record EncodingProgress(RunStage Stage, long Done, long Total, double ImagesPerSecond, double EncoderBusy);
