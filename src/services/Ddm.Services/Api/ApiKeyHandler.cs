using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Ddm.Services;

/// <summary>
/// Lets in who brings a key, as <c>Authorization: Bearer KEY</c> or <c>X-Api-Key: KEY</c>, and pages by the cookie that they traded one for. Never in the query, which stands in
/// logs and histories. No key, a wrong one and one of another scheme get the same answer.
/// </summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiSettings settings, WrongKeys wrong, PageSessions? sessions = null)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>Name of the scheme.</summary>
    public const string SchemeName = "ApiKey";

    /// <summary>The other header.</summary>
    public const string Header = "X-Api-Key";

    private const string Bearer = "Bearer ";
    private static readonly object Fault = new();
    private bool tooMany;

    /// <summary>What endpoints of runs ask for.</summary>
    public static AuthorizationPolicy Policy { get; } = For(ApiKey.Runs);

    /// <summary>What endpoints of pictures ask for.</summary>
    public static AuthorizationPolicy ImagesPolicy { get; } = For(ApiKey.Images);

    /// <summary>What expert hosts ask for.</summary>
    public static AuthorizationPolicy ExpertsPolicy { get; } = For(ApiKey.Experts);

    /// <summary>What the endpoints of outside workers ask for.</summary>
    public static AuthorizationPolicy WorkerPolicy { get; } = For(KeyHolder.Workers);

    /// <summary>Why a request was refused though its cookie is good; null: it was not.</summary>
    public static string? FaultOf(HttpContext context) => context.Items[Fault] as string;

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!settings.RequireKey)
        {
            var anyone = new KeyHolder(KeyHolder.Anyone, null);
            return Success([.. anyone.Claims(), .. ScopesOf(null)]);
        }

        if (KeyOf(Request.Headers) is not { } key)
        {
            return await BySessionAsync();
        }

        var (found, holder) = (settings.Keys.Find(key), settings.WorkerKeys.Find(key)); // both, whichever it is
        if (found is not null || holder is not null)
        {
            return found is not null ? Known(found) : Success(holder!.Claims());
        }

        tooMany = !wrong.Note(Context.Connection.RemoteIpAddress);
        return AuthenticateResult.Fail("No such key.");
    }

    /// <inheritdoc/>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (FaultOf(Context) is not null)
        {
            Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        }

        Response.StatusCode = tooMany ? StatusCodes.Status429TooManyRequests : StatusCodes.Status401Unauthorized;
        if (tooMany)
        {
            Response.Headers.RetryAfter = "60";
        }
        else
        {
            Response.Headers.WWWAuthenticate = "Bearer";
        }

        return Task.CompletedTask;
    }

    private async Task<AuthenticateResult> BySessionAsync()
    {
        if (sessions is null || await sessions.FindAsync(Request, Context.RequestAborted) is not { } found) // a host without pages has none
        {
            return AuthenticateResult.NoResult();
        }

        if (PageOrigin.FindFault(Request) is { } fault)
        {
            Context.Items[Fault] = fault;
            return AuthenticateResult.Fail(fault);
        }

        return Known(found);
    }

    private static AuthenticateResult Known(ApiKey key) => Success([new Claim(ClaimTypes.Name, key.Id), .. ScopesOf(key.Scope)]);

    private static IEnumerable<Claim> ScopesOf(string? only)
        => (only is null ? [ApiKey.Runs, ApiKey.Images, ApiKey.Experts] : new[] { only }).Select(scope => new Claim(KeyHolder.Scope, scope));

    private static AuthenticateResult Success(IEnumerable<Claim> claims)
        => AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(claims, SchemeName)), SchemeName));

    private static AuthorizationPolicy For(string scope) => new AuthorizationPolicyBuilder(SchemeName).RequireAuthenticatedUser().RequireClaim(KeyHolder.Scope, scope).Build();

    private static string? KeyOf(IHeaderDictionary headers) =>
        headers[HeaderNames.Authorization].ToString() is { } value && value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? value[Bearer.Length..].Trim()
        : headers[Header].ToString() is { Length: > 0 } key ? key
        : null;
}
