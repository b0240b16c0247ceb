namespace Ddm.Storage;

/// <summary>Compare-and-swap of JSON blobs that nobody else could write the same: a lost reply is resolved by reading back.</summary>
internal static class SwapJson
{
    /// <summary>Writes <paramref name="value"/> under a condition.</summary>
    /// <returns>The blob's ETag if it now holds <paramref name="value"/>, whether or not the reply of the write arrived; null if another was first.</returns>
    public static async Task<string?> SwapAsync<T>(this IBlobStore store, string name, T value, WriteCondition condition, CancellationToken cancellationToken)
        where T : class
    {
        var bytes = BlobJson.Serialize(value);
        try
        {
            if (await store.TryWriteAsync(name, bytes, condition, cancellationToken) is { } etag)
            {
                return etag;
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The write may have happened before its reply was lost.
            if (await ReadBackAsync(store, name, bytes, cancellationToken) is { } etag)
            {
                return etag;
            }

            throw;
        }

        // A client that retries by itself meets its own first try and reports that the condition failed.
        return await ReadBackAsync(store, name, bytes, cancellationToken);
    }

    private static async Task<string?> ReadBackAsync(IBlobStore store, string name, byte[] bytes, CancellationToken cancellationToken)
    {
        var found = await store.ReadAsync(name, cancellationToken);
        return found is not null && found.Bytes.AsSpan().SequenceEqual(bytes) ? found.ETag : null;
    }
}
