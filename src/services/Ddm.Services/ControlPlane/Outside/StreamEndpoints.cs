using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Ddm.Services;

/// <summary>Blobs through the control plane, under the limits of the worker's claim: where the store is a folder, which can sign nothing.</summary>
internal static class StreamEndpoints
{
    /// <summary>The blob's ETag as the store has it; a header of its own, since the protocol's has a form that the store's need not have.</summary>
    public const string Tag = "X-Ddm-Tag";

    /// <summary>When it was written, round-trip format.</summary>
    public const string Written = "X-Ddm-Written";

    /// <summary>Bytes of a blob up to which it may be held in memory.</summary>
    public const int Small = 4 << 20;

    private const int MostWhole = 64 << 20;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder workers)
    {
        const string Pattern = "/blobs/{**name}";
        workers.MapGet(Pattern, ReadAsync).WithName("readBlob").WithSummary("Reads a blob").ProducesProblem(StatusCodes.Status404NotFound);
        workers.MapMethods(Pattern, [HttpMethods.Head], ExistsAsync).WithName("findBlob").WithSummary("Whether there is a blob");
        workers.MapPut(Pattern, WriteAsync).WithName("writeBlob").WithSummary("Writes a part of the checkpoint that is to be committed next")
            .WithMetadata(new DisableRequestSizeLimitAttribute()).ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    private static async Task<IResult> ReadAsync(string name, HttpContext http, IBlobLimits limits, IBlobStore blobs, bool whole = false)
    {
        await limits.RequireAsync(http, name, write: false);
        if (whole)
        {
            await using (var stream = await blobs.OpenReadAsync(name, http.RequestAborted))
            {
                if (stream?.Length > MostWhole)
                {
                    throw TooMuch("read", MostWhole); // a part may be as large as its worker likes
                }
            }

            if (await blobs.ReadAsync(name, http.RequestAborted) is not { } content)
            {
                return Absent(name);
            }

            http.Response.Headers[Tag] = Uri.EscapeDataString(content.ETag);
            http.Response.Headers[Written] = content.LastModified.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
            return TypedResults.Bytes(content.Bytes);
        }

        return await blobs.OpenReadAsync(name, http.RequestAborted) is { } opened ? TypedResults.Stream(opened) : Absent(name);
    }

    private static async Task<IResult> ExistsAsync(string name, HttpContext http, IBlobLimits limits, IBlobStore blobs)
    {
        await limits.RequireAsync(http, name, write: false);
        return await blobs.ExistsAsync(name, http.RequestAborted) ? TypedResults.NoContent() : TypedResults.NotFound();
    }

    private static async Task<IResult> WriteAsync(string name, HttpContext http, IBlobLimits limits, IBlobStore blobs, bool whole = false)
    {
        await limits.RequireAsync(http, name, write: true);
        var condition = http.Request.Headers.ContainsKey(HeaderNames.IfNoneMatch) ? WriteCondition.IfAbsent
            : http.Request.Headers[Tag].ToString() is { Length: > 0 } tag ? WriteCondition.IfMatch(Uri.UnescapeDataString(tag)) : WriteCondition.Any;
        if (!whole)
        {
            var written = await blobs.TryWriteStreamAsync(name, (target, token) => http.Request.Body.CopyToAsync(target, 1 << 20, token), condition, http.RequestAborted);
            return written ? TypedResults.NoContent() : Refused(name);
        }

        var bytes = new byte[Math.Min(http.Request.ContentLength ?? Small, Small) + 1];
        var length = await http.Request.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, http.RequestAborted);
        if (length > Small)
        {
            throw TooMuch("written", Small);
        }

        if (await blobs.TryWriteAsync(name, bytes.AsMemory(0, length), condition, http.RequestAborted) is not { } etag)
        {
            return Refused(name);
        }

        http.Response.Headers[Tag] = Uri.EscapeDataString(etag);
        return TypedResults.NoContent();
    }

    private static UserErrorException TooMuch(string what, int most) => new($"More than {most} bytes are not {what} at once: leave out 'whole'.");

    private static ProblemHttpResult Absent(string name) => TypedResults.Problem($"There is no blob '{Printable.Text(name)}'.", statusCode: StatusCodes.Status404NotFound);

    private static ProblemHttpResult Refused(string name) => TypedResults.Problem($"'{Printable.Text(name)}' is not as the condition has it.", statusCode: StatusCodes.Status412PreconditionFailed);
}
