using System.Text.Json;
using System.Threading.Channels;
using Ddm.Data;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Ddm.Serving;

/// <summary>The answer as server-sent events: <c>image_generation.partial_image</c> on the way, <c>image_generation.completed</c> for every picture, and <c>error</c> where it ends so.</summary>
internal sealed class ImageStream(HttpResponse response, GenerationRequest request, ServedModel model, string servedBy, TimeProvider time) : IOrderListener
{
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(15);

    // Few: pictures times previews.
    private readonly Channel<(int Picture, int Preview, byte[] Planes)> previews = Channel.CreateUnbounded<(int, int, byte[])>();

    /// <inheritdoc/>
    public void Stepped(int done, int steps)
    {
        // previews are all that the contract has
    }

    /// <inheritdoc/>
    public void Previewed(int picture, int preview, byte[] planes) => previews.Writer.TryWrite((picture, preview, planes));

    /// <summary>Sends what comes until the drawing ends.</summary>
    /// <param name="drawing">The drawing, which this listens to.</param>
    /// <param name="cancellationToken">The caller is gone.</param>
    public async Task SendAsync(Task<DrawnOrder> drawing, CancellationToken cancellationToken)
    {
        _ = drawing.ContinueWith(_ => previews.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (drawing.IsFaulted)
        {
            await drawing; // nothing was sent yet: an answer like any other
        }

        Open();
        await response.Body.FlushAsync(cancellationToken);
        while (await NextAsync(cancellationToken))
        {
            while (previews.Reader.TryRead(out var preview))
            {
                await WriteAsync("image_generation.partial_image", Event("image_generation.partial_image", preview.Planes, preview.Picture, preview.Preview), cancellationToken);
            }

            await response.Body.FlushAsync(cancellationToken);
        }

        try
        {
            var drawn = await drawing;
            for (var i = 0; i < drawn.Pictures.Count; i++)
            {
                await WriteAsync("image_generation.completed", Event("image_generation.completed", drawn.Pictures[i], i, null, drawn), cancellationToken);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            await response.WriteAsync($"event: error\ndata: {GatewayErrors.Answer(e).Body.ToJson()}\n\n", cancellationToken);
        }
    }

    // False when nothing more comes. A beat now and then: whoever hears nothing for long may hang up.
    private async Task<bool> NextAsync(CancellationToken cancellationToken)
    {
        var next = previews.Reader.WaitToReadAsync(cancellationToken).AsTask();
        while (true)
        {
            try
            {
                return await next.WaitAsync(BeatEvery, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                await response.WriteAsync(": still here\n\n", cancellationToken);
                await response.Body.FlushAsync(cancellationToken);
            }
        }
    }

    private void Open()
    {
        response.ContentType = "text/event-stream";
        response.Headers["X-Accel-Buffering"] = "no"; // proxies pass each message on at once
        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private Dictionary<string, object?> Event(string type, byte[] planes, int picture, int? preview, DrawnOrder? drawn = null)
    {
        var (manifest, order) = (model.Manifest, request.Order);
        var file = ImageCodec.Encode(planes, manifest.Channels, manifest.ImageSize, manifest.ImageSize, request.Format, request.Quality);
        var fields = new Dictionary<string, object?>
        {
            ["type"] = type,
            ["b64_json"] = Convert.ToBase64String(file),
            ["created_at"] = time.GetUtcNow().ToUnixTimeSeconds(),
            ["size"] = FormattableString.Invariant($"{manifest.ImageSize}x{manifest.ImageSize}"),
            ["quality"] = "auto",
            ["background"] = "opaque",
            ["output_format"] = request.Format.Extension(),
            ["image_index"] = picture,
            ["seed"] = order.Request.Seeds[picture],
            ["model"] = manifest.Name,
            ["model_version"] = manifest.Version,
            ["model_sha256"] = model.Sha256,
            ["served_by"] = servedBy,
        };
        if (preview is not null)
        {
            fields["partial_image_index"] = preview;
        }

        if (drawn is not null)
        {
            var record = drawn.Record.Pictures[picture];
            fields["usage"] = new ImageUsage();
            fields["degraded"] = record.Degraded;
            fields["live_mass"] = record.LiveMass;
            fields["hosts"] = drawn.Hosts;
            fields["experts"] = record.Experts;
            fields["weights"] = record.Weights;
        }

        return fields;
    }

    private Task WriteAsync(string type, Dictionary<string, object?> fields, CancellationToken cancellationToken)
        => response.WriteAsync($"event: {type}\ndata: {JsonSerializer.Serialize(fields, GatewayApi.Json)}\n\n", cancellationToken);
}
