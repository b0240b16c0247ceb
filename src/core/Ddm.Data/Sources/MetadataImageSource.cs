using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>
/// A folder whose <c>metadata.jsonl</c> lists its pictures, as Hugging Face's imagefolder does: a JSON object a line with <c>file_name</c>, relative to
/// the file's folder, and, where there is one, <c>text</c>, <c>label</c> and <c>group</c>. Rows are in the order of the lines; pictures that no line names are not taken.
/// </summary>
internal sealed class MetadataImageSource : IImageSource
{
    /// <summary>The file's name.</summary>
    public const string FileName = "metadata.jsonl";

    private readonly string root;
    private readonly string path;
    private readonly NameList names = new();
    private readonly List<long> lines = []; // where each row's line begins
    private readonly int[]? labels;
    private bool hasText, hasGroups;

    /// <summary>Reads and checks the whole file, and that every picture it names is there.</summary>
    /// <exception cref="UserErrorException">Lines are wrong: all are listed by number.</exception>
    public MetadataImageSource(string path, IReadOnlyList<string> classNames)
    {
        this.path = path;
        root = Path.GetDirectoryName(path)!;
        var column = new LabelColumn();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("metadata"u8);
        ReadLines(column, hash);
        if (names.Count == 0)
        {
            throw new UserErrorException($"'{path}' lists no picture. Give it a line {{\"file_name\": \"picture.png\", \"text\": \"a caption\"}} for each.");
        }

        lines.TrimExcess();
        (ClassNames, labels) = column.Finish(classNames, [], path);
        if (hasGroups)
        {
            hash.AppendData("groups"u8); // shards that were made before groups were read are not taken for these
        }

        Fingerprint = Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public int Count => names.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public string NameOf(int row) => Encoding.UTF8.GetString(names[row]);

    /// <inheritdoc/>
    public RawImage Read(int row)
    {
        var name = NameOf(row);
        var line = hasText || hasGroups ? ReadLine(row, name) : default;
        return new RawImage(
            name, labels is null ? -1 : labels[row], PictureFile.Read(Path.Combine(root, name)), null, Caption.Clean(line.Text), line.Group);
    }

    private void ReadLines(LabelColumn column, IncrementalHash hash)
    {
        var errors = new LineErrors(path);
        var (index, guard) = (new NameIndex(names), new LinkGuard(root));
        var lineOf = new List<long>();
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var reader = new LineReader(file);
        while (reader.TryRead(out var line))
        {
            if (line.Trim(" \t"u8).IsEmpty && !reader.IsTooLong)
            {
                continue;
            }

            hash.AppendData(line);
            if (Check(reader, line, guard, hash, out var row) is { } problem)
            {
                errors.Add(reader.Number, problem);
                continue;
            }

            names.Add(Encoding.UTF8.GetBytes(Normal(row.FileName!)));
            lines.Add(reader.At);
            lineOf.Add(reader.Number);
            var same = index.TryAdd(names.Count - 1);
            if (same >= 0)
            {
                errors.Add(reader.Number, string.Create(CultureInfo.InvariantCulture, $"{Quoted(row)} is on line {lineOf[same]} already"));
            }

            if (column.Add(row.Label) is { } wrongLabel)
            {
                errors.Add(reader.Number, wrongLabel);
            }

            hasText |= row.Text is not null;
            hasGroups |= row.Group is not null;
        }

        errors.ThrowIfAny();
    }

    private string? Check(LineReader reader, ReadOnlySpan<byte> line, LinkGuard guard, IncrementalHash hash, out JsonRow row)
    {
        row = default;
        if (reader.IsTooLong)
        {
            return string.Create(CultureInfo.InvariantCulture, $"is {reader.Length:N0} bytes long; a line has at most {LineReader.MostBytes:N0}");
        }

        if (JsonRow.TryParse(line, out row) is { } wrong)
        {
            return wrong;
        }

        if (row.FileName is null)
        {
            return "has no \"file_name\"";
        }

        return SourcePath.Problem(row.FileName) is { } problem ? $"{Quoted(row)} {problem}" : CheckCaption(row) ?? CheckFile(row, guard, hash);
    }

    private static string? CheckCaption(JsonRow row)
    {
        var length = row.Text is null ? 0 : Encoding.UTF8.GetByteCount(row.Text.Trim());
        return length <= Caption.MostBytes ? null
            : string.Create(CultureInfo.InvariantCulture, $"has a caption of {length:N0} bytes; at most {Caption.MostBytes:N0} are kept");
    }

    private string? CheckFile(JsonRow row, LinkGuard guard, IncrementalHash hash)
    {
        try
        {
            var file = new FileInfo(Path.Combine(root, Normal(row.FileName!)));
            if (!file.Exists)
            {
                return $"{Quoted(row)} {(Directory.Exists(file.FullName) ? "is a folder" : "is not there")}";
            }

            if (!guard.IsInside(file.FullName))
            {
                return $"{Quoted(row)} is a link that leads out of '{root}'";
            }

            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\n{file.Length}\n{file.LastWriteTimeUtc.Ticks}\n")));
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{Quoted(row)} cannot be read: {Printable.Text(error.Message, 200)}";
        }
    }

    // Captions and groups stay in the file: a million of them would be hundreds of megabytes.
    private JsonRow ReadLine(int row, string name)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            file.Position = lines[row];
            var buffer = new byte[4096];
            for (var filled = 0; ;)
            {
                var read = file.Read(buffer, filled, buffer.Length - filled);
                filled += read;
                var end = buffer.AsSpan(0, filled).IndexOf((byte)'\n');
                if (end >= 0 || read == 0)
                {
                    var isSame = JsonRow.TryParse(buffer.AsSpan(0, end < 0 ? filled : end), out var line) is null && line.FileName is not null
                        && Normal(line.FileName) == name;
                    return isSame ? line : throw new BadImageException($"its line in {FileName} has changed since the file was read");
                }

                if (filled == buffer.Length)
                {
                    Array.Resize(ref buffer, Math.Min(2 * filled, LineReader.MostBytes + 4096));
                }
            }
        }
        catch (Exception error) when (error is FileNotFoundException or UnauthorizedAccessException)
        {
            throw new BadImageException($"its line in {FileName} cannot be read: {error.Message}", error);
        }
    }

    // "./a.png" and "a//b.png" are the same files as "a.png" and "a/b.png".
    private static string Normal(string name)
        => string.Join('/', name.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(segment => segment != "."));

    private static string Quoted(JsonRow row) => $"\"file_name\" '{Printable.Text(row.FileName!)}'";
}
