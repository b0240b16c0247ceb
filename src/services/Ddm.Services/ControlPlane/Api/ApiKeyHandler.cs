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

    /// <summary>What endpoints ask for.</summary>
    public static AuthorizationPolicy Policy { get; } = new AuthorizationPolicyBuilder(SchemeName).RequireClaim(KeyHolder.Scope, KeyHolder.Runs).Build();

    /// <summary>What the endpoints of outside workers ask for.</summary>
    public static AuthorizationPolicy WorkerPolicy { get; } = new AuthorizationPolicyBuilder(SchemeName).RequireClaim(KeyHolder.Scope, KeyHolder.Workers).Build();

    /// <inheritdoc/>
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!settings.RequireKey)
        {
            return Success([.. new KeyHolder(KeyHolder.Anyone, null).Claims(), new Claim(KeyHolder.Scope, KeyHolder.Runs)]);
        }

        if (KeyOf(Request.Headers) is not { } key)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var (opens, holder) = (settings.Keys.Holds(key), settings.WorkerKeys.Find(key)); // both, whichever it is
        if (opens || holder is not null)
        {
            return Success(opens ? [new Claim(ClaimTypes.Name, "key"), new Claim(KeyHolder.Scope, KeyHolder.Runs)] : holder!.Claims());
        }

        tooMany = !wrong.Note(Context.Connection.RemoteIpAddress);
        return Task.FromResult(AuthenticateResult.Fail("No such key."));
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

    private static Task<AuthenticateResult> Success(IEnumerable<Claim> claims) =>
        Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(claims, SchemeName)), SchemeName)));

    private static string? KeyOf(IHeaderDictionary headers) =>
        headers[HeaderNames.Authorization].ToString() is { } value && value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? value[Bearer.Length..].Trim()
        : headers[Header].ToString() is { Length: > 0 } key ? key
        : null;
}
