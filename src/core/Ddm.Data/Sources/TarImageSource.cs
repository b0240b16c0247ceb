using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;
using Microsoft.Win32.SafeHandles;

namespace Ddm.Data;

/// <summary>
/// WebDataset shards: POSIX tar files whose members of one base name are one picture (<c>.jpg .jpeg .png .webp</c>), its caption (<c>.txt</c>, or
/// <c>text</c> in <c>.json</c>) and its label (<c>.cls</c>, or <c>label</c> in <c>.json</c>), its group (<c>group</c> in <c>.json</c>). Headers are read once; pictures are then read by their places.
/// Nothing is unpacked, no link is followed, no command, URL or pickle is looked at: such members are listed in the quarantine.
/// </summary>
internal sealed class TarImageSource : IImageSource
{
    private readonly List<string> paths;
    private readonly List<long> lengths = [];
    private readonly List<int> firstRows = [];
    private readonly TarRows rows = new();
    private readonly int[]? labels;

    /// <summary>Reads the headers of all shards.</summary>
    /// <param name="paths">The shards, in order.</param>
    /// <param name="place">What the user gave, for messages.</param>
    /// <param name="classNames">data.class_names.</param>
    /// <exception cref="UserErrorException">A shard is missing, compressed or damaged, or none has a picture.</exception>
    public TarImageSource(IReadOnlyList<string> paths, string place, IReadOnlyList<string> classNames)
    {
        this.paths = [.. paths];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("tar"u8);
        foreach (var path in paths)
        {
            var file = new FileInfo(path);
            firstRows.Add(rows.Count);
            lengths.Add(file.Length);
            hash.AppendData(Encoding.UTF8.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"{file.Name}\n{file.Length}\n{file.LastWriteTimeUtc.Ticks}\n")));
            Index(path, file.Length);
        }

        if (rows.Count == 0)
        {
            throw new UserErrorException($"'{place}' holds no picture: a member whose name ends in .jpg, .jpeg, .png or .webp was looked for.");
        }

        rows.Trim();
        (ClassNames, labels) = rows.Labels.Finish(classNames, [], place);
        if (rows.HasGroups)
        {
            hash.AppendData("groups"u8); // shards that were made before groups were read are not taken for these
        }

        Fingerprint = Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public int Count => rows.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public string NameOf(int row) => $"{Path.GetFileName(paths[ShardOf(row)])}/{Printable.Text(rows.NameOf(row), NameList.MostBytes)}";

    /// <inheritdoc/>
    public RawImage Read(int row)
    {
        var picture = rows.PictureOf(row);
        var shard = ShardOf(row);
        try
        {
            using var file = File.OpenHandle(paths[shard]);
            if (RandomAccess.GetLength(file) != lengths[shard])
            {
                throw new BadImageException($"'{paths[shard]}' has changed since it was listed");
            }

            var bytes = ReadAt(file, picture.At, picture.Length);
            var caption = ReadCaption(file, rows.CaptionOf(row));
            var group = rows.GroupOf(row) is { Length: > 0 } place ? ReadJson(file, place).Group : null;
            return new RawImage(NameOf(row), labels is null ? -1 : labels[row], bytes, null, caption, group);
        }
        catch (Exception error) when (error is FileNotFoundException or UnauthorizedAccessException)
        {
            throw new BadImageException("cannot be read: " + error.Message, error);
        }
    }

    private static string? ReadCaption(SafeFileHandle file, TarRows.Place caption)
    {
        if (caption.Length >= 0)
        {
            return caption.Length == 0 ? null : Caption.Read(ReadAt(file, caption.At, caption.Length));
        }

        return Caption.Clean(ReadJson(file, caption with { Length = -caption.Length }).Text);
    }

    private static JsonRow ReadJson(SafeFileHandle file, TarRows.Place place)
        => JsonRow.TryParse(ReadAt(file, place.At, place.Length), out var json) is { } wrong ? throw new BadImageException("its .json " + wrong) : json;

    private static byte[] ReadAt(SafeFileHandle file, long at, int length)
    {
        var bytes = new byte[length];
        for (var filled = 0; filled < length;)
        {
            var read = RandomAccess.Read(file, bytes.AsSpan(filled), at + filled);
            filled += read > 0 ? read : throw new BadImageException("its bytes end before their length in the archive");
        }

        return bytes;
    }

    private int ShardOf(int row)
    {
        var found = firstRows.BinarySearch(row);
        if (found < 0)
        {
            return ~found - 1;
        }

        while (found + 1 < firstRows.Count && firstRows[found + 1] == row)
        {
            found++; // shards without a picture
        }

        return found;
    }

    private void Index(string path, long length)
    {
        var at = 0L;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 17);
            TarIndexer.RequirePlain(file, path);
            using var tar = new TarReader(file);
            var indexer = new TarIndexer(path, rows);
            using var headers = File.OpenHandle(path); // its own: the stream would lose its buffer whenever its handle is asked for
            TarHeaders.Check(headers, 0);
            while (tar.GetNextEntry() is { } entry)
            {
                at = file.Position;
                indexer.Take(entry, length);
                if (TarHeaders.Behind(entry) is > 0 and var next)
                {
                    TarHeaders.Check(headers, next);
                }
            }

            indexer.End();
        }
        catch (Exception error) when (error is InvalidDataException or IOException or FormatException or ArgumentException or OverflowException)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"'{path}' is no sound tar file behind byte {at}: {Printable.Text(error.Message, 200)} Fetch or write it again."), error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserErrorException($"'{path}' cannot be read: {error.Message}", error);
        }
    }
}
