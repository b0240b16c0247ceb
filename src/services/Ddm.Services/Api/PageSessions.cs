using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Http;

namespace Ddm.Services;

/// <summary>
/// Sessions of pages: a key is traded for a cookie that says whose it is and until when, signed with a secret of the store. Nothing is kept of them here, so that any replica
/// knows them; a key that leaves the ring takes its sessions along.
/// </summary>
internal sealed class PageSessions(IBlobStore blobs, ApiSettings settings, TimeProvider time)
{
    /// <summary>How long one lasts.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromHours(12);

    private readonly StoredSecret secret = new(blobs, BlobNames.SessionSecret);

    /// <summary>Name of the cookie. Cookies know no ports: two programs of one machine must not take each other's away.</summary>
    public static string CookieOf(HttpRequest request)
        => request.Host.Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"ddm-session-{port}") : "ddm-session";

    /// <summary>Begins one.</summary>
    /// <param name="key">A key of the ring.</param>
    /// <param name="cancellationToken">Ends the wait for the store.</param>
    /// <returns>The cookie's value.</returns>
    public async Task<string> BeginAsync(ApiKey key, CancellationToken cancellationToken)
    {
        var until = (time.GetUtcNow() + Lasts).ToUnixTimeSeconds();
        return $"{Claim(key.Id, until)}.{await SignAsync(key.Id, until, settings.Keys.FindId(key.Id)!.Value.Hash, cancellationToken)}";
    }

    /// <summary>Whose session a request comes with; null: none, or none that holds.</summary>
    public async Task<ApiKey?> FindAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.Cookies[CookieOf(request)]?.Split('.') is not [var id, var end, var signature]
            || !long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var until)
            || time.GetUtcNow().ToUnixTimeSeconds() >= until
            || settings.Keys.FindId(id) is not { } known)
        {
            return null;
        }

        var right = await SignAsync(id, until, known.Hash, cancellationToken);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(right), Encoding.UTF8.GetBytes(signature)) ? known.Key : null;
    }

    private static string Claim(string id, long until) => string.Create(CultureInfo.InvariantCulture, $"{id}.{until}");

    // Over the key's whole hash: an id is its first digits alone.
    private async Task<string> SignAsync(string id, long until, byte[] hash, CancellationToken cancellationToken)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(Claim(id, until)), 0, .. hash];
        return Convert.ToHexStringLower(HMACSHA256.HashData(await secret.ReadAsync(cancellationToken), signed));
    }
}
