using System.Text.Json.Nodes;
using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Serving;

/// <summary><c>GET /v1/models/{name}/card</c>: what a model is made of, and how its router was measured.</summary>
internal static class CardEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder models) => models.MapGet("/{name}/card", AnswerAsync)
        .WithName("retrieveModelCard")
        .WithSummary("What a model is made of")
        .WithDescription("Its experts and who holds them, rows by class, networks, routing and why, and how its router was measured.")
        .Produces<JsonObject>()
        .Refuses(StatusCodes.Status404NotFound);

    private static async Task<IResult> AnswerAsync(string name, ModelShelf shelf, ExpertFleet fleet, RunRepository runs, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var model = shelf.Models.FirstOrDefault(model => model.Manifest.Name == name)
            ?? throw new GatewayException(StatusCodes.Status404NotFound, $"There is no model '{Printable.Text(name)}'.", "model", "model_not_found");
        var manifest = model.Manifest;
        return TypedResults.Json(
            new
            {
                id = manifest.Name,
                version = manifest.Version,
                sha256 = model.Sha256,
                published_at = manifest.PublishedAt,
                image_size = manifest.ImageSize,
                channels = manifest.Channels,
                latent = manifest.Latent is { } latent ? new { latent.Channels, latent.Size } : null,
                classes = manifest.ClassNames,
                partial = model.Loaded.Partial,
                notices = model.Loaded.Notices,
                routing = new { strategy = manifest.Routing, reason = manifest.RoutingReason },
                sampling = new { manifest.Sampling.Steps, manifest.Sampling.Guidance, solver = manifest.Sampling.Solver.ToString().ToLowerInvariant(), manifest.Sampling.Shift },
                experts = manifest.Experts.Select((role, k) => Describe(manifest, role, manifest.Expert, k < manifest.ClusterRows.Count ? manifest.ClusterRows[k] : [], Hosts(fleet, role, k))).ToArray(),
                router = manifest.Router.Weights is null ? null : Describe(manifest, manifest.Router, manifest.RouterNetwork, [], null),
                router_measured = await MeasuredAsync(manifest, runs, blobs, cancellationToken),
            },
            GatewayApi.Json);
    }

    private static object Describe(ModelManifest manifest, PublishedRole role, NetworkSpec? network, IReadOnlyList<long> rows, IReadOnlyList<string>? hosts)
    {
        var shape = role.Weights is null ? null : ModelLoader.Shape(manifest, role, network);
        return new
        {
            role.Role,
            role.Step,
            role.TargetSteps,
            role.Sha256,
            rows = rows.Count == 0 ? (long?)null : rows.Sum(),
            class_rows = rows.Count > 1 ? rows : null,
            hosts,
            network = shape is null ? null : new { shape.Hidden, shape.Depth, shape.Heads, shape.Patch },
        };
    }

    // Null: it is in the gateway's own memory. Empty: no host that is there holds it.
    private static string[]? Hosts(ExpertFleet fleet, PublishedRole role, int k)
        => role.Sha256 is null || fleet.Place(k, role) is null ? null : [.. fleet.Links.Where(link => link.Holds(role.Sha256)).Select(link => link.Address.ToString())];

    // The run's own evaluation, where its run is still there and is of this version.
    private static async Task<object?> MeasuredAsync(ModelManifest manifest, RunRepository runs, IBlobStore blobs, CancellationToken cancellationToken)
    {
        RouterReport? report;
        try
        {
            report = await runs.FindAsync(manifest.Name, cancellationToken) is { Value: { } run } && run.ModelVersion == manifest.Version
                ? (await blobs.ReadJsonAsync<EvaluationSummary>(BlobNames.EvaluationManifest(manifest.Name), cancellationToken))?.Value.Router
                : null;
        }
        catch (Exception e) when (e is InvalidDataException or UserErrorException { MayPass: false })
        {
            report = null; // the model draws without it
        }

        return report is null ? null : new
        {
            report.Rows,
            report.LargestShare,
            bins = report.Bins.Select(bin => new { bin.From, bin.To, bin.Accuracy, bin.CrossEntropy, bin.Entropy, bin.CalibrationError }).ToArray(),
        };
    }
}
