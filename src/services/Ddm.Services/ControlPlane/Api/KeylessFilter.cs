using System.Net;
using Ddm.Runs;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Ddm.Services;

/// <summary>
/// Where no key is asked for, keeps web pages out that somebody on this machine has open: a page of another origin may send requests though it reads no answers, and
/// one whose name was made to lead here reads them too.
/// </summary>
internal sealed class KeylessFilter(ApiSettings settings) : IEndpointFilter
{
    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext.Request;
        return settings.RequireKey || FindFault(request, context.HttpContext.Connection.LocalIpAddress) is not { } fault
            ? await next(context)
            : TypedResults.Problem($"{fault} Without keys ({ApiSettings.RequireSetting} is false) this is refused. Set keys to allow it.", statusCode: StatusCodes.Status403Forbidden);
    }

    private static string? FindFault(HttpRequest request, IPAddress? listens)
    {
        var isHere = listens is null || IPAddress.IsLoopback(listens);
        if (isHere && !PageOrigin.IsLoopback(request.Host.Host))
        {
            return $"The request is for '{Printable.Text(request.Host.Value ?? "")}', which is no name of this machine to itself.";
        }

        var origin = request.Headers[HeaderNames.Origin].ToString();
        return origin.Length == 0 || PageOrigin.IsOwn(origin, request) ? null
            : $"The request comes from a page of '{Printable.Text(origin)}'.";
    }
}
