using System.IO.Enumeration;
using System.Text;

namespace Ddm.Data;

/// <summary>The pictures under a folder in the order of their paths' code points, with lengths and times, and which have a caption beside them.</summary>
internal sealed class FolderListing
{
    private const int Deepest = 8;

    private readonly NameList found = new(), captions = new();
    private readonly List<(long Length, long Ticks)> foundStamps = [], captionStamps = [];

    private FolderListing(string root, string folder, bool deep)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = deep, MaxRecursionDepth = Deepest };
        foreach (var (path, length, ticks) in new FileSystemEnumerable<(string Path, long Length, long Ticks)>(folder, Describe, options)
        {
            ShouldIncludePredicate = (ref entry) => !entry.IsDirectory && (PictureFile.IsPicture(entry.FileName) || IsCaption(entry.FileName)),
        })
        {
            var isCaption = IsCaption(path);
            (isCaption ? captions : found).Add(Encoding.UTF8.GetBytes(Path.GetRelativePath(root, path).Replace('\\', '/')));
            (isCaption ? captionStamps : foundStamps).Add((length, ticks));
        }
    }

    /// <summary>A picture: its path from the root (UTF-8, <c>/</c> between folders), its file's stamps, those of its caption's file.</summary>
    public readonly ref struct Entry(ReadOnlySpan<byte> path, (long Length, long Ticks) stamp, (long Length, long Ticks)? caption)
    {
        public ReadOnlySpan<byte> Path { get; } = path;

        public (long Length, long Ticks) Stamp { get; } = stamp;

        public (long Length, long Ticks)? Caption { get; } = caption;
    }

    /// <summary>Takes a picture.</summary>
    public delegate void Taker(Entry entry);

    /// <summary>Lists the pictures of <paramref name="folder"/>, with paths relative to <paramref name="root"/>.</summary>
    /// <returns>How many there are.</returns>
    public static int List(string root, string folder, bool deep, Taker take)
    {
        var listing = new FolderListing(root, folder, deep);
        var captions = new NameIndex(listing.captions);
        for (var i = 0; i < listing.captions.Count; i++)
        {
            captions.TryAdd(i);
        }

        var order = new int[listing.found.Count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        Array.Sort(order, (left, right) => listing.found[left].SequenceCompareTo(listing.found[right]));
        Span<byte> beside = stackalloc byte[NameList.MostBytes + 4];
        foreach (var i in order)
        {
            var path = listing.found[i];
            var stem = path[..path.LastIndexOf((byte)'.')];
            stem.CopyTo(beside);
            ".txt"u8.CopyTo(beside[stem.Length..]);
            var caption = captions.Find(beside[..(stem.Length + 4)]);
            take(new Entry(path, listing.foundStamps[i], caption < 0 ? null : listing.captionStamps[caption]));
        }

        return order.Length;
    }

    private static bool IsCaption(ReadOnlySpan<char> name) => name.EndsWith(".txt", StringComparison.Ordinal);

    private static (string Path, long Length, long Ticks) Describe(ref FileSystemEntry entry)
        => (entry.ToFullPath(), entry.Length, entry.LastWriteTimeUtc.UtcTicks);
}
