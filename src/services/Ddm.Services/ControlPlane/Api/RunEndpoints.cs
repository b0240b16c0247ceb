using System.Runtime.CompilerServices;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary>What can be read of one run, its events apart.</summary>
internal static class RunEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder run)
    {
        run.MapGet("/", FactsAsync).WithName("getRun").WithSummary("How a run stands")
            .WithDescription("Status, stage, every role's step, loss, rate, worker and pool, and the pools with their workers and what waits in each, from the blobs.").Produces<RunFacts>();
        run.MapGet("/document", DocumentAsync).WithName("getRunDocument").WithSummary("What is decided about a run")
            .WithDescription("The spec as it was submitted and with its defaults, numerics classes, and what was decided about each role.")
            .Produces(StatusCodes.Status200OK, contentType: "application/json");
        run.MapGet("/logs", LogsAsync).WithName("getRunLogs").WithSummary("A run's events as text, a line each, oldest first")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");
        run.MapGet("/metrics", MetricsAsync).WithName("getRunMetrics").WithSummary("Every step of every role")
            .WithDescription("'role' (experts/0, router) asks for one role alone, 'after' leaves out steps up to that one.").Produces<IReadOnlyList<RoleCurve>>();
    }

    private static async Task<IResult> FactsAsync(string name, PoolInspector inspector, CancellationToken cancellationToken)
        => TypedResults.Json(await inspector.InspectAsync(name, cancellationToken), ControlPlaneApi.Json);

    private static async Task<IResult> DocumentAsync(string name, RunRepository runs, CancellationToken cancellationToken)
        => TypedResults.Json(await runs.GetAsync(name, cancellationToken), ControlPlaneApi.Json);

    private static async Task<IResult> LogsAsync(string name, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        foreach (var e in await RunEvents.ReadAsync(blobs, name, cancellationToken))
        {
            text.Append(e.ToLine(TimeZoneInfo.Utc)).Append('\n');
        }

        return TypedResults.Text(text.ToString(), "text/plain", Encoding.UTF8);
    }

    private static async Task<IResult> MetricsAsync(
        string name, HttpRequest request, RunRepository runs, IBlobStore blobs, CheckpointStore checkpoints, string? role, CancellationToken cancellationToken)
    {
        var after = QueryNumber.Read(request, "after", 0, 0, int.MaxValue);
        var roles = (await runs.GetAsync(name, cancellationToken)).Roles.Select(decision => decision.Role);
        var asked = role is not { Length: > 0 } ? [.. roles] : roles.Where(known => known == role).ToArray();
        return asked.Length == 0 && role is not null
            ? TypedResults.Problem($"Run '{name}' has no role '{Printable.Text(role)}'; its roles are experts/0, experts/1, ... and router.", statusCode: StatusCodes.Status404NotFound)
            : TypedResults.Json(CurvesAsync(name, asked, after, blobs, checkpoints, cancellationToken), ControlPlaneApi.Json);
    }

    // A role at a time: a run of many long roles does not fit in memory at once.
    private static async IAsyncEnumerable<RoleCurve> CurvesAsync(
        string run, string[] roles, int after, IBlobStore blobs, CheckpointStore checkpoints, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var role in roles)
        {
            var damaged = new List<string>();
            var steps = await RunMetrics.HistoryAsync(blobs, checkpoints, run, Role.Parse(role), damaged, cancellationToken);
            yield return new RoleCurve(role, [.. steps.Where(step => step.Step > after)], damaged);
        }
    }
}

/// <summary>What a role's steps reported.</summary>
/// <param name="Role">experts/K or router.</param>
/// <param name="Steps">Oldest first.</param>
/// <param name="Damaged">What is left out because it is missing or damaged, a sentence each.</param>
public sealed record RoleCurve(string Role, IReadOnlyList<StepMetrics> Steps, IReadOnlyList<string> Damaged);
