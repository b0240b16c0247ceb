using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// The store as a worker outside has it: single blobs, those that its claim opens, straight from the store by signatures or through the control plane. Nothing can be
/// listed or deleted.
/// </summary>
internal sealed class OutsideBlobs(IBlobStore blobs, ServerConnection server) : IBlobStore
{
    /// <summary>What a worker has no business to do.</summary>
    public static UserErrorException NotForWorkers(string what) => new($"A worker outside may not {what} blobs: its control plane does what is needed.");

    /// <summary>Opens the store that the control plane named.</summary>
    public static OutsideBlobs Open(ServerConnection server, OutsideSession session, TimeProvider time)
    {
        if (session.Welcome.Container is not { } container)
        {
            return new OutsideBlobs(new StreamedBlobs(server, () => session.Current), server);
        }

        var signatures = new BlobSignatures(server, session, time);
        return new OutsideBlobs(SignedAccess.Open(container, signatures.GiveAsync), server);
    }

    /// <inheritdoc/>
    public async Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await blobs.ReadAsync(name, cancellationToken);
        }
        catch (UserErrorException e) when (IsRun(name) && ServerConnection.IsRefusal(e))
        {
            throw new UserErrorException(e.Message, e); // its role was placed elsewhere since the slice was sent: not to be tried again
        }
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) => blobs.OpenReadAsync(name, cancellationToken);

    /// <inheritdoc/>
    public Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken) =>
        IsRun(name) ? throw NotForWorkers("change a run's") : blobs.TryWriteAsync(name, content, condition, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken) =>
        blobs.TryWriteStreamAsync(name, write, condition, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) => blobs.ExistsAsync(name, cancellationToken);

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => throw NotForWorkers("delete");

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellationToken) => throw NotForWorkers("list");

    private static bool IsRun(string name) => name == BlobNames.RunDocument(name.Split('/').ElementAtOrDefault(1) ?? "");

    /// <inheritdoc/>
    public async Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        (await server.AskAsync<ClockAnswer>("/clock", null, ServerConnection.Once, OutsidePatience.Short, cancellationToken))!.Now;
}
