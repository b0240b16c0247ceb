using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace Ddm.Services.Tests.Api;

/// <summary>Short forms of requests and of what came back.</summary>
internal static class ApiAnswers
{
    public static Task<HttpResponseMessage> SubmitAsync(this HttpClient client, string spec, string type = "application/yaml")
    {
        var content = new StringContent(spec, Encoding.UTF8);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return client.PostAsync("/runs", content, TestContext.Current.CancellationToken);
    }

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response)
        => JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.Clone();

    public static async Task<JsonElement> GetJsonAsync(this HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }

    /// <summary>Asserts that the answer is a problem of this status, and gives its detail.</summary>
    public static async Task<string> ProblemAsync(this HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == response.StatusCode, $"{(int)response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        return JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString()!;
    }

    /// <summary>Watches a run to its end.</summary>
    public static async Task<JsonElement> EndedAsync(this Ddm.Tests.ApiServer server, string run)
    {
        var last = default(JsonElement);
        await foreach (var (type, _, data) in server.StreamAsync(run))
        {
            last = type == "status" ? data : last;
        }

        return last;
    }

    /// <summary>The messages of a run's stream: type, id, data.</summary>
    public static async IAsyncEnumerable<(string Type, string? Id, JsonElement Data)> StreamAsync(this Ddm.Tests.ApiServer server, string run, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/runs/{run}/events");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        using var response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            yield break;
        }

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        await foreach (var message in SseParser.Create(body, (type, bytes) => JsonDocument.Parse(bytes.ToArray()).RootElement.Clone()).EnumerateAsync(TestContext.Current.CancellationToken))
        {
            yield return (message.EventType, message.EventId, message.Data);
        }
    }
}
