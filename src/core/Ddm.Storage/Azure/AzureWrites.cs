using System.Security.Cryptography;
using Azure;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Ddm.Storage;

/// <summary>
/// Conditional writes that answer for themselves. The client tries again when a reply is lost, and then meets its own first try as a failed condition. So each
/// write carries a mark of its own in the blob's metadata: after a refusal that followed a try of unknown outcome, the mark says whether the blob is ours.
/// </summary>
internal sealed class AzureWrites(BlobContainerClient container, AzureRequests requests)
{
    private const string Mark = "ddmwrite";

    public static string TextOf(ETag etag) => etag.ToString();

    /// <summary>Writes a blob in one request.</summary>
    /// <returns>Its ETag; null when the condition does not hold.</returns>
    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken) =>
        WriteAsync(
            name, condition,
            (blob, conditions, metadata, token) => blob.UploadAsync(
                BinaryData.FromBytes(content).ToStream(), new BlobUploadOptions { Conditions = conditions, Metadata = metadata }, token),
            cancellationToken);

    /// <summary>Uploads a block that nobody sees before <see cref="CommitAsync"/> names it.</summary>
    public Task StageAsync(string name, string block, byte[] content, int length, CancellationToken cancellationToken) =>
        SendAsync(
            $"take a block of {name}",
            token => Blob(name).StageBlockAsync(block, new MemoryStream(content, 0, length, writable: false), cancellationToken: token),
            _ => false, createContainer: true, cancellationToken);

    /// <summary>Makes staged blocks the blob's content.</summary>
    /// <returns>Its ETag; null when the condition does not hold.</returns>
    /// <exception cref="IOException">Another wrote the name meanwhile, which throws staged blocks away.</exception>
    public Task<string?> CommitAsync(string name, IReadOnlyList<string> blocks, WriteCondition condition, CancellationToken cancellationToken) =>
        WriteAsync(
            name, condition,
            (blob, conditions, metadata, token) => blob.CommitBlockListAsync(
                blocks, new CommitBlockListOptions { Conditions = conditions, Metadata = metadata }, token),
            cancellationToken);

    private async Task<string?> WriteAsync(
        string name, WriteCondition condition,
        Func<BlockBlobClient, BlobRequestConditions, IDictionary<string, string>, CancellationToken, Task<Response<BlobContentInfo>>> send, CancellationToken cancellationToken)
    {
        var mark = RandomNumberGenerator.GetHexString(32, lowercase: true); // not from the content: equal writes of two workers must differ
        var unknown = new UnknownOutcomes();
        var conditions = new BlobRequestConditions();
        if (condition.RequiresAbsent)
        {
            conditions.IfNoneMatch = ETag.All;
        }
        else if (condition.MatchETag is { } match)
        {
            conditions.IfMatch = new ETag(match);
        }

        var reply = await SendAsync($"write {name}", MarkedAsync, e => IsRefusal(e, condition), createContainer: condition.MatchETag is null, cancellationToken);
        return reply is not null ? TextOf(reply.Value.ETag)
            : unknown.Count == 0 ? null
            : await FindOwnAsync(name, mark, cancellationToken);

        async Task<Response<BlobContentInfo>> MarkedAsync(CancellationToken token)
        {
            using var scope = HttpPipeline.CreateHttpMessagePropertiesScope(new Dictionary<string, object?> { [UnknownOutcomes.Key] = unknown });
            return await send(Blob(name), conditions, new Dictionary<string, string> { [Mark] = mark }, token);
        }
    }

    private async Task<string> FindOwnAsync(string name, string mark, CancellationToken cancellationToken)
    {
        var blob = container.GetBlobClient(name);
        var reply = await requests.SendAsync($"look for {name}", token => blob.GetPropertiesAsync(cancellationToken: token), AzureBlobStore.IsAbsent, cancellationToken);
        return reply?.Value.Metadata.TryGetValue(Mark, out var found) == true && found == mark
            ? TextOf(reply.Value.ETag)
            : throw new IOException(
                $"a write of {name} to {requests.Place} lost its reply, and what is there now is not what was written: whether it took effect before another's write is not known.");
    }

    // A blob that is missing answers 404 on Azure and 412 on Azurite. 412 is also the answer where somebody holds a lease, which is no refusal of ours.
    private static bool IsRefusal(RequestFailedException e, WriteCondition condition) => e.Status switch
    {
        412 => e.ErrorCode != BlobErrorCode.LeaseIdMissing,
        409 => condition.RequiresAbsent && e.ErrorCode == BlobErrorCode.BlobAlreadyExists,
        404 => condition.MatchETag is not null && AzureBlobStore.IsAbsent(e),
        _ => false,
    };

    private async Task<T?> SendAsync<T>(
        string what, Func<CancellationToken, Task<T>> send, Func<RequestFailedException, bool> isAnswer, bool createContainer, CancellationToken cancellationToken)
        where T : class
    {
        var absent = false;
        var reply = await requests.SendAsync(
            what, send, e => isAnswer(e) || (absent = createContainer && e.ErrorCode == BlobErrorCode.ContainerNotFound), cancellationToken);
        if (!absent)
        {
            return reply;
        }

        await requests.SendAsync("create the container", CreateAsync, _ => false, cancellationToken);
        return await requests.SendAsync(what, send, isAnswer, cancellationToken);

        async Task<BlobContainerClient> CreateAsync(CancellationToken token)
        {
            await container.CreateIfNotExistsAsync(cancellationToken: token); // another may be first
            return container;
        }
    }

    private BlockBlobClient Blob(string name) => container.GetBlockBlobClient(name);
}
