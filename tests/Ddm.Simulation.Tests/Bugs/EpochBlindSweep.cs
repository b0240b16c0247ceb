using System.Runtime.CompilerServices;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>The bug of a sweep that takes whatever has no manifest for abandoned, also what the present owner is just writing: such folders look to it as of epoch 0.</summary>
internal sealed class EpochBlindSweep(IBlobStore below) : PassingStore(below)
{
    private readonly Dictionary<string, string> real = new(StringComparer.Ordinal);

    public override async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await Below.ListAsync(prefix, cancellationToken).ToListAsync(cancellationToken);
        if (!prefix.EndsWith("/checkpoints/", StringComparison.Ordinal))
        {
            foreach (var blob in found)
            {
                yield return blob;
            }

            yield break;
        }

        var whole = found.Where(blob => IsCheckpointManifest(blob.Name)).Select(blob => FolderOf(blob.Name)).ToHashSet();
        foreach (var blob in found)
        {
            yield return whole.Contains(FolderOf(blob.Name)) ? blob : blob with { Name = Disguise(blob.Name) };
        }
    }

    public override Task DeleteAsync(string name, CancellationToken cancellationToken) => base.DeleteAsync(real.GetValueOrDefault(name, name), cancellationToken);

    private string Disguise(string name)
    {
        var folder = FolderOf(name);
        var disguised = $"{folder[..folder.LastIndexOf('-')]}-0{name[folder.Length..]}";
        real[disguised] = name;
        return disguised;
    }

    private static string FolderOf(string name) => name[..name.LastIndexOf('/')];
}
