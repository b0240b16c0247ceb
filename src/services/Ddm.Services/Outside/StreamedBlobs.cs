using System.Globalization;
using System.Net;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// Blobs through a control plane whose store is a folder: what its claim opens. A large blob is read into a file of this machine's own first, so that it stays as it was
/// whatever is written to its name later.
/// </summary>
/// <param name="server">The control plane.</param>
/// <param name="claim">The claim that blobs are asked for under.</param>
internal sealed class StreamedBlobs(ServerConnection server, Func<OutsideClaim> claim) : IBlobStore
{
    private const int BufferSize = 1 << 20;

    /// <inheritdoc/>
    public async Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, name, whole: true);
        using var response = await server.SendAsync(request, cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound ? null : new BlobContent(
            await WholeAsync(name, response.Content.ReadAsByteArrayAsync(cancellationToken)),
            TagOf(response) ?? throw new IOException($"{server.Place} answers for {name} without its tag: something between here and there takes it away."),
            DateTimeOffset.Parse(response.Headers.GetValues(StreamEndpoints.Written).First(), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));
    }

    /// <inheritdoc/>
    public async Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, name);
        using var response = await server.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        var length = response.Content.Headers.ContentLength ?? throw new IOException($"{server.Place} does not say how long {name} is.");
        if (length <= StreamEndpoints.Small)
        {
            return new MemoryStream(await WholeAsync(name, response.Content.ReadAsByteArrayAsync(cancellationToken)), writable: false);
        }

        var path = Path.Combine(Path.GetTempPath(), "ddm-" + Path.GetRandomFileName());
        await using var copy = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.Asynchronous);
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, BufferSize, FileOptions.DeleteOnClose | FileOptions.SequentialScan);
        try
        {
            await WholeAsync(name, CopyAsync(response, copy, cancellationToken));
            return stream.Length == length ? stream : throw new IOException($"{name} came with {stream.Length} bytes of {length}.");
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Put, name, whole: true);
        request.Content = new ReadOnlyMemoryContent(content);
        Condition(request, condition);
        using var response = await server.SendAsync(request, cancellationToken);
        return response.StatusCode == HttpStatusCode.PreconditionFailed ? null : TagOf(response);
    }

    /// <inheritdoc/>
    public async Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Put, name);
        var content = new WrittenContent(write);
        request.Content = content;
        request.Headers.ExpectContinue = true; // a condition that fails at once is told before anything is sent
        Condition(request, condition);
        try
        {
            using var response = await server.SendAsync(request, cancellationToken);
            return response.StatusCode != HttpStatusCode.PreconditionFailed;
        }
        catch (Exception) when (content.Failure is { } failure)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure); // the writer's own, not what the connection made of it
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Head, name);
        using var response = await server.SendAsync(request, cancellationToken);
        return response.StatusCode != HttpStatusCode.NotFound;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => throw OutsideBlobs.NotForWorkers("delete");

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellationToken) => throw OutsideBlobs.NotForWorkers("list");

    /// <inheritdoc/>
    public async Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        (await server.AskAsync<ClockAnswer>("/clock", null, ServerConnection.Once, OutsidePatience.Short, cancellationToken))!.Now;

    private HttpRequestMessage Request(HttpMethod method, string name, bool whole = false)
    {
        var (run, role, worker, epoch) = claim();
        var query = string.Create(
            CultureInfo.InvariantCulture, $"?run={Uri.EscapeDataString(run)}&role={Uri.EscapeDataString(role)}&worker={Uri.EscapeDataString(worker)}&epoch={epoch}");
        return new HttpRequestMessage(method, server.Address($"/blobs/{BlobName.Check(name)}{query}{(whole ? "&whole=true" : "")}"));
    }

    private static void Condition(HttpRequestMessage request, WriteCondition condition)
    {
        if (condition.RequiresAbsent)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", "*");
        }
        else if (condition.MatchETag is { } etag)
        {
            request.Headers.Add(StreamEndpoints.Tag, Uri.EscapeDataString(etag));
        }
    }

    private static string? TagOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues(StreamEndpoints.Tag, out var tags) ? Uri.UnescapeDataString(tags.First()) : null;

    private static async Task<bool> CopyAsync(HttpResponseMessage response, Stream target, CancellationToken cancellationToken)
    {
        await response.Content.CopyToAsync(target, cancellationToken);
        await target.FlushAsync(cancellationToken);
        return true;
    }

    private static async Task<T> WholeAsync<T>(string name, Task<T> reading)
    {
        try
        {
            return await reading;
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"{name} was cut off on its way: {e.Message}", e);
        }
    }

    // What a writer writes, as a request's body. Not of a known length: it goes out as it comes.
    private sealed class WrittenContent(Func<Stream, CancellationToken, Task> write) : HttpContent
    {
        public Exception? Failure { get; private set; }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await using var watched = new WatchedStream(stream);
            try
            {
                await write(watched, cancellationToken);
            }
            catch (Exception e) when (!watched.IsBroken)
            {
                Failure = e;
                throw;
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
