using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Opens what <c>data.source</c> points to.</summary>
public static class ImageSources
{
    private const string Known = "an IDX images file (*images-idx3-ubyte, .gz or not, its labels beside it), or a folder for each class with .png, .jpg, " +
        ".jpeg or .webp pictures";

    /// <summary>Finds out what the source is, lists it and reads its headers.</summary>
    /// <param name="spec">The data set asked for.</param>
    /// <param name="baseDirectory">The folder a relative source is relative to: the spec file's.</param>
    /// <exception cref="UserErrorException">Nothing there, nothing known there, or a damaged file.</exception>
    public static IImageSource Open(DataSpec spec, string baseDirectory)
    {
        var path = Path.GetFullPath(Path.Combine(baseDirectory, spec.Source));
        if (File.Exists(path))
        {
            return new IdxImageSource(path, IdxFolder.FindLabels(path), spec.ClassNames);
        }

        if (!Directory.Exists(path))
        {
            throw new UserErrorException($"data.source '{spec.Source}' is not there (looked for '{path}'). Give {Known}; " +
                "a relative path starts at the spec file.");
        }

        try
        {
            if (IdxFolder.FindImages(path) is { } images)
            {
                return new IdxImageSource(images, IdxFolder.FindLabels(images), spec.ClassNames);
            }

            return FolderImageSource.TryOpen(path, spec.ClassNames) ?? throw NothingFound(path);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserErrorException($"data.source '{path}' cannot be listed: {error.Message}", error);
        }
    }

    private static UserErrorException NothingFound(string path)
    {
        var loose = new DirectoryInfo(path).EnumerateFiles().Any(FolderImageSource.IsPicture)
            ? " Its pictures lie loose: put them into one folder a class (one folder is enough)."
            : "";
        return new UserErrorException($"'{path}' holds nothing to train on. Looked for {Known}.{loose}");
    }
}
