using System.Globalization;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>The blobs of one role of one run.</summary>
internal sealed record RoleBlobs(string Run, Role Role)
{
    public const string ManifestName = "manifest.json";

    /// <summary>Tries at a commit of one step under one epoch.</summary>
    public const int MostAttempts = 16;

    /// <summary>Parts that end so are tensors: large, and swept once newer checkpoints have replaced them.</summary>
    public const string TensorExtension = ".safetensors";

    /// <summary>Whether a part of that name is one of tensors.</summary>
    public static bool IsTensor(string part) => part.EndsWith(TensorExtension, StringComparison.Ordinal);

    public string Head => BlobNames.Head(Run, Role);

    public string Owner => BlobNames.Owner(Run, Role);

    public string Checkpoints => BlobNames.Checkpoints(Run, Role);

    /// <summary>The folder of one try at a commit: a later try of the same step and epoch gets its own, because parts are never overwritten.</summary>
    public string Checkpoint(long step, long epoch, int attempt)
    {
        var folder = BlobNames.Checkpoint(Run, Role, step, epoch);
        return attempt == 0 ? folder : string.Create(CultureInfo.InvariantCulture, $"{folder[..^1]}.{attempt}/");
    }

    /// <summary>Whether a folder is one that a commit would use.</summary>
    public bool IsCheckpoint(string folder) => TryReadFolder(folder, out var found, out var step, out var epoch) && found == folder
        && Enumerable.Range(0, MostAttempts).Any(attempt => Checkpoint(step, epoch, attempt) == folder);

    /// <summary>Splits a blob's name into its checkpoint's folder and that folder's step and epoch; false for anything else.</summary>
    public bool TryReadFolder(string blob, out string folder, out long step, out long epoch)
    {
        folder = "";
        step = epoch = 0;
        var end = blob.StartsWith(Checkpoints, StringComparison.Ordinal) ? blob.IndexOf('/', Checkpoints.Length) : -1;
        if (end < 0)
        {
            return false;
        }

        folder = blob[..(end + 1)];
        var name = blob.AsSpan(Checkpoints.Length, end - Checkpoints.Length);
        var dash = name.IndexOf('-');
        if (dash < 0)
        {
            return false;
        }

        var rest = name[(dash + 1)..];
        var dot = rest.IndexOf('.');
        return long.TryParse(name[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out step)
            && long.TryParse(dot < 0 ? rest : rest[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out epoch);
    }
}
