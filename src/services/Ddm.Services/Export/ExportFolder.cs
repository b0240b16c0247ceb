using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// The folder of an export while it is written: a hidden one beside it, which takes its place whole. Disposed unfinished it leaves nothing; of a killed process it leaves the hidden
/// one, which the next export to the same folder clears away.
/// </summary>
internal sealed class ExportFolder : IDisposable
{
    private const string LockName = ".lock";

    private readonly string old;
    private readonly FileStream claim;

    private ExportFolder(string target, string work, string old, FileStream claim) => (Target, Work, this.old, this.claim) = (target, work, old, claim);

    /// <summary>The folder that is to be.</summary>
    public string Target { get; }

    /// <summary>The hidden folder that is written to.</summary>
    public string Work { get; }

    /// <summary>Begins an export.</summary>
    /// <exception cref="UserErrorException">The folder holds something else, is a file, or is being written.</exception>
    public static ExportFolder Begin(string folder)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var parent = Path.GetDirectoryName(target) ?? throw new UserErrorException($"--out {folder}: give a folder that can be made anew.");
        var hidden = Path.Combine(parent, $".{Path.GetFileName(target)}.ddm-export");
        var old = hidden + "-old";
        if (Directory.Exists(old) && !Directory.Exists(target))
        {
            Directory.Move(old, target); // a process was killed between taking the old one away and putting the new one there
        }

        RequireReplaceable(target);
        Directory.CreateDirectory(hidden);
        var claim = Claim(hidden, target);
        foreach (var left in Directory.GetFileSystemEntries(hidden).Where(entry => Path.GetFileName(entry) != LockName))
        {
            Delete(left);
        }

        return new ExportFolder(target, hidden, old, claim);
    }

    /// <summary>Puts the folder in its place; an export that was there goes.</summary>
    public void Finish()
    {
        claim.Dispose();
        if (Directory.Exists(Target))
        {
            RequireReplaceable(Target);
            Delete(old);
            Directory.Move(Target, old);
        }

        Directory.Move(Work, Target);
        Delete(old);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        claim.Dispose();
        Delete(Work);
    }

    private static void RequireReplaceable(string target)
    {
        if (File.Exists(target))
        {
            throw new UserErrorException($"{target} is a file: name a new folder with --out.");
        }

        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()
            && !EnsembleFacts.Holds(Path.Combine(target, ExportFormats.FolderIndex)) && !EnsembleFacts.Holds(Path.Combine(target, ExportFormats.FlatIndex)))
        {
            throw new UserErrorException($"{target} holds something that is no export of a model: it stays as it is. Name a new or empty folder with --out, or move what is there away.");
        }
    }

    private static FileStream Claim(string hidden, string target)
    {
        try
        {
            return new FileStream(Path.Combine(hidden, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException error) when (File.Exists(Path.Combine(hidden, LockName)))
        {
            throw new UserErrorException($"{target} is being written by another export: wait until it has ended, or name another folder with --out.", error);
        }
    }

    private static void Delete(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else if (File.Exists(path))
        {
            File.Delete(path);
        }
    }
}
