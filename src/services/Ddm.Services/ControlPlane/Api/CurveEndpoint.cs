using Ddm.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary><c>GET /runs/{name}/curve</c>: a role's losses, thinned to what a picture can show.</summary>
internal static class CurveEndpoint
{
    private const int Usual = 240;
    private const int Most = 2000;

    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder run) => run.MapGet("/curve", CurveAsync)
        .WithName("getRunCurve")
        .WithSummary("A role's losses, thinned")
        .WithDescription($"Of 'role' (experts/0, router): the mean loss of equal spans of steps, at most 'points' ({Usual}; up to {Most}) of them, and every held-out loss. Each is [step, loss].")
        .Produces<LossCurve>();

    private static async Task<IResult> CurveAsync(string name, HttpRequest request, RunRepository runs, RunCurves curves, string? role, CancellationToken cancellationToken)
    {
        var points = QueryNumber.Read(request, "points", Usual, 2, Most);
        var known = (await runs.GetAsync(name, cancellationToken)).Roles.Select(decision => decision.Role).FirstOrDefault(known => known == role);
        return known is null
            ? TypedResults.Problem($"Run '{name}' has no role '{Printable.Text(role ?? "")}'; its roles are experts/0, experts/1, ... and router.", statusCode: StatusCodes.Status404NotFound)
            : TypedResults.Json(await curves.ReadAsync(name, Role.Parse(known), points, cancellationToken), ControlPlaneApi.Json);
    }
}
