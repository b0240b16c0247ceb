using System.Globalization;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary>A run's pictures: some of each cluster's images, and what the model drew with the same seeds at parts of the way.</summary>
internal static class PictureEndpoints
{
    private const string Png = "image/png";
    private const int WholeWay = 100;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder run)
    {
        run.MapGet("/pictures", ListAsync).WithName("listRunPictures").WithSummary("Which pictures of a run there are")
            .WithDescription("Clusters by number, with their rows and whether there is a sheet of some of their images; grids by how far the run had come, with the same seeds each time.")
            .Produces<RunPictures>();
        run.MapGet("/clusters/{k:int:min(0)}/contact-sheet.png", (string name, int k, IBlobStore blobs, CancellationToken token)
                => FileAsync(blobs, BlobNames.ClusterContactSheet(name, k), $"There is no sheet of cluster {k} of run '{name}' (yet): it is drawn when the clusters are frozen.", token))
            .WithName("getContactSheet").WithSummary("Some of a cluster's images").Produces(StatusCodes.Status200OK, contentType: Png);
        run.MapGet("/grids/{percent:int:range(0,100)}.png", (string name, int percent, IBlobStore blobs, CancellationToken token)
                => FileAsync(blobs, NameOf(name, percent), $"Run '{name}' drew nothing at {percent} percent. GET /runs/{name}/pictures lists what there is.", token))
            .WithName("getGrid").WithSummary("What the model drew at a part of the way").Produces(StatusCodes.Status200OK, contentType: Png);
    }

    private static async Task<IResult> ListAsync(string name, RunRepository runs, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(name, cancellationToken);
        var clusters = new List<ClusterPictures>();
        for (var k = 0; k < document.Spec.Partition.Experts; k++)
        {
            var manifest = await blobs.ReadJsonAsync<ClusterManifest>(BlobNames.ClusterManifest(name, k), cancellationToken);
            var sheet = await blobs.ExistsAsync(BlobNames.ClusterContactSheet(name, k), cancellationToken);
            clusters.Add(new ClusterPictures(k, manifest?.Value.Rows, sheet ? $"/runs/{name}/clusters/{k}/contact-sheet.png" : null));
        }

        return TypedResults.Json(new RunPictures(clusters, await GridsAsync(name, blobs, cancellationToken)), ControlPlaneApi.Json);
    }

    private static async Task<IReadOnlyList<GridPicture>> GridsAsync(string run, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var grids = new SortedDictionary<int, GridPicture>();
        await foreach (var blob in blobs.ListAsync(BlobNames.Grids(run), cancellationToken))
        {
            var file = blob.Name[BlobNames.Grids(run).Length..];
            if (int.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && NameOf(run, percent) == blob.Name)
            {
                grids[percent] = Grid(run, percent, blob.LastModified);
            }
        }

        await foreach (var blob in blobs.ListAsync(NameOf(run, WholeWay), cancellationToken))
        {
            grids[WholeWay] = Grid(run, WholeWay, blob.LastModified);
        }

        return [.. grids.Values];
    }

    private static GridPicture Grid(string run, int percent, DateTimeOffset at)
        => new(percent, at, FormattableString.Invariant($"/runs/{run}/grids/{percent}.png"));

    // At the end of the way the evaluation draws.
    private static string NameOf(string run, int percent) => percent == WholeWay ? BlobNames.SampleGrid(run) : BlobNames.Grid(run, percent);

    private static async Task<IResult> FileAsync(IBlobStore blobs, string name, string missing, CancellationToken cancellationToken)
        => await blobs.ReadAsync(name, cancellationToken) is { } content
            ? TypedResults.File(content.Bytes, Png)
            : TypedResults.Problem(missing, statusCode: StatusCodes.Status404NotFound);
}

/// <summary>Which pictures of a run there are.</summary>
/// <param name="Clusters">By number.</param>
/// <param name="Grids">By how far the run had come.</param>
public sealed record RunPictures(IReadOnlyList<ClusterPictures> Clusters, IReadOnlyList<GridPicture> Grids);

/// <summary>A cluster as it can be seen.</summary>
/// <param name="Cluster">Its number, its expert's too.</param>
/// <param name="Rows">Training rows; null: it is not frozen yet.</param>
/// <param name="Sheet">Where some of its images are; null: nowhere yet.</param>
public sealed record ClusterPictures(int Cluster, long? Rows, string? Sheet);

/// <summary>What a run's model drew at a part of the way.</summary>
/// <param name="Percent">How far its roles had come together.</param>
/// <param name="At">When.</param>
/// <param name="Url">Where it is.</param>
public sealed record GridPicture(int Percent, DateTimeOffset At, string Url);
