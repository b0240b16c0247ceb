using System.Formats.Tar;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ddm.Data;

/// <summary>
/// A shard's file: POSIX tar as WebDataset reads it, members of one image sharing their base name. Times, owners and modes are constants:
/// the same images give the same bytes.
/// </summary>
internal static class ShardTar
{
    /// <summary>Appends one image.</summary>
    public static void Write(TarWriter tar, ShardRow row)
    {
        var name = row.Row.ToString("D9", CultureInfo.InvariantCulture);
        WriteMember(tar, name + ".png", row.Png);
        if (row.Text is not null)
        {
            WriteMember(tar, name + ".txt", Encoding.UTF8.GetBytes(row.Text));
        }

        WriteMember(tar, name + ".json", row.Facts.Serialize());
    }

    /// <summary>Reads all images in order.</summary>
    /// <exception cref="InvalidDataException">Not a shard as <see cref="Write"/> makes it; the message names the member.</exception>
    public static List<ShardRow> Read(Stream stream)
    {
        var rows = new List<ShardRow>();
        using var tar = new TarReader(stream, leaveOpen: true);
        while (tar.GetNextEntry() is { } image)
        {
            var row = RowOf(image, ".png");
            var png = Content(image);
            var facts = tar.GetNextEntry();
            string? text = null;
            if (facts is not null && facts.Name.EndsWith(".txt", StringComparison.Ordinal) && RowOf(facts, ".txt") == row)
            {
                text = Encoding.UTF8.GetString(Content(facts));
                facts = tar.GetNextEntry();
            }

            if (facts is null || RowOf(facts, ".json") != row)
            {
                throw new InvalidDataException($"the shard has no JSON behind '{image.Name}'");
            }

            rows.Add(new ShardRow(row, png, text, ParseFacts(facts)));
        }

        return rows;
    }

    private static ShardRowFacts ParseFacts(TarEntry entry)
    {
        try
        {
            return ShardRowFacts.Parse(Content(entry));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"the shard's member '{entry.Name}' cannot be read: {error.Message}", error);
        }
    }

    private static void WriteMember(TarWriter tar, string name, byte[] content)
    {
        using var data = new MemoryStream(content, writable: false);
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = data,
            ModificationTime = DateTimeOffset.UnixEpoch,
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        });
    }

    private static long RowOf(TarEntry entry, string extension)
    {
        var known = entry.EntryType == TarEntryType.RegularFile && entry.Name.EndsWith(extension, StringComparison.Ordinal);
        return known && long.TryParse(entry.Name.AsSpan()[..^extension.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var row)
            ? row
            : throw new InvalidDataException($"the shard holds '{entry.Name}' ({entry.EntryType}) where an image's {extension} was due");
    }

    private static byte[] Content(TarEntry entry)
    {
        var content = new byte[entry.Length];
        entry.DataStream?.ReadExactly(content);
        return content;
    }
}
