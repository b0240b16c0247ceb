using System.Net;
using Ddm.Runs;
using Ddm.Services;
using Microsoft.AspNetCore.Http;

namespace Ddm.Pages;

/// <summary>Gives pages to nobody who asks this machine by a name of their own (DNS rebinding), and takes keys from no page but ours.</summary>
internal sealed class PageGuard(PageSettings settings) : IEndpointFilter
{
    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        return FindFault(http) is { } fault ? TypedResults.Problem(fault, statusCode: StatusCodes.Status403Forbidden) : await next(context);
    }

    private string? FindFault(HttpContext http)
    {
        var (request, listens) = (http.Request, http.Connection.LocalIpAddress);
        var isHere = listens is null || IPAddress.IsLoopback(listens);
        if (isHere && !PageOrigin.IsLoopback(request.Host.Host) && !settings.Hosts.Contains(request.Host.Host, StringComparer.OrdinalIgnoreCase))
        {
            return $"'{Printable.Text(request.Host.Value ?? "")}' is no name of this machine to itself. Ask by 127.0.0.1, or add the name to {PageSettings.Section}:{nameof(PageSettings.Hosts)}.";
        }

        // A link from elsewhere may open a page; nothing is done by that.
        return HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) ? null : PageOrigin.FindFault(request);
    }
}
