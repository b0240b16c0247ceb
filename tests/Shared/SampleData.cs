using System.Formats.Tar;
using System.Text;
using Parquet;
using Parquet.Schema;

namespace Ddm.Tests;

/// <summary>A picture to write into a data set of any format.</summary>
internal sealed record SampleRow(string Name, byte[] Picture, string? Text = null, long? Label = null, string? Group = null);

/// <summary>Writes data sets as their users have them: folders, WebDataset tars, Hugging Face parquet files.</summary>
internal static class SampleData
{
    /// <summary>Pictures with <c>metadata.jsonl</c>.</summary>
    public static void WriteMetadataFolder(string folder, IEnumerable<SampleRow> rows)
    {
        var lines = new StringBuilder();
        foreach (var row in rows)
        {
            WriteFile(folder, row.Name, row.Picture);
            lines.Append(System.Text.Json.JsonSerializer.Serialize(new { file_name = row.Name, text = row.Text, label = row.Label, group = row.Group })).Append('\n');
        }

        WriteFile(folder, "metadata.jsonl", Encoding.UTF8.GetBytes(lines.ToString()));
    }

    /// <summary>Loose pictures with their captions beside them.</summary>
    public static void WriteLooseFolder(string folder, IEnumerable<SampleRow> rows)
    {
        foreach (var row in rows)
        {
            WriteFile(folder, row.Name, row.Picture);
            if (row.Text is not null)
            {
                WriteFile(folder, Path.ChangeExtension(row.Name, ".txt"), Encoding.UTF8.GetBytes(row.Text));
            }
        }
    }

    /// <summary>A WebDataset shard: <c>.png</c>, <c>.txt</c>, <c>.cls</c>, <c>.json</c> for a group.</summary>
    public static void WriteTar(string path, IEnumerable<SampleRow> rows) => WriteTar(path, rows.SelectMany(Members));

    /// <summary>Any tar of regular files.</summary>
    public static void WriteTar(string path, IEnumerable<(string Name, byte[] Content)> members) => WriteTar(path, members.Select(member => Member(member.Name, member.Content)));

    /// <summary>Any tar.</summary>
    public static void WriteTar(string path, IEnumerable<TarEntry> entries)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var tar = new TarWriter(File.Create(path));
        foreach (var entry in entries)
        {
            tar.WriteEntry(entry);
        }
    }

    /// <summary>A regular file in a tar.</summary>
    public static TarEntry Member(string name, byte[] content)
        => new GnuTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content), ModificationTime = DateTimeOffset.UnixEpoch };

    /// <summary>A parquet file as Hugging Face's datasets writes it; where no row has a caption, label or group, without that column.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">Its rows; an empty picture is written as null.</param>
    /// <param name="groupRows">Rows of a row group.</param>
    /// <param name="classNames">For the note of the label's names.</param>
    public static async Task WriteParquetAsync(string path, IReadOnlyList<SampleRow> rows, int groupRows, params string[] classNames)
    {
        var fields = new List<Field> { new StructField("image", new DataField<byte[]>("bytes"), new DataField<string>("path")) };
        if (rows.Any(row => row.Text is not null))
        {
            fields.Add(new DataField<string>("text"));
        }

        if (rows.Any(row => row.Label is not null))
        {
            fields.Add(new DataField<long?>("label"));
        }

        if (rows.Any(row => row.Group is not null))
        {
            fields.Add(new DataField<string>("group"));
        }

        var schema = new ParquetSchema(fields);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var file = File.Create(path);
        await using var parquet = await ParquetWriter.CreateAsync(schema, file);
        if (classNames.Length > 0)
        {
            var names = System.Text.Json.JsonSerializer.Serialize(classNames);
            parquet.CustomMetadata = new Dictionary<string, string>
            {
                ["huggingface"] = "{\"info\": {\"features\": {\"image\": {\"_type\": \"Image\"}, \"label\": {\"names\": " + names + ", \"_type\": \"ClassLabel\"}}}}",
            };
        }

        foreach (var group in rows.Chunk(groupRows))
        {
            using var writer = parquet.CreateRowGroup();
            await WritePicturesAsync(writer, schema.DataFields, group);
            if (schema.DataFields.FirstOrDefault(field => field.Name == "text") is { } text)
            {
                await writer.WriteAsync(text, (IReadOnlyCollection<string>)Array.ConvertAll(group, row => row.Text!), null);
            }

            if (schema.DataFields.FirstOrDefault(field => field.Name == "label") is { } label)
            {
                await writer.WriteAsync<long>(label, Array.ConvertAll(group, row => row.Label), null, null, default);
            }

            if (schema.DataFields.FirstOrDefault(field => field.Name == "group") is { } together)
            {
                await writer.WriteAsync(together, (IReadOnlyCollection<string>)Array.ConvertAll(group, row => row.Group!), null);
            }

            writer.CompleteValidate();
        }
    }

    private static async Task WritePicturesAsync(ParquetRowGroupWriter writer, DataField[] fields, SampleRow[] rows)
    {
        var pictures = rows.Where(row => row.Picture.Length > 0).Select(row => new ReadOnlyMemory<byte>(row.Picture)).ToArray();
        var levels = Array.ConvertAll(rows, row => row.Picture.Length > 0 ? 2 : 1);
        await writer.WriteAllPartsAsync<ReadOnlyMemory<byte>>(fields[0], pictures, levels, null, default);
        await writer.WriteAllPartsAsync<ReadOnlyMemory<char>>(
            fields[1], Array.ConvertAll(rows, row => row.Name.AsMemory()), Array.ConvertAll(rows, _ => 2), null, default);
    }

    private static IEnumerable<(string Name, byte[] Content)> Members(SampleRow row)
    {
        yield return (row.Name, row.Picture);
        if (row.Text is not null)
        {
            yield return (Path.ChangeExtension(row.Name, ".txt"), Encoding.UTF8.GetBytes(row.Text));
        }

        if (row.Label is not null)
        {
            yield return (Path.ChangeExtension(row.Name, ".cls"), Encoding.UTF8.GetBytes($"{row.Label}"));
        }

        if (row.Group is not null)
        {
            yield return (Path.ChangeExtension(row.Name, ".json"), System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { group = row.Group }));
        }
    }

    private static void WriteFile(string folder, string name, byte[] bytes)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }
}
