using System.Collections.Concurrent;
using System.Globalization;
using Ddm.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ddm.EndToEnd.Tests;

/// <summary>The collector's side of OTLP over HTTP: takes what services export, as the protocol's definition of messages numbers its fields.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication app;

    private OtlpReceiver(WebApplication app, string address) => (this.app, Address) = (app, address);

    /// <summary>Where to export to.</summary>
    public string Address { get; }

    /// <summary>Every span, with the service that sent it.</summary>
    public ConcurrentQueue<ReceivedSpan> Spans { get; } = new();

    /// <summary>Names of metrics, each with the services that sent it.</summary>
    public ConcurrentDictionary<(string Service, string Metric), bool> Metrics { get; } = new();

    /// <summary>Services that sent log records.</summary>
    public ConcurrentDictionary<string, bool> Logging { get; } = new();

    /// <summary>Starts one.</summary>
    public static async Task<OtlpReceiver> StartAsync(CancellationToken cancellationToken)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{LoopbackPort.Free(1)[0]}");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add(address);
        var receiver = new OtlpReceiver(app, address);
        app.MapPost("/v1/traces", context => TakeAsync(context, receiver.TakeSpans));
        app.MapPost("/v1/metrics", context => TakeAsync(context, receiver.TakeMetrics));
        app.MapPost("/v1/logs", context => TakeAsync(context, (service, _) => receiver.Logging[service] = true));
        await app.StartAsync(cancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    // Requests of all three kinds: resource 1 of entry 1 says who, scopes 2 hold entries 2.
    private static async Task TakeAsync(HttpContext context, Action<string, ProtoMessage> take)
    {
        Assert.Equal("application/x-protobuf", context.Request.ContentType);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        foreach (var group in new ProtoMessage(body.ToArray()).Messages(1))
        {
            var resource = Attributes(group.Messages(1).Single(), 1);
            foreach (var entry in group.Messages(2).SelectMany(scope => scope.Messages(2)))
            {
                take(resource["service.name"], entry);
            }
        }

        context.Response.ContentType = "application/x-protobuf"; // and an empty message: all of it was taken
    }

    private static Dictionary<string, string> Attributes(ProtoMessage message, int field)
        => message.Messages(field).ToDictionary(pair => pair.Text(1), pair => pair.Messages(2).Single().Text(1));

    private void TakeMetrics(string service, ProtoMessage metric) => Metrics[(service, metric.Text(1))] = true;

    private void TakeSpans(string service, ProtoMessage span) => Spans.Enqueue(new ReceivedSpan(
        service, span.Text(5), span.Hex(1), span.Hex(2), span.Hex(4), Attributes(span, 9), [.. span.Messages(13).Select(link => link.Hex(1))]));
}
