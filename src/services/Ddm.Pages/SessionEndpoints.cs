using System.Security.Claims;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Pages;

/// <summary><c>/pages/session</c>: a key is traded for a cookie that scripts cannot read.</summary>
internal static class SessionEndpoints
{
    private const int MostBytes = 4 * 1024;
    private const string Https = "https";

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder pages, PageSet set)
    {
        pages.MapGet("/session", (HttpContext context, ApiSettings api, PageSettings settings) => LookAsync(context, api, settings, set));
        pages.MapPost("/session", (HttpContext context, ApiSettings api, WrongKeys wrong, PageSessions sessions) => BeginAsync(context, api, wrong, sessions, set))
            .WithMetadata(new RequestSizeLimitAttribute(MostBytes));
        pages.MapDelete("/session", End).WithMetadata(new RequestSizeLimitAttribute(MostBytes));
    }

    private static async Task<IResult> LookAsync(HttpContext context, ApiSettings api, PageSettings settings, PageSet set)
    {
        var known = await context.AuthenticateAsync(ApiKeyHandler.SchemeName);
        return TypedResults.Json(new
        {
            required = api.RequireKey,
            signedIn = known.Succeeded && known.Principal.HasClaim(KeyHolder.Scope, set.Scope),
            key = known.Principal?.FindFirstValue(ClaimTypes.Name),
            home = set.Home,
            runs = Bare(settings.Runs),
            playground = Bare(settings.Playground),
        }, JsonSerializerOptions.Web); // whatever names the host's own API has
    }

    private static async Task<IResult> BeginAsync(HttpContext context, ApiSettings api, WrongKeys wrong, PageSessions sessions, PageSet set)
    {
        var (request, gone) = (context.Request, context.RequestAborted);
        if (RequestBody.KindOf(request, RequestBody.Json) is null)
        {
            return TypedResults.Problem("Send {\"key\": ...} as application/json.", statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        KeyBody body;
        try
        {
            body = RequestBody.Parse<KeyBody>(await RequestBody.ReadTextAsync(request, gone), "{\"key\": ...}");
        }
        catch (UserErrorException e)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status400BadRequest);
        }

        if (!api.RequireKey)
        {
            return TypedResults.NoContent(); // everybody is in
        }

        if (api.Keys.Find(body.Key.Trim()) is not { } key)
        {
            return wrong.Note(context.Connection.RemoteIpAddress)
                ? TypedResults.Problem("This is no key of this server.", statusCode: StatusCodes.Status401Unauthorized)
                : TypedResults.Problem("Too many wrong keys came from this address. Wait a minute.", statusCode: StatusCodes.Status429TooManyRequests);
        }

        if (key.Scope is { } only && only != set.Scope)
        {
            return TypedResults.Problem($"This key opens {only} alone. Take one with the scope '{set.Scope}'.", statusCode: StatusCodes.Status403Forbidden);
        }

        context.Response.Cookies.Append(PageSessions.CookieOf(request), await sessions.BeginAsync(key, gone), Cookie(request, PageSessions.Lasts));
        return TypedResults.NoContent();
    }

    private static NoContent End(HttpContext context)
    {
        context.Response.Cookies.Append(PageSessions.CookieOf(context.Request), "", Cookie(context.Request, TimeSpan.Zero));
        return TypedResults.NoContent();
    }

    // A proxy may have taken the TLS off: then the page's own origin says how it was fetched.
    private static CookieOptions Cookie(HttpRequest request, TimeSpan lasts) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Path = "/",
        MaxAge = lasts,
        Secure = request.IsHttps || (Uri.TryCreate(request.Headers.Origin.ToString(), UriKind.Absolute, out var origin) && origin.Scheme == Https),
        IsEssential = true,
    };

    private static string? Bare(Uri? address) => address?.AbsoluteUri.TrimEnd('/');

    private sealed record KeyBody(string Key);
}
