using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;
using Parquet;

namespace Ddm.Data;

/// <summary>Parquet files as Hugging Face's datasets writes them, read a row group at a time; see <see cref="ParquetColumns"/>. A picture's path is not followed.</summary>
internal sealed class ParquetImageSource : IImageSource
{
    private const long MostGroupBytes = int.MaxValue;

    private readonly List<(string Path, long Length, ParquetColumns Columns)> files = [];
    private readonly List<(int File, int Group, long Bytes)> groups = [];
    private readonly List<int> firstRows = [], fileRows = [];
    private readonly ParquetGroups cache = new();
    private readonly int[]? labels;

    /// <summary>Reads the files' footers and labels.</summary>
    /// <param name="paths">The files, in order.</param>
    /// <param name="place">What the user gave, for messages.</param>
    /// <param name="classNames">data.class_names.</param>
    /// <exception cref="UserErrorException">A file is damaged, lacks its columns, or has row groups too large to hold.</exception>
    public ParquetImageSource(IReadOnlyList<string> paths, string place, IReadOnlyList<string> classNames)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("parquet"u8);
        var column = new LabelColumn();
        foreach (var path in paths)
        {
            var file = new FileInfo(path);
            hash.AppendData(Encoding.UTF8.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"{file.Name}\n{file.Length}\n{file.LastWriteTimeUtc.Ticks}\n")));
            fileRows.Add(Count);
            Guard(path, () => Index(path, file.Length, column));
        }

        if (Count == 0)
        {
            throw new UserErrorException($"'{place}' holds no rows.");
        }

        var fromFile = files[0].Columns.ClassNames;
        if (files.Find(file => !file.Columns.ClassNames.SequenceEqual(fromFile)) is { Path: { } other })
        {
            throw new UserErrorException($"'{files[0].Path}' and '{other}' name their classes differently: they are not of one data set.");
        }

        (ClassNames, labels) = column.Finish(classNames, fromFile, place);
        if (files.Exists(file => file.Columns.Group is not null))
        {
            hash.AppendData("groups"u8); // shards that were made before groups were read are not taken for these
        }

        Fingerprint = Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public int Count { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public string NameOf(int row)
    {
        var file = groups[GroupOf(row)].File;
        return string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(files[file].Path)}[{row - fileRows[file]}]");
    }

    /// <inheritdoc/>
    public RawImage Read(int row)
    {
        var at = GroupOf(row);
        var (file, group, bytes) = groups[at];
        var (path, length, columns) = files[file];
        var rows = Load(path, length, columns, group, bytes);
        var i = row - firstRows[at];
        var picture = rows.Image.Bytes(i) ?? throw new BadImageException("has no bytes; a path alone is not followed");
        PictureFile.RequireSmall(picture.Length);
        return PictureGroup.Take(rows.Group?.TextOrDigits(i), out var together) is { } problem
            ? throw new BadImageException("its group " + problem)
            : new RawImage(NameOf(row), labels is null ? -1 : labels[row], picture, null, Caption.Clean(rows.Text?.Text(i)), together);
    }

    private ParquetRows Load(string path, long length, ParquetColumns columns, int group, long bytes)
    {
        try
        {
            return new FileInfo(path).Length == length
                ? cache.Get(path, columns, group, bytes)
                : throw new BadImageException($"'{path}' has changed since it was listed");
        }
        catch (Exception error) when (error is not BadImageException and not OutOfMemoryException)
        {
            // Whatever the reader says of damaged bytes: the rows of this group are lost, the others are not.
            throw new BadImageException(string.Create(CultureInfo.InvariantCulture, $"row group {group} cannot be read: {Printable.Text(error.Message, 200)}"), error);
        }
    }

    private void Index(string path, long length, LabelColumn column)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var reader = ParquetReader.CreateAsync(file).GetAwaiter().GetResult();
        var columns = ParquetColumns.Find(reader, path);
        files.Add((path, length, columns));
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            using var rows = reader.OpenRowGroupReader(group);
            var bytes = rows.GetMetadata(columns.Image)?.MetaData?.TotalUncompressedSize ?? 0;
            if (rows.RowCount > int.MaxValue - Count || bytes > MostGroupBytes)
            {
                throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                    $"'{path}': row group {group} has {rows.RowCount:N0} rows of {bytes:N0} bytes of pictures; at most {MostGroupBytes:N0} are held at once. " +
                        $"Write the file again with smaller row groups (pyarrow: row_group_size=1000)."));
            }

            if (rows.RowCount == 0)
            {
                continue;
            }

            groups.Add((files.Count - 1, group, bytes));
            firstRows.Add(Count);
            Count += (int)rows.RowCount;
            AddLabels(path, columns, rows, column);
        }
    }

    private static void AddLabels(string path, ParquetColumns columns, ParquetRowGroupReader rows, LabelColumn column)
    {
        var labels = columns.Label is null ? null : ParquetColumn.Read(rows, columns.Label);
        for (var row = 0; row < rows.RowCount; row++)
        {
            if (column.Add(labels?.Label(row) ?? Label.None) is { } problem)
            {
                throw new UserErrorException($"'{path}': {problem}.");
            }
        }
    }

    private static void Guard(string path, Action read)
    {
        try
        {
            read();
        }
        catch (Exception error) when (error is not UserErrorException and not OutOfMemoryException)
        {
            // The reader meets damaged bytes with many kinds of exceptions.
            throw new UserErrorException($"'{path}' is no sound parquet file: {Printable.Text(error.Message, 200)} Fetch or write it again.", error);
        }
    }

    private int GroupOf(int row)
    {
        var found = firstRows.BinarySearch(row);
        return found < 0 ? ~found - 1 : found;
    }
}
