using System.Globalization;
using System.Security.Cryptography;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Images of an IDX file, with the labels of another beside it when there is one.</summary>
internal sealed class IdxImageSource : IImageSource
{
    private readonly IdxFile images;
    private readonly IdxFile? labels;
    private readonly int area;

    /// <param name="imagesPath">The images file.</param>
    /// <param name="labelsPath">Its labels; null: none.</param>
    /// <param name="classNames">Names the user gave; empty: the labels' numbers are the names.</param>
    public IdxImageSource(string imagesPath, string? labelsPath, IReadOnlyList<string> classNames)
    {
        images = IdxFile.Read(imagesPath, dimensions: 3);
        area = images.Dimensions[1] * images.Dimensions[2];
        labels = labelsPath is null ? null : IdxFile.Read(labelsPath, dimensions: 1);
        if (labels is not null && labels.Dimensions[0] != images.Dimensions[0])
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"'{labelsPath}' holds {labels.Dimensions[0]} labels for the {images.Dimensions[0]} images of '{imagesPath}'. " +
                    $"Put the labels that belong to the images beside them."));
        }

        ClassNames = NameClasses(classNames);
        Fingerprint = Hash();
    }

    /// <inheritdoc/>
    public int Count => images.Dimensions[0];

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public string NameOf(int row) => string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(images.Path)}[{row}]");

    /// <inheritdoc/>
    public RawImage Read(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Count);
        var pixels = images.Data.Slice(row * area, area).ToArray();
        return new RawImage(NameOf(row), labels is null ? -1 : labels.Data[row], null, new PixelImage(images.Dimensions[2], images.Dimensions[1], 1, pixels));
    }

    private string[] NameClasses(IReadOnlyList<string> given)
    {
        if (labels is null)
        {
            return given.Count == 0
                ? []
                : throw new UserErrorException($"data.class_names is given, but no labels lie beside '{images.Path}'. " +
                    $"Put {IdxFolder.LabelsNameOf(images.Path)} there, or leave the names out.");
        }

        var largest = Largest(labels.Data);
        if (given.Count == 0)
        {
            return [.. Enumerable.Range(0, largest + 1).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        }

        return given.Count > largest
            ? [.. given]
            : throw new UserErrorException($"data.class_names has {given.Count} names, but '{labels.Path}' uses labels up to {largest}. Name every class, " +
                "in the order of the labels.");
    }

    private static int Largest(ReadOnlySpan<byte> values)
    {
        byte largest = 0;
        foreach (var value in values)
        {
            largest = Math.Max(largest, value);
        }

        return largest;
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("idx"u8);
        hash.AppendData(SHA256.HashData(images.Bytes));
        hash.AppendData(labels is null ? [] : SHA256.HashData(labels.Bytes));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
