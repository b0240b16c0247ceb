using System.Security.Claims;
using System.Security.Cryptography;
using Ddm.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Serving;

/// <summary><c>POST /v1/images/generations</c>.</summary>
internal sealed class ImagesEndpoint(
    GenerationParser parser, Generation generation, KeyLimits limits, PictureFiles files, SignedLinks links, ImageJobs jobs, WorkerIdentity worker, TimeProvider time)
{
    /// <summary>Two texts of 4000 characters, six bytes each as JSON may write them, and the rest.</summary>
    public const int MostBytes = 64 * 1024;

    /// <summary>The header by which a request that is sent again is known.</summary>
    public const string IdempotencyKey = "Idempotency-Key";

    /// <summary>The header that says which process drew.</summary>
    public const string ServedBy = "X-Ddm-Served-By";

    /// <summary>The header that says which version of which model a request was for: every answer names exactly one, also one that failed on the way.</summary>
    public const string ModelVersion = "X-Ddm-Model";

    /// <summary>What is said of a body that is not read.</summary>
    public const string OtherMedia = "Send the request as application/json in UTF-8, not compressed.";

    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder images) => images
        .MapPost("/generations", (HttpContext context, [FromServices] ImagesEndpoint endpoint) => endpoint.AnswerAsync(context))
        .WithName("createImage")
        .WithSummary("Draw pictures")
        .WithDescription("Answers when they are drawn; with \"stream\": true by server-sent events: image_generation.partial_image on the way, image_generation.completed for every picture, error where it ends so.")
        .Accepts<GenerationBody>(RequestBody.Json)
        .WithMetadata(new RequestSizeLimitAttribute(MostBytes), new TakesIdempotencyKey())
        .Produces<ImagesAnswer>(StatusCodes.Status200OK, RequestBody.Json, "text/event-stream")
        .Refuses(BodyFaults)
        .Refuses(StatusCodes.Status409Conflict, StatusCodes.Status503ServiceUnavailable, StatusCodes.Status504GatewayTimeout);

    /// <summary>What a body may be refused with.</summary>
    public static readonly int[] BodyFaults =
    [
        StatusCodes.Status400BadRequest, StatusCodes.Status404NotFound, StatusCodes.Status408RequestTimeout, StatusCodes.Status413PayloadTooLarge, StatusCodes.Status415UnsupportedMediaType,
    ];

    /// <summary>Who asks.</summary>
    public static string KeyOf(HttpContext context) => context.User.FindFirstValue(ClaimTypes.Name) ?? "anyone";

    /// <summary>The body as text, counted against its key before it is read.</summary>
    /// <exception cref="GatewayException">There have been too many requests, or it is no JSON by its header.</exception>
    public static async Task<string> ReadAsync(HttpContext context, KeyLimits limits)
    {
        limits.NoteRequest(KeyOf(context));
        return RequestBody.KindOf(context.Request, RequestBody.Json) is null
            ? throw new GatewayException(StatusCodes.Status415UnsupportedMediaType, OtherMedia, null, "unsupported_media_type")
            : await RequestBody.ReadTextAsync(context.Request, context.RequestAborted);
    }

    /// <summary>Names who drew and with what, in an error that comes later as well.</summary>
    public static void Name(HttpResponse response, string? servedBy, string model, string version) => response.OnStarting(() =>
    {
        (response.Headers[ServedBy], response.Headers[ModelVersion]) = (servedBy, $"{model}/{version}");
        return Task.CompletedTask;
    });

    /// <summary>A seed for a request that names none.</summary>
    public static long RandomSeed() => RandomNumberGenerator.GetInt32(int.MaxValue);

    private async Task AnswerAsync(HttpContext context)
    {
        var (key, gone) = (KeyOf(context), context.RequestAborted);
        var text = await ReadAsync(context, limits);
        if (context.Request.Headers[IdempotencyKey].ToString() is { Length: > 0 } again)
        {
            await jobs.AnswerAsync(context, key, text, again);
            return;
        }

        var (request, lease) = parser.Read(text, RandomSeed);
        using (lease)
        {
            Name(context.Response, worker.Name, lease.Model.Manifest.Name, lease.Model.Manifest.Version);
            limits.NotePictures(key, request.Order.Count);
            var held = lease.Model.TryLease() ?? throw new InvalidOperationException("A version that is held is gone.");
            if (request.Stream)
            {
                var stream = new ImageStream(context.Response, request, lease.Model, worker.Name, time);
                await stream.SendAsync(generation.DrawAsync(key, request, held, stream, gone), gone);
                return;
            }

            var drawn = await generation.DrawAsync(key, request, held, null, gone);
            var answer = ImagesAnswer.Of(lease.Model, drawn, request.Format, time.GetUtcNow(), await DataAsync(context.Request, request, drawn, gone), worker.Name);
            await context.Response.WriteAsJsonAsync(answer, GatewayApi.Json, gone);
        }
    }

    private async Task<IReadOnlyList<ImageData>> DataAsync(HttpRequest http, GenerationRequest request, DrawnOrder drawn, CancellationToken cancellationToken)
    {
        var encoded = PictureFiles.Encode(drawn, request.Format, request.Quality);
        ImageData[] data = [.. drawn.Record.Pictures.Select(ImageData.Of)];
        if (!request.AsLinks)
        {
            return [.. data.Zip(encoded, (picture, file) => picture with { B64Json = Convert.ToBase64String(file) })];
        }

        var id = files.NewId();
        await files.KeepAsync(id, encoded, request.Format, cancellationToken);
        for (var i = 0; i < data.Length; i++)
        {
            data[i] = data[i] with { Url = await links.MakeAsync(http, id, PictureFiles.FileName(i, request.Format), cancellationToken) };
        }

        return data;
    }
}
