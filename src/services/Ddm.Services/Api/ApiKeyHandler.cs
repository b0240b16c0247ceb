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
/// Lets in who brings a key, as <c>Authorization: Bearer KEY</c> or <c>X-Api-Key: KEY</c>. Never in the query, which stands in logs and histories. No key, a wrong
/// one and one of another scheme get the same answer.
/// </summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiSettings settings, WrongKeys wrong)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>Name of the scheme.</summary>
    public const string SchemeName = "ApiKey";

    /// <summary>The other header.</summary>
    public const string Header = "X-Api-Key";

    private const string Bearer = "Bearer ";
    private bool tooMany;

    private const string Scope = "scope";

    /// <summary>What endpoints of runs ask for.</summary>
    public static AuthorizationPolicy Policy { get; } = For(ApiKey.Runs);

    /// <summary>What endpoints of pictures ask for.</summary>
    public static AuthorizationPolicy ImagesPolicy { get; } = For(ApiKey.Images);

    /// <summary>What expert hosts ask for.</summary>
    public static AuthorizationPolicy ExpertsPolicy { get; } = For(ApiKey.Experts);

    /// <inheritdoc/>
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var known = new ApiKey("anyone", null);
        if (settings.RequireKey)
        {
            if (KeyOf(Request.Headers) is not { } key)
            {
                return Task.FromResult(AuthenticateResult.NoResult());
            }

            if (settings.Keys.Find(key) is not { } found)
            {
                tooMany = !wrong.Note(Context.Connection.RemoteIpAddress);
                return Task.FromResult(AuthenticateResult.Fail("No such key."));
            }

            known = found;
        }

        string[] scopes = known.Scope is { } only ? [only] : [ApiKey.Runs, ApiKey.Images, ApiKey.Experts];
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, known.Id), .. scopes.Select(scope => new Claim(Scope, scope))], SchemeName);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
    }

    /// <inheritdoc/>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
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

    private static AuthorizationPolicy For(string scope) => new AuthorizationPolicyBuilder(SchemeName).RequireAuthenticatedUser().RequireClaim(Scope, scope).Build();

    private static string? KeyOf(IHeaderDictionary headers) =>
        headers[HeaderNames.Authorization].ToString() is { } value && value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? value[Bearer.Length..].Trim()
        : headers[Header].ToString() is { Length: > 0 } key ? key
        : null;
}
