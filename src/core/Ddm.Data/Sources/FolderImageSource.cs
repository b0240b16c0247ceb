using System.Collections;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>
/// Pictures in a folder a class, <c>cats/1.png</c>, <c>dogs/x/2.jpg</c>, or loose in one folder and then without labels. Classes and files are
/// ordered by their names' code points. A <c>1.txt</c> beside <c>1.png</c> is its caption.
/// </summary>
internal sealed class FolderImageSource : IImageSource
{
    private static readonly string[] Splits = ["dev", "test", "train", "val", "valid", "validation"];

    private readonly string root;
    private readonly NameList names = new();
    private readonly List<bool> captioned = [];
    private readonly BitArray hasCaption;
    private readonly List<(int First, int Label)> runs = []; // where each class begins

    private FolderImageSource(string root, IReadOnlyList<string> classNames, IEnumerable<string> classFolders)
    {
        this.root = root;
        string[] ordered = [.. classNames];
        ClassNames = ordered;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("folder"u8);
        if (classNames.Count == 0)
        {
            FolderListing.List(root, root, deep: false, entry => Take(entry, hash));
        }

        foreach (var folder in classFolders)
        {
            runs.Add((names.Count, Array.IndexOf(ordered, folder)));
            FolderListing.List(root, Path.Combine(root, folder), deep: true, entry => Take(entry, hash));
        }

        hasCaption = new BitArray(captioned.ToArray());
        captioned.Clear();
        captioned.TrimExcess();
        Fingerprint = Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public int Count => names.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <summary>Lists a folder, or returns null when neither it nor a folder in it holds a picture.</summary>
    /// <exception cref="UserErrorException">Pictures lie loose beside class folders, or a folder's name is not among the names the user gave.</exception>
    public static FolderImageSource? TryOpen(string root, IReadOnlyList<string> givenNames)
    {
        var loose = Directory.EnumerateFiles(root).FirstOrDefault(file => PictureFile.IsPicture(file) && Path.GetFileName(file)[0] != '.');
        var folders = Directory.EnumerateDirectories(root).Where(HasPicture).Select(folder => Path.GetFileName(folder)!).Order(CodePoints).ToList();
        if (folders.Count == 0)
        {
            return loose is null ? null : OpenLoose(root, givenNames);
        }

        if (loose is not null)
        {
            throw new UserErrorException($"'{root}' holds pictures both loose ({Path.GetFileName(loose)}) and in folders ({string.Join(", ", folders.Take(5))}). " +
                "Put the loose ones into a class folder, or move them away.");
        }

        RequireNoSplits(root, folders);
        return new FolderImageSource(root, givenNames.Count == 0 ? folders : RequireNamed(root, folders, givenNames), folders);
    }

    /// <inheritdoc/>
    public RawImage Read(int row)
    {
        var name = NameOf(row);
        var path = Path.Combine(root, name);
        var text = hasCaption[row] ? PictureFile.ReadCaption(Path.ChangeExtension(path, ".txt")) : null;
        return new RawImage(name, LabelOf(row), PictureFile.Read(path), null, text);
    }

    /// <inheritdoc/>
    public string NameOf(int row) => Encoding.UTF8.GetString(names[row]);

    private static IComparer<string> CodePoints { get; } =
        Comparer<string>.Create((left, right) => Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right)));

    private static FolderImageSource OpenLoose(string root, IReadOnlyList<string> givenNames) => givenNames.Count == 0
        ? new FolderImageSource(root, [], [])
        : throw new UserErrorException($"data.class_names is given, but the pictures of '{root}' lie loose and have no labels. " +
            "Put them into one folder a class, or leave the names out.");

    private void Take(FolderListing.Entry entry, IncrementalHash hash)
    {
        names.Add(entry.Path);
        captioned.Add(entry.Caption is not null);
        hash.AppendData(entry.Path);
        AppendStamp(hash, entry.Stamp);
        if (entry.Caption is { } caption)
        {
            hash.AppendData(".txt"u8);
            AppendStamp(hash, caption);
        }
    }

    private static void AppendStamp(IncrementalHash hash, (long Length, long Ticks) stamp)
        => hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\n{stamp.Length}\n{stamp.Ticks}\n")));

    private int LabelOf(int row)
    {
        var label = -1;
        foreach (var run in runs)
        {
            label = run.First <= row ? run.Label : label;
        }

        return label;
    }

    private static bool HasPicture(string folder)
    {
        var deep = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 8 };
        return Path.GetFileName(folder)[0] != '.' && Directory.EnumerateFiles(folder, "*", deep).Any(file => PictureFile.IsPicture(file));
    }

    // A folder of splits as Hugging Face lays them out would else become a data set of the classes "test" and "train".
    private static void RequireNoSplits(string root, List<string> folders)
    {
        if (folders.Contains("train", StringComparer.Ordinal) && folders.TrueForAll(folder => Splits.Contains(folder, StringComparer.Ordinal)))
        {
            throw new UserErrorException($"'{root}' holds the splits {string.Join(", ", folders)}. Point data.source to one of them, such as " +
                $"'{Path.Combine(root, "train")}'.");
        }
    }

    private static string[] RequireNamed(string root, IEnumerable<string> folders, IReadOnlyList<string> given)
    {
        var unknown = folders.Except(given, StringComparer.Ordinal).ToList();
        return unknown.Count == 0
            ? [.. given]
            : throw new UserErrorException($"'{root}' has class folders that data.class_names does not list: {string.Join(", ", unknown)}. " +
                "Add them to the list or move them away.");
    }
}
