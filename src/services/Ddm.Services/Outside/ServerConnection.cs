using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Authentication;
using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Requests of an outside worker to its control plane. A server that is away or in trouble is an <see cref="IOException"/>, and is asked again while the caller's
/// patience lasts: every request may be repeated. A refusal is a <see cref="UserErrorException"/>; of one that a person may lift while the worker goes on,
/// <see cref="UserErrorException.MayPass"/> is true.
/// </summary>
internal sealed class ServerConnection : IDisposable
{
    /// <summary>Patience of one try.</summary>
    public static readonly TimeSpan Once = TimeSpan.Zero;

    /// <summary>Patience that outlasts a restart of the control plane.</summary>
    public static readonly TimeSpan OverRestart = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(10), FirstPause = TimeSpan.FromSeconds(0.5), LongestPause = TimeSpan.FromSeconds(10);

    private readonly ServerAddress server;
    private readonly TimeProvider time;
    private readonly HttpClient http;
    private long answeredAt;

    public ServerConnection(ServerAddress server, TimeProvider time)
    {
        (this.server, this.time) = (server, time);

        // A redirect would carry the key to wherever it leads.
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = LongestConnect,
            AllowAutoRedirect = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // a name may come to mean another machine
            Expect100ContinueTimeout = TimeSpan.FromSeconds(5),
            SslOptions = new SslClientAuthenticationOptions(),
        };
        http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Key);
    }

    /// <summary>Where the server is, for messages.</summary>
    public string Place => server.ToString();

    /// <summary>How long ago the server answered last; null: never.</summary>
    public TimeSpan? SinceAnswer => Interlocked.Read(ref answeredAt) is not 0 and var at ? time.GetElapsedTime(at) : null;

    /// <summary>Asks for something.</summary>
    /// <param name="path">Below <c>/workers</c>.</param>
    /// <param name="body">What is sent; null: nothing, by GET.</param>
    /// <param name="patience">How long a server that is away is asked again.</param>
    /// <param name="longest">How long one try may take.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null where the server has none (204).</returns>
    public async Task<T?> AskAsync<T>(string path, object? body, TimeSpan patience, TimeSpan longest, CancellationToken cancellationToken)
        where T : class
    {
        var began = time.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, Address(path));
                request.Content = body is null ? null : JsonContent.Create(body, body.GetType(), new MediaTypeHeaderValue("application/json"), ControlPlaneApi.Json);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(longest);
                using var response = await SendAsync(request, longest, limit.Token, cancellationToken);
                return response.StatusCode == HttpStatusCode.NoContent ? null : await ReadAsync<T>(response, limit.Token);
            }
            catch (IOException) when (time.GetElapsedTime(began) + pause < patience)
            {
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    /// <summary>Tells something that has no answer.</summary>
    public Task TellAsync(string path, object body, TimeSpan patience, TimeSpan longest, CancellationToken cancellationToken) =>
        AskAsync<object>(path, body, patience, longest, cancellationToken);

    /// <summary>Takes something away.</summary>
    public async Task DeleteAsync(string path, TimeSpan longest, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, Address(path));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(longest);
        using var response = await SendAsync(request, longest, limit.Token, cancellationToken);
    }

    /// <summary>Sends a request whose answer the caller reads; its status is a success, 404 or 412.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(OutsidePatience.Blob);
        return await SendAsync(request, OutsidePatience.Blob, limit.Token, cancellationToken, HttpStatusCode.NotFound, HttpStatusCode.PreconditionFailed);
    }

    /// <summary>Whether the control plane knows the key and does not let it: the pool, the run or the claim is another's, or is by now.</summary>
    public static bool IsRefusal(UserErrorException error) => error.InnerException is HttpRequestException { StatusCode: HttpStatusCode.Forbidden };

    /// <summary>The whole address of a path below <c>/workers</c>.</summary>
    public Uri Address(string path) => new(server.Uri.AbsoluteUri.TrimEnd('/') + OutsideEndpoints.Path + path);

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, TimeSpan longest, CancellationToken limit, CancellationToken cancellationToken, params HttpStatusCode[] expected)
    {
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit);
        }
        catch (HttpRequestException e) when (e.InnerException is AuthenticationException)
        {
            throw new UserErrorException(
                $"The certificate of {Place} is not accepted: {e.InnerException.Message} Is the address right, and is this machine's clock ({time.GetUtcNow():yyyy-MM-dd HH:mm} UTC)?", e) { MayPass = true };
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"The control plane at {Place} cannot be reached: {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"The control plane at {Place} does not answer within {longest.TotalSeconds:F0} s.", e);
        }

        if (response.IsSuccessStatusCode || expected.Contains(response.StatusCode))
        {
            Interlocked.Exchange(ref answeredAt, time.GetTimestamp());
            return response;
        }

        using (response)
        {
            throw await ErrorAsync(response, cancellationToken);
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonSerializer.DeserializeAsync<T>(body, ControlPlaneApi.Json, cancellationToken) ?? throw Foreign(response);
        }
        catch (JsonException)
        {
            throw Foreign(response);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"The answer of the control plane at {Place} was cut off: {e.Message}", e);
        }
    }

    private UserErrorException Foreign(HttpResponseMessage response) => new(
        $"What answers at {Place} is no control plane of this version ({(int)response.StatusCode}, {response.Content.Headers.ContentType?.MediaType ?? "no content"}). Look at {ServerAddress.Setting} and at the versions.")
        { MayPass = true };

    private async Task<Exception> ErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (status, detail) = (response.StatusCode, await DetailAsync(response, cancellationToken));
        return status switch
        {
            HttpStatusCode.Unauthorized => new UserErrorException(
                $"The control plane at {Place} does not know this key (401). Give the one that its setting {ApiSettings.WorkerKeysSetting} holds for this worker, in {ServerAddress.KeySetting} or {ServerAddress.KeyFileSetting}.") { MayPass = true },
            HttpStatusCode.Forbidden => new UserErrorException(
                $"The control plane at {Place} refuses (403): {detail ?? "no reason given"}", new HttpRequestException(detail, null, status)) { MayPass = true },
            HttpStatusCode.UnprocessableEntity => new InvalidDataException($"The control plane at {Place} does not commit: {detail}"),
            HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => new IOException($"The control plane at {Place} is in trouble ({(int)status}): {detail ?? "look at its log"}"),
            _ when detail is null => Foreign(response),
            _ => new UserErrorException($"The control plane at {Place} refuses ({(int)status}): {detail}"),
        };
    }

    private static async Task<string?> DetailAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            return null;
        }

        try
        {
            using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            return problem.RootElement.TryGetProperty("detail", out var detail) ? detail.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or HttpRequestException)
        {
            return null;
        }
    }
}
