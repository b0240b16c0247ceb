namespace Ddm.Storage;

/// <summary>A checkpoint whose manifest and parts were all found whole.</summary>
public sealed class OpenedCheckpoint
{
    private readonly IBlobStore _store;
    private readonly IReadOnlyDictionary<string, byte[]> _kept;

    internal OpenedCheckpoint(IBlobStore store, CheckpointReference reference, CheckpointManifest manifest, IReadOnlyList<string> skipped, IReadOnlyDictionary<string, byte[]> kept)
    {
        (_store, _kept) = (store, kept);
        Reference = reference;
        Manifest = manifest;
        Skipped = skipped;
    }

    /// <summary>What it holds and where it comes from.</summary>
    public CheckpointManifest Manifest { get; }

    /// <summary>Blob prefix of the checkpoint, with its final <c>/</c>.</summary>
    public string Folder => Reference.Folder;

    /// <summary>SHA-256 of its manifest, lower-case hex.</summary>
    public string ManifestSha256 => Reference.ManifestSha256;

    /// <summary>Newer checkpoints that were passed over, and why; empty when this is the newest.</summary>
    public IReadOnlyList<string> Skipped { get; }

    /// <summary>Whether the role's chain has it; false for one of a worker's own disk, whose metrics no commit holds yet.</summary>
    public bool IsCommitted { get; internal init; } = true;

    internal CheckpointReference Reference { get; }

    /// <summary>Opens a part for reading; seekable.</summary>
    /// <exception cref="CheckpointException">The checkpoint has no such part (the message lists what it has), or it was deleted since.</exception>
    public async Task<Stream> OpenPartAsync(string name, CancellationToken cancellationToken)
    {
        if (Manifest.Parts.All(part => part.Name != name))
        {
            throw new CheckpointException($"{Folder} has no part '{name}'; it has {string.Join(", ", Manifest.Parts.Select(part => part.Name))}.");
        }

        if (_kept.TryGetValue(name, out var bytes))
        {
            return new MemoryStream(bytes, writable: false);
        }

        return await _store.OpenReadAsync(Folder + name, cancellationToken)
            ?? throw new CheckpointException($"{Folder}{name} was deleted after it had been verified. Open the newest checkpoint again.");
    }
}
