using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Serving;

/// <summary><c>GET /v1/images/files/{id}/{file}</c>: what signed links lead to. The signature is the key.</summary>
internal static class FilesEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder endpoints) => endpoints.MapGet(SignedLinks.Path + "/{id}/{file}", AnswerAsync)
        .WithName("getImageFile")
        .WithSummary("The file that a link leads to")
        .WithDescription("The signature is the key: no other is needed.")
        .Produces<Stream>(StatusCodes.Status200OK, "image/png", "image/jpeg", "image/webp")
        .Refuses(StatusCodes.Status403Forbidden, StatusCodes.Status410Gone);

    private static async Task<IResult> AnswerAsync(
        string id, string file, string? expires, string? signature, SignedLinks links, PictureFiles files, CancellationToken cancellationToken)
    {
        await links.RequireAsync(id, file, expires, signature, cancellationToken);
        return await files.ReadAsync(id, file, cancellationToken) is { } bytes
            ? TypedResults.File(bytes, "image/" + Path.GetExtension(file).TrimStart('.'))
            : throw SignedLinks.Gone();
    }
}
