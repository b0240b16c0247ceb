using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Finds IDX files by their customary names: <c>*images*idx3*</c> with <c>*labels*idx1*</c> beside, <c>.gz</c> or not.</summary>
internal static class IdxFolder
{
    /// <summary>The folder's images file, or null when it has none.</summary>
    /// <exception cref="UserErrorException">There are several, and none is the training split.</exception>
    public static string? FindImages(string folder)
    {
        string[] found = [.. Directory.EnumerateFiles(folder).Where(IsImages).Order(StringComparer.Ordinal)];
        // A file and its unpacked copy are one data set: the plain one is read.
        found = [.. found.Where(file => !file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || !found.Contains(file[..^3]))];
        if (found.Length < 2)
        {
            return found.FirstOrDefault();
        }

        string[] training = [.. found.Where(file => Path.GetFileName(file).StartsWith("train", StringComparison.OrdinalIgnoreCase))];
        return training.Length == 1
            ? training[0]
            : throw new UserErrorException($"'{folder}' has several IDX images files: {string.Join(", ", found.Select(Path.GetFileName))}. " +
                "Point data.source to one of them.");
    }

    /// <summary>The labels that belong to an images file, or null.</summary>
    public static string? FindLabels(string imagesPath)
    {
        var plain = Path.Combine(Path.GetDirectoryName(imagesPath) ?? "", LabelsNameOf(imagesPath));
        if (plain.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            plain = plain[..^3];
        }

        string[] candidates = [plain, plain + ".gz"];
        return Array.Find(candidates, path => path != imagesPath && File.Exists(path));
    }

    /// <summary>The file name labels are looked for under: <c>images</c> becomes <c>labels</c>, <c>idx3</c> becomes <c>idx1</c>.</summary>
    public static string LabelsNameOf(string imagesPath) => Path.GetFileName(imagesPath)
        .Replace("images", "labels", StringComparison.OrdinalIgnoreCase)
        .Replace("idx3", "idx1", StringComparison.OrdinalIgnoreCase);

    private static bool IsImages(string path)
    {
        var name = Path.GetFileName(path);
        return name.Contains("idx3", StringComparison.OrdinalIgnoreCase) && !name.StartsWith('.');
    }
}
