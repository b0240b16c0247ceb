using System.Net;
using Ddm.Runs;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Ddm.Services;

/// <summary>Whether a request that a browser sends comes from a page of our own. A browser adds the cookie to whatever asks here, also to pages of other ports of this machine.</summary>
internal static class PageOrigin
{
    private const string FetchSite = "Sec-Fetch-Site";

    /// <summary>Why a request is refused that has nothing but a cookie to say for itself; null: it is not.</summary>
    public static string? FindFault(HttpRequest request)
    {
        var (origin, site) = (request.Headers[HeaderNames.Origin].ToString(), request.Headers[FetchSite].ToString());
        return origin.Length > 0 && !IsOwn(origin, request) ? $"The request comes from a page of '{Printable.Text(origin)}'. Open this server's own pages."
            : site is not ("" or "same-origin" or "none") ? $"The request comes from another page ({Printable.Text(site)}). Open this server's own pages."
            : origin.Length == 0 && site.Length == 0 && !IsRead(request.Method) ? "The request does not say which page it comes from. Programs send a key in the header 'Authorization: Bearer KEY'."
            : null;
    }

    /// <summary>Whether an origin is the one that the request was sent to.</summary>
    public static bool IsOwn(string origin, HttpRequest request)
        => Uri.TryCreate(origin, UriKind.Absolute, out var page) && string.Equals(page.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a name is one of a machine to itself.</summary>
    public static bool IsLoopback(string host) => host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static bool IsRead(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method);
}
