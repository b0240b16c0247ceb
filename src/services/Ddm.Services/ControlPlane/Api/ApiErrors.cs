using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>What went wrong, as <c>application/problem+json</c>: never a stack trace, and the words of an exception only where it was written for people.</summary>
internal sealed class ApiErrors(IProblemDetailsService problems, ILogger<ApiErrors> log) : IExceptionHandler
{
    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest; // nobody reads it
            return true;
        }

        var (status, detail) = Answer(exception);
        if (status >= StatusCodes.Status500InternalServerError)
        {
            log.LogError(exception, "{Method} {Path} failed", httpContext.Request.Method, Printable.Text(httpContext.Request.Path));
        }

        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            httpContext.Response.Headers.RetryAfter = "5";
        }

        httpContext.Response.StatusCode = status;
        return await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = new ProblemDetails { Status = status, Detail = detail } });
    }

    /// <summary>Adds what the status alone does not say.</summary>
    public static void Complete(ProblemDetailsContext context)
    {
        var request = context.HttpContext.Request;
        context.ProblemDetails.Detail ??= context.ProblemDetails.Status switch
        {
            StatusCodes.Status401Unauthorized => $"A key is needed, in the header 'Authorization: Bearer KEY' or '{ApiKeyHandler.Header}: KEY'.",
            StatusCodes.Status403Forbidden => ApiKeyHandler.FaultOf(context.HttpContext)
                ?? (request.Path.StartsWithSegments(OutsideEndpoints.Path) ? $"A worker's key is needed here, one of {ApiSettings.WorkerKeysSetting}."
                : context.HttpContext.User.HasClaim(KeyHolder.Scope, KeyHolder.Workers) ? $"This key is a worker's: it opens {OutsideEndpoints.Path} alone."
                : "This key opens pictures alone. Take one with the scope 'runs'."),
            StatusCodes.Status404NotFound => "There is nothing at this address. /openapi/v1.json lists what there is.",
            StatusCodes.Status405MethodNotAllowed => $"{Printable.Text(request.Method)} is not for this address; 'Allow' names what is.",
            StatusCodes.Status415UnsupportedMediaType => "Send the spec as application/yaml, or as application/json.",
            StatusCodes.Status429TooManyRequests => "Too many wrong keys came from this address. Wait a minute.",
            _ => null,
        };
    }

    private static (int Status, string? Detail) Answer(Exception exception) => exception switch
    {
        UserErrorException { MayPass: true } => (StatusCodes.Status503ServiceUnavailable, "The store refuses this server, or has no room. Its log says why; try again in a while."),
        UserErrorException => (StatusCodes.Status400BadRequest, exception.Message),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => (StatusCodes.Status413PayloadTooLarge,
            "The body is larger than this address takes."),
        BadHttpRequestException bad => (bad.StatusCode, bad.Message),
        OutsideRefusedException refused => (StatusCodes.Status403Forbidden, refused.Message),
        CheckpointException or InvalidDataException => (StatusCodes.Status500InternalServerError, exception.Message), // names a damaged blob
        IOException or TimeoutException or HttpRequestException => (StatusCodes.Status503ServiceUnavailable, "The store does not answer. Try again in a while."),
        _ => (StatusCodes.Status500InternalServerError, "The control plane could not do this. Its log says why."),
    };
}
