using System.Security.Cryptography;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>A small set of images, or of their latents, held in memory for a measurement.</summary>
public sealed class EvaluationRows
{
    private readonly double? scale; // of latents
    private RowText? textFormat;
    private byte[] texts = [];
    private byte[] nullText = [];

    /// <summary>A set over the arrays given, which are not copied.</summary>
    /// <param name="pixels">[N, C, H, W], 0 to 255.</param>
    /// <param name="channels">C.</param>
    /// <param name="size">H = W.</param>
    /// <param name="labels">[N]; -1: none.</param>
    /// <param name="clusters">[N]; null where clusters play no part.</param>
    /// <exception cref="ArgumentException">The lengths do not agree.</exception>
    public EvaluationRows(byte[] pixels, int channels, int size, long[] labels, int[]? clusters = null)
    {
        Count = labels.Length;
        if ((long)pixels.Length != (long)Count * channels * size * size || (clusters is not null && clusters.Length != Count))
        {
            throw new ArgumentException(
                $"{pixels.Length} pixel bytes and {clusters?.Length ?? Count} clusters do not fit {Count} labels of {channels} x {size} x {size} images.", nameof(pixels));
        }

        (Pixels, Channels, Size, Labels, Clusters) = (pixels, channels, size, labels, clusters);
    }

    private EvaluationRows(byte[] moments, ClusterLatents latents, long[] labels, int[] clusters)
    {
        (Count, Pixels, Channels, Size, Labels, Clusters) = (labels.Length, moments, latents.Channels, latents.Size, labels, clusters);
        scale = latents.Scale;
    }

    /// <summary>
    /// Reads rows of frozen clusters: all, or at most <paramref name="maxRows"/>, spread over the shards by their sizes. Rows of a cluster lie in
    /// shuffled order, so that the first of each are a fair sample. Leaves no shard of <paramref name="data"/> resident but the last.
    /// </summary>
    /// <exception cref="InvalidDataException">A shard is missing or damaged.</exception>
    public static Task<EvaluationRows> LoadAsync(ClusterDataset data, int maxRows = int.MaxValue, CancellationToken cancellationToken = default)
        => LoadAsync(data, maxRows, spread: true, cancellationToken);

    /// <summary>Reads the first rows alone, from as few shards as hold them. Leaves no shard of <paramref name="data"/> resident but the last.</summary>
    /// <exception cref="InvalidDataException">A shard is missing or damaged.</exception>
    public static Task<EvaluationRows> LoadFirstAsync(ClusterDataset data, int maxRows, CancellationToken cancellationToken = default)
        => LoadAsync(data, maxRows, spread: false, cancellationToken);

    private static async Task<EvaluationRows> LoadAsync(ClusterDataset data, int maxRows, bool spread, CancellationToken cancellationToken)
    {
        var count = (int)Math.Min(maxRows, data.Rows);
        var width = data.Format.RowBytes;
        var (pixels, labels, clusters) = (new byte[(long)count * width], new long[count], new int[count]);
        RowText? text = data.Text is { } shape ? new RowText(shape) : null;
        var caption = text?.RowBytes ?? 0;
        var (texts, none) = (new byte[(long)count * caption], new byte[caption]);
        var (seen, taken) = (0L, 0);
        for (var shard = 0; shard < data.ShardRows.Length; shard++)
        {
            seen += data.ShardRows[shard];
            var until = (int)(spread ? (decimal)count * seen / data.Rows : Math.Min(count, seen));
            if (until == taken)
            {
                continue;
            }

            await data.LoadAsync([shard], cancellationToken);
            for (var row = 0; taken < until; row++, taken++)
            {
                data.CopyRow(shard, row, pixels.AsSpan(taken * width, width), out labels[taken], out clusters[taken]);
                if (text is not null)
                {
                    data.CopyText(shard, row, texts.AsSpan(taken * caption, caption));
                    data.CopyText(shard, null, none);
                }
            }
        }

        var rows = data.Latents is { } latents
            ? new EvaluationRows(pixels, latents, labels, clusters)
            : new EvaluationRows(pixels, data.Channels, data.Size, labels, clusters);
        (rows.textFormat, rows.texts, rows.nullText) = (text, texts, none);
        return rows;
    }

    /// <summary>[N, C, H, W], 0 to 255; of latents their moments, float16.</summary>
    public byte[] Pixels { get; }

    /// <summary>C, of latents z.</summary>
    public int Channels { get; }

    /// <summary>H = W.</summary>
    public int Size { get; }

    /// <summary>[N]; -1: none.</summary>
    public long[] Labels { get; }

    /// <summary>[N], or null.</summary>
    public int[]? Clusters { get; }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>True when every row has a label.</summary>
    public bool Labelled => Array.TrueForAll(Labels, label => label >= 0);

    /// <summary>Whether the rows have captions as networks take them.</summary>
    public bool Captioned => textFormat is not null;

    /// <summary>
    /// What networks are told of rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/>: captions, [count, ...], where the run has text; else classes, [count] int64,
    /// null when some row has none. On the CPU.
    /// </summary>
    public Tensor? Condition(int first, int count)
        => textFormat is not null ? Captions([.. Enumerable.Range(first, count)]) : Labelled ? tensor(Labels.AsSpan(first, count).ToArray()) : null;

    /// <summary>The captions of some rows as networks take them, [N, ...]; that of no caption for -1. On the CPU.</summary>
    /// <exception cref="InvalidOperationException">The rows have no captions.</exception>
    public Tensor Captions(IReadOnlyList<int> rows)
    {
        var format = textFormat ?? throw new InvalidOperationException("These rows have no captions.");
        TorchNative.EnsureLoaded();
        var width = format.RowBytes;
        var result = empty([rows.Count, .. format.One], format.Shape.Learned ? ScalarType.Int32 : ScalarType.Float16);
        for (var i = 0; i < rows.Count; i++)
        {
            (rows[i] < 0 ? nullText : texts.AsSpan(rows[i] * width, width)).CopyTo(result.bytes.Slice(i * width, width));
        }

        return result;
    }

    /// <summary>[N]: a number for every row, equal where captions are, as far as networks see.</summary>
    /// <exception cref="InvalidOperationException">The rows have no captions.</exception>
    public int[] CaptionNumbers()
    {
        var width = (textFormat ?? throw new InvalidOperationException("These rows have no captions.")).RowBytes;
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        return [.. Enumerable.Range(0, Count).Select(row =>
        {
            var key = Convert.ToHexString(SHA256.HashData(texts.AsSpan(row * width, width)));
            numbers.TryAdd(key, numbers.Count);
            return numbers[key];
        })];
    }

    /// <summary>Whether a row has a caption.</summary>
    public bool HasCaption(int row) => textFormat is { } format && !texts.AsSpan(row * format.RowBytes, format.RowBytes).SequenceEqual(nullText);

    /// <summary>The pictures of latents, as rows of pixels.</summary>
    /// <param name="decode">Scaled latents [N, z, h, w] to pictures [N, C, H, W] in [-1, 1].</param>
    public EvaluationRows Decoded(Func<Tensor, Tensor> decode)
    {
        using var scope = NewDisposeScope();
        var pictures = EightBit.Levels(decode(Images(0, Count))).cpu().contiguous();
        return new EvaluationRows(pictures.bytes.ToArray(), (int)pictures.size(1), (int)pictures.size(2), Labels, Clusters);
    }

    /// <summary>
    /// Rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> as networks see them: [count, C, H, W] float32, pixels in [-1, 1], of latents the scaled means; on
    /// the CPU.
    /// </summary>
    public Tensor Images(int first, int count)
    {
        TorchNative.EnsureLoaded();
        using var scope = NewDisposeScope();
        if (scale is { } factor)
        {
            var moments = empty([count, 2 * Channels, Size, Size], ScalarType.Float16);
            var each = 4 * Channels * Size * Size;
            Pixels.AsSpan(first * each, count * each).CopyTo(moments.bytes);
            using Scalar multiplier = factor;
            return moments.narrow(1, 0, Channels).to(float32).mul_(multiplier).MoveToOuterDisposeScope();
        }

        var bytes = empty([count, Channels, Size, Size], ScalarType.Byte);
        var row = Channels * Size * Size;
        Pixels.AsSpan(first * row, count * row).CopyTo(bytes.bytes);
        return EightBit.Images(bytes).MoveToOuterDisposeScope();
    }
}
