using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>Changes what a role has committed and makes the chain of hashes right again, as one would who wants it to be believed.</summary>
internal sealed class Forger(IBlobStore blobs, Role role)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The role's checkpoints, newest first.</summary>
    public Task<IReadOnlyList<CommittedCheckpoint>> HistoryAsync() =>
        new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance).HistoryAsync(TinyRun.Name, role, Cancel);

    /// <summary>Changes a part's bytes; its manifest does not know of it yet.</summary>
    public async Task ChangePartAsync(CommittedCheckpoint checkpoint, string part, Func<byte[], byte[]> change)
    {
        var name = checkpoint.Folder + part;
        await blobs.TryWriteAsync(name, change((await blobs.ReadAsync(name, Cancel))!.Bytes), WriteCondition.Any, Cancel);
    }

    /// <summary>Writes all manifests anew, oldest first, each over the parts as they are now and its parent as it is now, and then the head.</summary>
    public async Task ResealAsync(Func<CheckpointManifest, CheckpointManifest>? change = null)
    {
        string? above = null;
        CheckpointManifest? newest = null;
        foreach (var checkpoint in (await HistoryAsync()).Reverse())
        {
            var parts = new List<CheckpointPart>();
            foreach (var part in checkpoint.Manifest.Parts)
            {
                var content = await blobs.ReadAsync(checkpoint.Folder + part.Name, Cancel);
                parts.Add(content is null ? part : new CheckpointPart(part.Name, content.Bytes.Length, Hash(content.Bytes)));
            }

            newest = checkpoint.Manifest with { Parts = parts, ParentManifestSha256 = above };
            newest = change?.Invoke(newest) ?? newest;
            var bytes = BlobJson.Serialize(newest);
            await blobs.TryWriteAsync(checkpoint.Folder + "manifest.json", bytes, WriteCondition.Any, Cancel);
            above = Hash(bytes);
        }

        var head = (await blobs.ReadJsonAsync<RoleHead>(BlobNames.Head(TinyRun.Name, role), Cancel))!.Value.Value;
        var next = head with { ManifestSha256 = above, Parent = newest!.Parent, ParentManifestSha256 = newest.ParentManifestSha256 };
        await blobs.TryWriteJsonAsync(BlobNames.Head(TinyRun.Name, role), next, WriteCondition.Any, Cancel);
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
