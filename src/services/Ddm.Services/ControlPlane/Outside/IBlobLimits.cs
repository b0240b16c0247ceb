using Microsoft.AspNetCore.Http;

namespace Ddm.Services;

/// <summary>Which blobs a request may be about.</summary>
internal interface IBlobLimits
{
    /// <summary>Lets the request at the blob, or refuses.</summary>
    /// <exception cref="OutsideRefusedException">It may not.</exception>
    Task RequireAsync(HttpContext http, string name, bool write);
}
