using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Pictures in a folder a class: <c>cats/1.png</c>, <c>dogs/x/2.jpg</c>. Classes and files are ordered by their names' code points.</summary>
internal sealed class FolderImageSource : IImageSource
{
    private const long MaxFileBytes = 256L << 20;

    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp"];
    private static readonly EnumerationOptions Deep = new() { RecurseSubdirectories = true, MaxRecursionDepth = 8 };

    private readonly string root;
    private readonly (string Name, int Label)[] files;

    private FolderImageSource(string root, IReadOnlyList<string> classNames, (string Name, int Label)[] files, string fingerprint)
    {
        this.root = root;
        this.files = files;
        ClassNames = classNames;
        Fingerprint = fingerprint;
    }

    /// <inheritdoc/>
    public int Count => files.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <summary>Lists a folder, or returns null when no folder in it holds a picture.</summary>
    /// <exception cref="UserErrorException">A folder's name is not among the names the user gave.</exception>
    public static FolderImageSource? TryOpen(string root, IReadOnlyList<string> givenNames)
    {
        var classes = new SortedDictionary<string, List<FileInfo>>(StringComparer.Ordinal);
        foreach (var folder in Directory.EnumerateDirectories(root))
        {
            var pictures = new DirectoryInfo(folder).EnumerateFiles("*", Deep).Where(IsPicture).ToList();
            if (pictures.Count > 0)
            {
                classes.Add(Path.GetFileName(folder), pictures);
            }
        }

        if (classes.Count == 0)
        {
            return null;
        }

        var names = givenNames.Count == 0 ? [.. classes.Keys] : RequireNamed(root, classes.Keys, givenNames);
        var files = new List<(string Name, int Label)>();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("folder"u8);
        foreach (var (name, pictures) in classes)
        {
            var label = Array.IndexOf(names, name);
            var listed = pictures.Select(file => (Path: Path.GetRelativePath(root, file.FullName).Replace('\\', '/'), File: file));
            foreach (var (path, file) in listed.OrderBy(entry => entry.Path, StringComparer.Ordinal))
            {
                files.Add((path, label));
                hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{path}\n{file.Length}\n{file.LastWriteTimeUtc.Ticks}\n")));
            }
        }

        return new FolderImageSource(root, names, [.. files], Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Whether a file's name ends like a picture's.</summary>
    public static bool IsPicture(FileInfo file) => Extensions.Contains(file.Extension, StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public RawImage Read(int row)
    {
        var (name, label) = files[row];
        var path = Path.Combine(root, name);
        try
        {
            var length = new FileInfo(path).Length;
            return length <= MaxFileBytes
                ? new RawImage(name, label, File.ReadAllBytes(path), null)
                : throw new BadImageException(string.Create(CultureInfo.InvariantCulture, $"a file of {length:N0} bytes; at most {MaxFileBytes:N0} are read"));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            throw new BadImageException("cannot be read: " + error.Message, error);
        }
    }

    /// <inheritdoc/>
    public string NameOf(int row) => files[row].Name;

    private static string[] RequireNamed(string root, IEnumerable<string> folders, IReadOnlyList<string> given)
    {
        var unknown = folders.Except(given, StringComparer.Ordinal).ToList();
        return unknown.Count == 0
            ? [.. given]
            : throw new UserErrorException($"'{root}' has class folders that data.class_names does not list: {string.Join(", ", unknown)}. " +
                "Add them to the list or move them away.");
    }
}
