using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>What went wrong, in OpenAI's form: never a stack trace, and the words of an exception only where it was written for people.</summary>
internal sealed class GatewayErrors(ILogger<GatewayErrors> log) : IExceptionHandler
{
    private const string Waits = "5";

    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest; // nobody reads it
            return true;
        }

        var (status, body) = Answer(exception);
        if (status == StatusCodes.Status500InternalServerError)
        {
            log.LogError(exception, "{Method} {Path} failed", httpContext.Request.Method, Printable.Text(httpContext.Request.Path));
        }

        if (exception is GatewayException { RetryAfter: { } seconds })
        {
            httpContext.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        else if (status == StatusCodes.Status503ServiceUnavailable)
        {
            httpContext.Response.Headers.RetryAfter = Waits;
        }

        await body.WriteAsync(httpContext.Response, status);
        return true;
    }

    /// <summary>Writes the error of a status that came without one.</summary>
    public static Task WriteBareAsync(StatusCodeContext context)
    {
        var response = context.HttpContext.Response;
        var (message, code) = response.StatusCode switch
        {
            StatusCodes.Status401Unauthorized => ("A key is needed, in the header 'Authorization: Bearer KEY'.", "invalid_api_key"),
            StatusCodes.Status403Forbidden when ApiKeyHandler.FaultOf(context.HttpContext) is { } fault => (fault, "origin_not_allowed"),
            StatusCodes.Status403Forbidden => ("This key does not open pictures. Take one with the scope 'images'.", "insufficient_scope"),
            StatusCodes.Status404NotFound => ("There is nothing at this address. docs/serving.md lists what there is.", "not_found"),
            StatusCodes.Status405MethodNotAllowed => ($"{Printable.Text(context.HttpContext.Request.Method)} is not for this address; 'Allow' names what is.", "method_not_allowed"),
            StatusCodes.Status415UnsupportedMediaType => (ImagesEndpoint.OtherMedia, "unsupported_media_type"),
            StatusCodes.Status429TooManyRequests => ("Too many wrong keys came from this address. Wait a minute.", "too_many_wrong_keys"),
            _ => ("The request cannot be answered.", null as string),
        };
        return ErrorBody.Of(response.StatusCode, message, code: code).WriteAsync(response, response.StatusCode);
    }

    /// <summary>Status and words of an exception.</summary>
    public static (int Status, ErrorBody Body) Answer(Exception exception)
    {
        var (status, message, param, code) = exception switch
        {
            GatewayException e => (e.Status, e.Message, e.Param, e.Code),
            UserErrorException => (StatusCodes.Status400BadRequest, exception.Message, null, "invalid_value"),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
                (StatusCodes.Status413PayloadTooLarge, $"The body is larger than {ImagesEndpoint.MostBytes} bytes.", null, "body_too_large"),
            BadHttpRequestException bad => (bad.StatusCode, bad.Message, null, "bad_request"),
            EnsembleDegradedException => (StatusCodes.Status503ServiceUnavailable, exception.Message, null, "model_degraded"),
            CheckpointException or InvalidDataException => (StatusCodes.Status500InternalServerError, exception.Message, null, "damaged"), // names a damaged blob
            OperationCanceledException => (StatusCodes.Status503ServiceUnavailable, "The gateway stops. Ask again.", null, "stopping"),
            _ when Faults.MayPass(exception) => (StatusCodes.Status503ServiceUnavailable, "The store does not answer. Try again in a while.", null, "unavailable"),
            _ => (StatusCodes.Status500InternalServerError, "The gateway could not do this. Its log says why.", null as string, "internal"),
        };
        return (status, ErrorBody.Of(status, message, param, code));
    }
}
