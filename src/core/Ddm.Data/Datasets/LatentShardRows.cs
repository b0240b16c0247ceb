namespace Ddm.Data;

/// <summary>A data set's rows with the moments of their latents in place of their pixels.</summary>
/// <param name="reader">The data set.</param>
/// <param name="latentChannels">z.</param>
/// <param name="size">h.</param>
/// <param name="scale">What latents are multiplied by.</param>
/// <param name="mirrored">Whether each picture's moments are followed by those of its mirror image.</param>
/// <param name="readMoments">The moments of a shard, [N, 2 z, h, h] or [N, 2, 2 z, h, h] float16, row by row.</param>
public sealed class LatentShardRows(
    DatasetReader reader, int latentChannels, int size, double scale, bool mirrored, Func<int, CancellationToken, Task<byte[]>> readMoments) : IShardRows
{
    /// <inheritdoc/>
    public DatasetManifest Manifest => reader.Manifest;

    /// <inheritdoc/>
    public RowFormat Format { get; } = new(2 * latentChannels, size, Moments: true, mirrored);

    /// <inheritdoc/>
    public double Scale => scale;

    /// <inheritdoc/>
    public async Task<ImageRows> ReadShardAsync(int shard, CancellationToken cancellationToken)
    {
        var rows = await reader.ReadFactsAsync(shard, cancellationToken, verify: true);
        var moments = await readMoments(shard, cancellationToken);
        return moments.Length == (long)rows.Count * Format.RowBytes
            ? rows with { Pixels = moments, Format = Format }
            : throw new InvalidDataException($"The latents of data set shard {shard} have {moments.Length} bytes where {rows.Count} of {Format.RowBytes} are needed.");
    }

    /// <inheritdoc/>
    public Task<(long[] RowIds, bool[] HeldOut)> ReadRowsAsync(int shard, CancellationToken cancellationToken) => reader.ReadRowsAsync(shard, cancellationToken);
}
