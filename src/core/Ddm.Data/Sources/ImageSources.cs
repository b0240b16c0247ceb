using System.Text.RegularExpressions;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Opens what <c>data.source</c> points to.</summary>
public static partial class ImageSources
{
    private const string Known = "a folder with metadata.jsonl, a folder for each class or loose .png, .jpg, .jpeg or .webp pictures (a .txt beside " +
        "each as its caption), WebDataset .tar shards (a file, a folder, or name-{000000..000009}.tar), Hugging Face .parquet files, or an IDX images file " +
        "(*images-idx3-ubyte, .gz or not, its labels beside it)";

    /// <summary>Finds out what the source is, lists it and reads its headers.</summary>
    /// <param name="spec">The data set asked for.</param>
    /// <param name="baseDirectory">The folder a relative source is relative to: the spec file's.</param>
    /// <exception cref="UserErrorException">Nothing there, nothing known there, or a damaged file.</exception>
    public static IImageSource Open(DataSpec spec, string baseDirectory)
    {
        RequirePath(spec.Source);
        var path = Path.GetFullPath(Path.Combine(baseDirectory, spec.Source));
        try
        {
            return File.Exists(path) ? OpenFile(path, spec.ClassNames)
                : Directory.Exists(path) ? OpenFolder(path, spec.ClassNames)
                : TarPattern.IsPattern(path) ? OpenPattern(path, spec.ClassNames)
                : throw new UserErrorException($"data.source '{spec.Source}' is not there (looked for '{path}'). Give {Known}; " +
                    "a relative path starts at the spec file.");
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new UserErrorException($"data.source '{path}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>The full paths that a source stands for: one, or those of a pattern of names.</summary>
    /// <param name="spec">The data set asked for.</param>
    /// <param name="baseDirectory">The folder a relative source is relative to.</param>
    /// <exception cref="UserErrorException">It is a URL or a command, or a pattern of too many names.</exception>
    public static IReadOnlyList<string> PathsOf(DataSpec spec, string baseDirectory)
    {
        RequirePath(spec.Source);
        var path = Path.GetFullPath(Path.Combine(baseDirectory, spec.Source));
        return File.Exists(path) || Directory.Exists(path) || !TarPattern.IsPattern(path) ? [path] : TarPattern.Expand(path);
    }

    private static IImageSource OpenFile(string path, IReadOnlyList<string> classNames)
    {
        var name = Path.GetFileName(path);
        if (name == MetadataImageSource.FileName)
        {
            return new MetadataImageSource(path, classNames);
        }

        if (Archive().IsMatch(name))
        {
            return new TarImageSource([path], path, classNames);
        }

        return name.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)
            ? new ParquetImageSource([path], path, classNames)
            : new IdxImageSource(path, IdxFolder.FindLabels(path), classNames);
    }

    private static IImageSource OpenFolder(string path, IReadOnlyList<string> classNames)
    {
        var metadata = Path.Combine(path, MetadataImageSource.FileName);
        if (File.Exists(metadata))
        {
            return new MetadataImageSource(metadata, classNames);
        }

        if (IdxFolder.FindImages(path) is { } images)
        {
            return new IdxImageSource(images, IdxFolder.FindLabels(images), classNames);
        }

        if (ParquetFolder.Find(path) is { Count: > 0 } parquet)
        {
            return new ParquetImageSource(parquet, path, classNames);
        }

        // Compressed ones too: they are refused by name.
        List<string> archives = [.. Directory.EnumerateFiles(path).Where(file => Archive().IsMatch(Path.GetFileName(file))).Order(StringComparer.Ordinal)];
        if (archives.Count > 0)
        {
            return new TarImageSource(archives, path, classNames);
        }

        if (Directory.EnumerateDirectories(path).FirstOrDefault(folder => File.Exists(Path.Combine(folder, MetadataImageSource.FileName))) is { } inside)
        {
            throw new UserErrorException($"'{path}' has no metadata.jsonl, but '{inside}' has. Point data.source there.");
        }

        return FolderImageSource.TryOpen(path, classNames) ?? throw new UserErrorException($"'{path}' holds nothing to train on. Looked for {Known}.");
    }

    private static TarImageSource OpenPattern(string pattern, IReadOnlyList<string> classNames)
    {
        var paths = TarPattern.Expand(pattern);
        var missing = paths.Where(path => !File.Exists(path)).ToList();
        return missing.Count == 0
            ? new TarImageSource(paths, pattern, classNames)
            : throw new UserErrorException($"data.source '{pattern}' stands for {paths.Count} files, of which {missing.Count} are not there: " +
                $"{string.Join(", ", missing.Take(5).Select(path => $"'{Path.GetFileName(path)}'"))}{(missing.Count > 5 ? ", ..." : "")}.");
    }

    // WebDataset would run "pipe:" as a command and fetch URLs; here a source is a path and nothing else.
    private static void RequirePath(string source)
    {
        if (Scheme().Match(source) is { Success: true } scheme)
        {
            throw new UserErrorException($"data.source '{Printable.Text(source)}' is {(scheme.Value == "pipe:" ? "a command" : "a URL")}; nothing is run or " +
                "fetched. Bring the data to this machine and give its path.");
        }
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]+:")] // one letter is a drive of Windows
    private static partial Regex Scheme();

    [GeneratedRegex(@"\.(tar|tgz|zip|tar\.[a-z0-9]{2,4})$", RegexOptions.IgnoreCase)]
    private static partial Regex Archive();
}
