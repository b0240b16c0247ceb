using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// Blobs of one container in Azure Blob Storage (or Azurite), shared by any number of machines. A large blob is staged in blocks that nobody sees until their
/// list is committed; conditions are <c>If-None-Match: *</c> and <c>If-Match</c>; the clock is the service's. The container is created by the first write.
/// Busy replies (429, 503, <c>Retry-After</c>) are waited out within a deadline; what a person has to mend (no permission, a wrong name) is a
/// <see cref="UserErrorException"/> that may pass, everything else an <see cref="IOException"/>.
/// </summary>
public sealed class AzureBlobStore : IBlobStore, ISignedBlobs
{
    private readonly BlobContainerClient _container;
    private readonly AzureRequests _requests;
    private readonly AzureWrites _writes;
    private readonly AzureSigner _signer;

    /// <summary>A store in <paramref name="container"/>, whose client was made with <see cref="AzureClientSettings"/>.</summary>
    internal AzureBlobStore(BlobContainerClient container, AzureRequests requests, StoreOutages? outages, bool hasIdentity)
    {
        _container = container;
        _requests = requests;
        Outages = outages;
        _signer = new AzureSigner(container, requests, hasIdentity, ReadClockAsync);
        _writes = new AzureWrites(container, requests);
    }

    /// <summary>The container and where it is, for messages; no secrets.</summary>
    public string Place => _requests.Place;

    /// <inheritdoc/>
    public StoreOutages? Outages { get; }

    /// <inheritdoc/>
    public Uri? SignedContainer => _signer.CanSign ? _container.Uri : null;

    /// <inheritdoc/>
    public Task<string> SignAsync(string name, bool write, TimeSpan lifetime, CancellationToken cancellationToken) =>
        _signer.SignAsync(BlobName.Check(name), write, lifetime, cancellationToken);

    /// <inheritdoc/>
    public async Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        var reply = await _requests.SendAsync($"read {name}", token => blob.DownloadContentAsync(token), IsAbsent, cancellationToken);
        return reply is null ? null : new BlobContent(reply.Value.Content.ToArray(), AzureWrites.TextOf(reply.Value.Details.ETag), reply.Value.Details.LastModified);
    }

    /// <inheritdoc/>
    public async Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) =>
        await AzureReadStream.OpenAsync(_requests, Blob(name), name, cancellationToken);

    /// <inheritdoc/>
    public Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken) =>
        _writes.PutAsync(BlobName.Check(name), content, condition, cancellationToken);

    /// <inheritdoc/>
    public async Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken)
    {
        await using var upload = new AzureUpload(_writes, BlobName.Check(name), cancellationToken);
        await write(upload, cancellationToken);
        return await upload.CompleteAsync(condition, cancellationToken) is not null;
    }

    /// <inheritdoc/>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        return await _requests.SendAsync($"look for {name}", token => blob.GetPropertiesAsync(cancellationToken: token), IsAbsent, cancellationToken) is not null;
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var blob = Blob(name);
        await _requests.SendAsync($"delete {name}", token => blob.DeleteAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: token), IsAbsent, cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = new GetBlobsOptions { Prefix = BlobName.CheckPrefix(prefix) is { Length: > 0 } given ? given : null };
        var (last, continuation) = ("", (string?)null);
        do
        {
            var page = await _requests.SendAsync(
                $"list '{prefix}'", token => FirstAsync(_container.GetBlobsAsync(options, token), continuation, token), IsAbsent, cancellationToken);
            foreach (var blob in page?.Values ?? [])
            {
                if (!BlobName.IsValid(blob.Name))
                {
                    continue; // somebody else's
                }

                if (string.CompareOrdinal(last, blob.Name) >= 0)
                {
                    throw _requests.Refused($"lists '{blob.Name}' after '{last}', as accounts with a hierarchical namespace do", "Use a storage account without one.");
                }

                last = blob.Name;
                yield return new BlobInfo(blob.Name, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? default);
            }

            continuation = page?.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(continuation));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListFoldersAsync(string folder, CancellationToken cancellationToken)
    {
        var options = new GetBlobsByHierarchyOptions { Delimiter = "/", Prefix = BlobName.CheckFolder(folder) is { Length: > 0 } given ? given : null };
        var folders = new SortedSet<string>(StringComparer.Ordinal);
        string? continuation = null;
        do
        {
            var page = await _requests.SendAsync(
                $"list the folders of '{folder}'", token => FirstAsync(_container.GetBlobsByHierarchyAsync(options, token), continuation, token), IsAbsent, cancellationToken);
            folders.UnionWith((page?.Values ?? []).Where(item => item.IsPrefix).Select(item => item.Prefix[folder.Length..^1]).Where(name => BlobName.IsSegment(name)));
            continuation = page?.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(continuation));

        return [.. folders];
    }

    /// <inheritdoc/>
    public async Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset? now = null;
        await _requests.SendAsync("read the clock", SendAsync, reply => IsAbsent(reply) && (now = reply.GetRawResponse()?.Headers.Date) is not null, cancellationToken);
        return now ?? throw new IOException($"{_requests.Place} answers without a Date header: something between here and there takes it away.");

        async Task<Response> SendAsync(CancellationToken token)
        {
            var reply = (await _container.GetPropertiesAsync(cancellationToken: token)).GetRawResponse();
            now = reply.Headers.Date;
            return reply;
        }
    }

    /// <summary>Whether the answer is that there is no such blob; without a container there is none.</summary>
    internal static bool IsAbsent(RequestFailedException reply) =>
        reply.Status == 404 && (reply.ErrorCode == BlobErrorCode.BlobNotFound || reply.ErrorCode == BlobErrorCode.ContainerNotFound);

    // The client asks with the token that it was given with the query, whatever the enumeration says.
    private static async Task<Page<T>> FirstAsync<T>(AsyncPageable<T> query, string? continuation, CancellationToken cancellationToken)
        where T : notnull
    {
        await foreach (var page in query.AsPages(continuation).WithCancellation(cancellationToken))
        {
            return page;
        }

        throw new InvalidOperationException("A listing has no page."); // an empty one has one
    }

    private BlobClient Blob(string name) => _container.GetBlobClient(BlobName.Check(name));
}
