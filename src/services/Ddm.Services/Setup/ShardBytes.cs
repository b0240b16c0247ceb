using System.Globalization;
using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What a cluster's shard holds must fit into one array, with room for what stands beside the rows.</summary>
internal static class ShardBytes
{
    private const long Most = 1_900_000_000;

    /// <summary>A picture as clusters hold it: pixels, or a latent's mean and log variance as float16, and those of its mirror image.</summary>
    public static long OfRow(RunSpec spec)
        => (long)spec.Input().Channels * spec.Input().Size * spec.Input().Size * (spec.Latent.Vae is null ? 1 : 2 * sizeof(ushort) * (spec.Data.Flip ? 2 : 1));

    /// <summary>A caption as clusters hold it; 0 without.</summary>
    public static long OfCaption(TextShape? text) => text is { } shape ? new RowText(shape).RowBytes : 0;

    /// <summary>Refuses shards that could not be written.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="text">What networks see of captions.</param>
    /// <exception cref="UserErrorException">A shard of <c>data.shard_rows</c> rows is too large.</exception>
    public static void Require(RunSpec spec, TextShape? text)
    {
        var row = OfRow(spec) + OfCaption(text);
        if (row * spec.Data.ShardRows > Most)
        {
            throw new UserErrorException(string.Create(
                CultureInfo.InvariantCulture, $"data.shard_rows: {spec.Data.ShardRows:N0} rows of {row:N0} bytes are no shard; at most {Most / row:N0} fit."));
        }
    }
}
