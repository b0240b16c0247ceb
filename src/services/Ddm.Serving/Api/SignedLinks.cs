using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>Links to pictures that open without a key until they expire. The secret they are signed with lies in the store, so that any replica opens them.</summary>
internal sealed class SignedLinks(IBlobStore blobs, ServingSettings settings, TimeProvider time)
{
    /// <summary>Where pictures are fetched.</summary>
    public const string Path = "/v1/images/files";

    private readonly StoredSecret secret = new(blobs, BlobNames.ImageSecret);

    /// <summary>A link to a kept file.</summary>
    public async Task<string> MakeAsync(HttpRequest request, string id, string file, CancellationToken cancellationToken)
    {
        var start = settings.PublicUrl is { } own ? own.AbsoluteUri.TrimEnd('/') : $"{request.Scheme}://{request.Host}";
        var expires = time.GetUtcNow().Add(settings.KeepJobs).ToUnixTimeSeconds();
        var signature = Sign(await secret.ReadAsync(cancellationToken), id, file, expires);
        return string.Create(CultureInfo.InvariantCulture, $"{start}{Path}/{id}/{file}?expires={expires}&signature={signature}");
    }

    /// <summary>Whether a link is one of ours and still holds.</summary>
    /// <exception cref="GatewayException">It is not (403), or no longer (410).</exception>
    public async Task RequireAsync(string id, string file, string? expires, string? signature, CancellationToken cancellationToken)
    {
        var until = long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 0;
        var right = Encoding.ASCII.GetBytes(Sign(await secret.ReadAsync(cancellationToken), id, file, until));
        if (!CryptographicOperations.FixedTimeEquals(right, Encoding.UTF8.GetBytes(signature ?? "")))
        {
            throw new GatewayException(StatusCodes.Status403Forbidden, "This link was not made here, or was changed. Take it as it was answered.", "signature", "bad_signature");
        }

        if (time.GetUtcNow().ToUnixTimeSeconds() > until)
        {
            throw Gone();
        }
    }

    /// <summary>What was here is here no longer.</summary>
    public static GatewayException Gone() => new(StatusCodes.Status410Gone, "This has expired. Draw the picture again: the same seed and settings give the same one.", null, "expired");

    private static string Sign(byte[] secret, string id, string file, long expires)
        => Convert.ToHexStringLower(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}/{file}\n{expires}"))));
}
