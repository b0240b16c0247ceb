using Ddm.Runs;

namespace Ddm.Data;

/// <summary>A data set's rows, each with its caption as networks take it.</summary>
/// <param name="rows">The rows.</param>
/// <param name="shape">What networks see of a caption.</param>
/// <param name="nullText">The row of no caption.</param>
/// <param name="readText">The captions of a shard, row by row.</param>
public sealed class CaptionedShardRows(IShardRows rows, TextShape shape, byte[] nullText, Func<int, CancellationToken, Task<byte[]>> readText) : IShardRows
{
    private readonly RowText text = new(shape);

    /// <inheritdoc/>
    public DatasetManifest Manifest => rows.Manifest;

    /// <inheritdoc/>
    public RowFormat Format => rows.Format;

    /// <inheritdoc/>
    public double Scale => rows.Scale;

    /// <inheritdoc/>
    public RowText? Text => text;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> NullText => nullText;

    /// <inheritdoc/>
    public async Task<ImageRows> ReadShardAsync(int shard, CancellationToken cancellationToken)
    {
        var read = await rows.ReadShardAsync(shard, cancellationToken);
        var conditions = await readText(shard, cancellationToken);
        return conditions.Length == (long)read.Count * text.RowBytes
            ? read with { Conditions = conditions }
            : throw new InvalidDataException($"The captions of data set shard {shard} have {conditions.Length} bytes where {read.Count} of {text.RowBytes} are needed.");
    }

    /// <inheritdoc/>
    public Task<(long[] RowIds, bool[] HeldOut)> ReadRowsAsync(int shard, CancellationToken cancellationToken) => rows.ReadRowsAsync(shard, cancellationToken);
}
