using Ddm.Data;

namespace Ddm.Services;

/// <summary>A look at some pictures of a source, spread over all of it, to say something about the rest.</summary>
public sealed record SourceLook
{
    /// <summary>Pictures looked at by default.</summary>
    public const int Pictures = 64;

    private const int GreyTestSide = 32;

    /// <summary>Pictures of the source, good and bad.</summary>
    public required int Count { get; init; }

    /// <summary>Class names in the order of their labels; empty: no labels.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>Sizes of the readable pictures looked at, in the order of the source.</summary>
    public required IReadOnlyList<ImageHeader> Sizes { get; init; }

    /// <summary>Whether every readable picture looked at is grey.</summary>
    public required bool Grey { get; init; }

    /// <summary>The unreadable ones, each as <c>name: reason</c>.</summary>
    public required IReadOnlyList<string> Unreadable { get; init; }

    /// <summary>Pictures looked at.</summary>
    public int Sampled => Sizes.Count + Unreadable.Count;

    /// <summary>Looks at <paramref name="most"/> pictures of a source.</summary>
    public static SourceLook At(IImageSource source, int most = Pictures)
    {
        var sizes = new List<ImageHeader>();
        var unreadable = new List<string>();
        var grey = true;
        foreach (var row in Rows(source.Count, most))
        {
            try
            {
                var image = source.Read(row);
                var header = ImageHeader.Of(image);
                grey = grey && IsGrey(image);
                sizes.Add(header);
            }
            catch (BadImageException e)
            {
                unreadable.Add($"{source.NameOf(row)}: {e.Message}");
            }
        }

        return new SourceLook { Count = source.Count, ClassNames = source.ClassNames, Sizes = sizes, Grey = grey, Unreadable = unreadable };
    }

    /// <summary>Rows spread evenly over a source.</summary>
    internal static IEnumerable<int> Rows(int count, int most)
        => Enumerable.Range(0, Math.Min(count, most)).Select(i => (int)((long)i * count / Math.Min(count, most)));

    // By its pixels: most grey pictures are kept as colour files.
    private static bool IsGrey(RawImage image)
    {
        var planes = image.ToSquare(GreyTestSide, 3);
        var plane = planes.Length / 3;
        var red = planes.AsSpan(0, plane);
        return red.SequenceEqual(planes.AsSpan(plane, plane)) && red.SequenceEqual(planes.AsSpan(2 * plane));
    }
}
