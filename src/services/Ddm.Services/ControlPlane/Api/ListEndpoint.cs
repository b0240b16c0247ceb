using Ddm.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary><c>GET /runs</c>.</summary>
internal static class ListEndpoint
{
    private const int Usual = 20;
    private const int Most = 100;

    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder runs) => runs.MapGet("/", ListAsync)
        .WithName("listRuns")
        .WithSummary("List runs")
        .WithDescription($"Runs by name, a page at a time: 'limit' (1 to {Most}, {Usual} unless given) of those whose name comes after 'after'. 'next' is the 'after' of the next page, null on the last.")
        .Produces<RunPage>()
        .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<IResult> ListAsync(HttpRequest request, RunRepository runs, RunInspector inspector, string? after, CancellationToken cancellationToken)
    {
        var limit = QueryNumber.Read(request, "limit", Usual, 1, Most);
        if (after is { Length: > 0 })
        {
            RunName.Require(after);
        }

        var names = await runs.NamesAsync(after ?? "", limit + 1, cancellationToken);
        var (page, damaged) = (new List<RunFacts>(), new List<DamagedRun>());
        foreach (var name in names.Take(limit))
        {
            try
            {
                page.Add(await inspector.InspectAsync(name, cancellationToken));
            }
            catch (Exception e) when (Faults.IsFinal(e))
            {
                damaged.Add(new DamagedRun(name, e.Message)); // the others can be seen all the same
            }
        }

        return TypedResults.Json(new RunPage(page, damaged, names.Count > limit ? names[limit - 1] : null), ControlPlaneApi.Json);
    }
}

/// <summary>Some of the runs.</summary>
/// <param name="Runs">By name.</param>
/// <param name="Damaged">Those of them that cannot be read.</param>
/// <param name="Next">What the next page comes after; null: there is none.</param>
public sealed record RunPage(IReadOnlyList<RunFacts> Runs, IReadOnlyList<DamagedRun> Damaged, string? Next);

/// <summary>A run that cannot be read.</summary>
/// <param name="Run">Its name.</param>
/// <param name="Reason">Names the blob and the remedy.</param>
public sealed record DamagedRun(string Run, string Reason);
