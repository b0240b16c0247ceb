using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>A request that is answered with an error.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">Value, place and remedy.</param>
/// <param name="param">The field that is to blame; null: none.</param>
/// <param name="code">A word for programs.</param>
/// <param name="retryAfter">Seconds after which it may go well; null: it will not.</param>
internal sealed class GatewayException(int status, string message, string? param = null, string? code = "invalid_value", int? retryAfter = null) : Exception(message)
{
    public int Status { get; } = status;

    public string? Param { get; } = param;

    public string? Code { get; } = code;

    public int? RetryAfter { get; } = retryAfter;

    /// <summary>The request is wrong in one of its fields.</summary>
    public static GatewayException Bad(string? param, FormattableString message, string code = "invalid_value")
        => new(StatusCodes.Status400BadRequest, FormattableString.Invariant(message), param, code);

    /// <summary>There is no room now.</summary>
    public static GatewayException Busy(string what, int seconds) => new(StatusCodes.Status429TooManyRequests, what, null, "queue_full", seconds);
}
