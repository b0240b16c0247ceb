using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Ddm.Services;

/// <summary>The blobs of the claim that a request names in its query: <c>run</c>, <c>role</c>, <c>worker</c>, <c>epoch</c>. Parts are written once, never over others.</summary>
internal sealed class ClaimLimits(OutsideLimits limits, IBlobStore blobs) : IBlobLimits
{
    /// <inheritdoc/>
    public async Task RequireAsync(HttpContext http, string name, bool write)
    {
        var query = http.Request.Query;
        var claim = new OutsideClaim(query["run"].ToString(), query["role"].ToString(), query["worker"].ToString(), QueryNumber.Read(http.Request, "epoch", 0, 0, int.MaxValue));
        await limits.RequireBlobAsync(KeyHolder.Of(http.User), claim, name, write, http.RequestAborted);
        if (write && !http.Request.Headers.ContainsKey(HeaderNames.IfNoneMatch))
        {
            throw new OutsideRefusedException($"'{Printable.Text(name)}' may be written where there is none alone: say 'If-None-Match: *'.");
        }

        if (blobs is ISignedBlobs { SignedContainer: not null })
        {
            throw new UserErrorException($"Blobs of this store do not go through the control plane: ask {OutsideEndpoints.Path}/blobs/sign for a signature.");
        }
    }
}
