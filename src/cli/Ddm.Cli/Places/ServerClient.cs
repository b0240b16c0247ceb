using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary>Requests to a control plane. What the caller can mend is a <see cref="UserErrorException"/> (exit code 2); a server that is away or in trouble an <see cref="IOException"/> (1).</summary>
internal sealed class ServerClient : IDisposable
{
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromMinutes(10); // a submission lists the pictures
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(10);
    private readonly HttpClient http;
    private readonly bool keyed;

    public ServerClient(Uri address, string? key)
    {
        Address = address;
        keyed = key is not null;

        // A redirect would carry the key to wherever it leads.
        http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = LongestConnect, AllowAutoRedirect = false }) { Timeout = LongestAnswer };
        if (key is not null)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    /// <summary>Where the server is.</summary>
    public Uri Address { get; }

    /// <summary>Reads something.</summary>
    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        return (await SendAsync<T>(request, cancellationToken)).Value;
    }

    /// <summary>Does something.</summary>
    public async Task<T> PostAsync<T>(string path, HttpContent? body, CancellationToken cancellationToken) => (await SubmitAsync<T>(path, body, cancellationToken)).Value;

    /// <summary>Does something that may have been done before.</summary>
    /// <returns>The answer, and whether something new came of it.</returns>
    public async Task<(T Value, bool Created)> SubmitAsync<T>(string path, HttpContent? body, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Post, path);
        request.Content = body;
        return await SendAsync<T>(request, cancellationToken);
    }

    /// <summary>Opens a stream of events; the caller disposes the response.</summary>
    public async Task<HttpResponseMessage> OpenStreamAsync(string path, string? lastEventId, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return await SendAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private HttpRequestMessage Request(HttpMethod method, string path) => new(method, new Uri(Address.AbsoluteUri.TrimEnd('/') + path));

    private async Task<(T Value, bool Created)> SendAsync<T>(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(request, cancellationToken);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var value = await JsonSerializer.DeserializeAsync<T>(body, BlobJson.Options, cancellationToken);
            return (value ?? throw Foreign(response), response.StatusCode == HttpStatusCode.Created);
        }
        catch (JsonException)
        {
            throw Foreign(response);
        }
        catch (HttpRequestException e)
        {
            throw Away(e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw Away(e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the server at {Address} does not answer. Try again later, or look at its /health.", e);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await ErrorAsync(response, cancellationToken);
        }
    }

    private IOException Away(HttpRequestException e) => new(
        $"cannot reach the server at {Address} ({e.InnerException?.Message ?? e.Message}). Start one with 'ddm up', or give another address with --server URL or DDM_SERVER.", e);

    private UserErrorException Foreign(HttpResponseMessage response) => new(
        $"what answers at {Address} is no server of this version ({(int)response.StatusCode}, {response.Content.Headers.ContentType?.MediaType ?? "no content"}). Look at the address and the versions.");

    private async Task<Exception> ErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = response.StatusCode;
        if (status == HttpStatusCode.Unauthorized)
        {
            return new UserErrorException($"the server at {Address} {(keyed ? "does not know this key" : "asks for a key")}. Give the right one with DDM_API_KEY or --key; " +
                "it is in the server's setting Ddm:ApiKeys, or in the file that its log names.");
        }

        var problem = response.Content.Headers.ContentType?.MediaType is "application/problem+json" or "application/json"
            ? await ProblemAsync(response, cancellationToken) : null;
        return problem is null ? status >= HttpStatusCode.InternalServerError ? new IOException($"the server at {Address} is in trouble ({(int)status}). Look at its log.") : Foreign(response)
            : status >= HttpStatusCode.InternalServerError ? new IOException($"the server at {Address}: {problem}")
            : new UserErrorException(problem);
    }

    private static async Task<string?> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            if (problem.RootElement.TryGetProperty("error", out var error))
            {
                return error.GetProperty("message").GetString(); // a gateway's, in OpenAI's form
            }

            var lines = problem.RootElement.TryGetProperty("differences", out var differences) ? differences.EnumerateArray().Select(line => "  " + line.GetString()) : [];
            return string.Join(Environment.NewLine, lines.Prepend(problem.RootElement.GetProperty("detail").GetString()));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or HttpRequestException)
        {
            return null;
        }
    }
}
