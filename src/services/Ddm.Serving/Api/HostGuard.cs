using System.Net;
using Ddm.Runs;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>
/// Refuses requests that a foreign page makes through somebody's browser: by a name of its own that leads here (DNS rebinding), or from its own origin. On loopback alone only
/// this machine's names are heard; elsewhere those of <c>Ddm:Gateway:Hosts</c>, or any where none is set.
/// </summary>
internal sealed class HostGuard(IServer server, ServingSettings settings)
{
    private static readonly string[] Own = ["localhost", "127.0.0.1", "[::1]", "::1"];
    private bool? loopbackAlone;

    /// <summary>Why a request is refused; null: it is not.</summary>
    public ErrorBody? Refusal(HttpRequest request)
    {
        var host = request.Host.Host;
        if (!Allows(host))
        {
            return ErrorBody.Of(
                StatusCodes.Status403Forbidden, $"'{Printable.Text(host)}' is no name of this gateway. Ask by its own name, or add this one to {ServingSettings.Section}:Hosts.", code: "host_not_allowed");
        }

        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || IsOwn(origin, request) ? null
            : ErrorBody.Of(StatusCodes.Status403Forbidden, $"Pages of '{Printable.Text(origin)}' may not ask here. Add its host to {ServingSettings.Section}:Hosts.", code: "origin_not_allowed");
    }

    private bool Allows(string host)
        => Own.Contains(host, StringComparer.OrdinalIgnoreCase) || settings.Hosts.Contains(host, StringComparer.OrdinalIgnoreCase)
            || string.Equals(settings.PublicUrl?.Host, host, StringComparison.OrdinalIgnoreCase) || (settings.Hosts.Count == 0 && !LoopbackAlone());

    private bool IsOwn(string origin, HttpRequest request)
        => Uri.TryCreate(origin, UriKind.Absolute, out var page)
            && (string.Equals(page.Authority, request.Host.ToString(), StringComparison.OrdinalIgnoreCase) || settings.Hosts.Contains(page.Host, StringComparer.OrdinalIgnoreCase));

    private bool LoopbackAlone() => loopbackAlone ??= server.Features.Get<IServerAddressesFeature>()?.Addresses is { Count: > 0 } addresses
        && addresses.All(address => Uri.TryCreate(address, UriKind.Absolute, out var uri) && (uri.IsLoopback || (IPAddress.TryParse(uri.Host, out var ip) && IPAddress.IsLoopback(ip))));
}
