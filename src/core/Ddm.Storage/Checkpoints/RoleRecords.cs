namespace Ddm.Storage;

/// <summary>A head as read, with the ETag to swap it by.</summary>
internal sealed record HeadRecord(RoleHead Head, string ETag);

/// <summary>An owner as read, with the ETag to swap it by and the store's time of its last renewal.</summary>
internal sealed record OwnerRecord(RoleOwner Owner, string ETag, DateTimeOffset LastModified);

/// <summary>Reads the two small blobs of a role.</summary>
internal sealed class RoleRecords(IBlobStore store)
{
    /// <summary>The head; null when there is none.</summary>
    /// <exception cref="CheckpointException">It cannot be read, or a newer version wrote it.</exception>
    public async Task<HeadRecord?> ReadHeadAsync(RoleBlobs blobs, CancellationToken cancellationToken)
    {
        (RoleHead Value, string ETag)? found;
        try
        {
            found = await store.ReadJsonAsync<RoleHead>(blobs.Head, cancellationToken);
        }
        catch (InvalidDataException e)
        {
            throw new CheckpointException(
                $"{e.Message} Training of {blobs.Role} cannot know where it stood. 'ddm retry {blobs.Run}', or in a home folder the same command again, "
                    + $"writes the head anew from the newest good checkpoint under {blobs.Checkpoints}.",
                e);
        }

        if (found is not var (head, etag))
        {
            return null;
        }

        if (head.Schema > RoleHead.CurrentSchema)
        {
            throw new CheckpointException($"{blobs.Head} has schema {head.Schema}, this version reads up to {RoleHead.CurrentSchema}: "
                + "upgrade before you go on with the run.");
        }

        if ((head.Checkpoint is null) != (head.ManifestSha256 is null) || new[] { head.Checkpoint, head.Parent }.Any(folder => !IsOurs(blobs, folder)))
        {
            throw new CheckpointException($"{blobs.Head} names '{head.Checkpoint}' and '{head.Parent}', "
                + $"which are no checkpoints of {blobs.Role} in run '{blobs.Run}': it belongs to another run or was edited.");
        }

        return new HeadRecord(head, etag);
    }

    /// <summary>The owner; null when there is none. A record that cannot be read counts as an unknown worker's, which ages like any other.</summary>
    public async Task<OwnerRecord?> ReadOwnerAsync(RoleBlobs blobs, CancellationToken cancellationToken)
    {
        var content = await store.ReadAsync(blobs.Owner, cancellationToken);
        if (content is null)
        {
            return null;
        }

        RoleOwner owner;
        try
        {
            owner = BlobJson.Parse<RoleOwner>(blobs.Owner, content.Bytes);
        }
        catch (InvalidDataException)
        {
            owner = new RoleOwner { Epoch = 0, Worker = RoleOwner.Unreadable, Attempt = 0, Renewals = 0 };
        }

        return new OwnerRecord(owner, content.ETag, content.LastModified);
    }

    private static bool IsOurs(RoleBlobs blobs, string? folder) =>
        folder is null || (folder.EndsWith('/') && blobs.TryReadFolder(folder, out var whole, out _, out _) && whole == folder);
}
