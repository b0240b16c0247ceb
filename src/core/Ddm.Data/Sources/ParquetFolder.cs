using System.Text.RegularExpressions;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Finds a data set's parquet files: in the folder, or in its <c>data</c> as Hugging Face lays them out; of several splits the training split.</summary>
internal static partial class ParquetFolder
{
    /// <summary>The files in order; empty: there are none.</summary>
    /// <exception cref="UserErrorException">They are of several splits, none of which is <c>train</c>.</exception>
    public static List<string> Find(string folder)
    {
        var files = Files(folder);
        if (files.Count == 0 && Directory.Exists(Path.Combine(folder, "data")))
        {
            files = Files(Path.Combine(folder, "data"));
        }

        var splits = files.GroupBy(file => Shard().Match(Path.GetFileName(file)).Groups[1].Value).ToDictionary(split => split.Key, split => split.ToList());
        if (splits.Count < 2)
        {
            return files;
        }

        return splits.TryGetValue("train", out var train)
            ? train
            : throw new UserErrorException($"'{Path.GetDirectoryName(files[0])}' holds parquet files of several kinds ({string.Join(", ", splits.Keys.Take(10).Select(Quoted))}). " +
                "Point data.source to one file, or keep only the files of one data set there.");
    }

    private static List<string> Files(string folder) => [.. Directory.EnumerateFiles(folder)
        .Where(file => file.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) && Path.GetFileName(file)[0] != '.').Order(StringComparer.Ordinal)];

    private static string Quoted(string split) => split.Length == 0 ? "without a split in the name" : split;

    [GeneratedRegex(@"^([A-Za-z]\w*?)(?:-\d+-of-\d+(?:-[0-9a-f]+)?)\.parquet$")]
    private static partial Regex Shard();
}
