using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>An error as OpenAI's clients read it: all four keys, always.</summary>
/// <param name="Message">What is wrong and what to do.</param>
/// <param name="Type">Its kind.</param>
/// <param name="Param">The field to blame; null: none.</param>
/// <param name="Code">A word for programs; null: none.</param>
internal sealed record ErrorBody(string Message, string Type, string? Param, string? Code)
{
    /// <summary>The error of a status.</summary>
    public static ErrorBody Of(int status, string message, string? param = null, string? code = null) => new(message, TypeOf(status), param, code);

    /// <summary>The error as it is sent.</summary>
    public string ToJson() => JsonSerializer.Serialize(new ErrorAnswer(this), GatewayApi.Json);

    /// <summary>Answers with it.</summary>
    public async Task WriteAsync(HttpResponse response, int status)
    {
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        await response.WriteAsync(ToJson(), response.HttpContext.RequestAborted);
    }

    private static string TypeOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= StatusCodes.Status500InternalServerError => "server_error",
        _ => "invalid_request_error",
    };
}
