using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary>What can be done to one run. Every answer tells how it stands afterwards; what cannot be done now is a conflict, 409.</summary>
internal static class ControlEndpoints
{
    private const int MostBytes = 4 * 1024;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder run)
    {
        Act(run, "cancel", "End a run; what was committed stays, and a retry takes it up again", (control, name, token) => control.CancelAsync(name, token));
        Act(run, "pause", "Hold a run until it is resumed", (control, name, token) => control.PauseAsync(name, token));
        Act(run, "resume", "Let a held run go on", (control, name, token) => control.ResumeAsync(name, token));
        Act(run, "retry", "Take a failed or cancelled run up again", (control, name, token) => control.RetryAsync(name, token));

        // A role is experts/3 or router: two segments or one.
        foreach (var (pattern, id) in new[] { ("experts/{k:regex(^[0-9]{{1,9}}$)}", "Expert"), ("{role:regex(^(router|student)$)}", "Role") })
        {
            Describe(run.MapPost($"/roles/{pattern}/move", MoveAsync), $"move{id}", "Move a role to another pool").Accepts<MoveBody>(RequestBody.Json);
            Describe(run.MapPost($"/roles/{pattern}/redrive", RedriveAsync), $"redrive{id}", "Take a quarantined role up again");
        }
    }

    private static void Act(IEndpointRouteBuilder run, string verb, string summary, Func<IRunControl, string, CancellationToken, Task<RunDocument>> act)
        => Describe(
            run.MapPost("/" + verb, (string name, [FromServices] IRunControl control, RunInspector inspector, CancellationToken token) => AnswerAsync(() => act(control, name, token), inspector, token)),
            verb + "Run",
            summary);

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name).WithSummary(summary).WithMetadata(new RequestSizeLimitAttribute(MostBytes)).Produces<RunFacts>().ProducesProblem(StatusCodes.Status409Conflict);

    private static async Task<IResult> MoveAsync(
        string name, HttpRequest request, [FromServices] IRunControl control, RunInspector inspector, CancellationToken cancellationToken)
    {
        if (RequestBody.KindOf(request, RequestBody.Json) is null)
        {
            return TypedResults.Problem("Send {\"pool\": ...} as application/json.", statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        var body = RequestBody.Parse<MoveBody>(await RequestBody.ReadTextAsync(request, cancellationToken), "{\"pool\": ...}");
        PoolName.Require(body.Pool);
        return await AnswerAsync(request, role => control.MoveAsync(name, role, body.Pool, cancellationToken), inspector, cancellationToken);
    }

    private static Task<IResult> RedriveAsync(
        string name, HttpRequest request, [FromServices] IRunControl control, RunInspector inspector, CancellationToken cancellationToken)
        => AnswerAsync(request, role => control.RedriveAsync(name, role, cancellationToken), inspector, cancellationToken);

    // The route lets through nothing but numbers and names of roles; a number too large for one is a role that the run has not.
    private static async Task<IResult> AnswerAsync(
        HttpRequest request, Func<Role, Task<RunDocument>> act, RunInspector inspector, CancellationToken cancellationToken)
    {
        var document = KnownRunFilter.Found(request.HttpContext);
        var path = request.RouteValues["k"] is string k ? $"experts/{k}" : (string)request.RouteValues["role"]!;
        Role role;
        try
        {
            role = Role.Parse(path);
        }
        catch (FormatException e)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status404NotFound);
        }

        return RunControl.FindFault(document, role) is { } fault
            ? TypedResults.Problem(fault, statusCode: StatusCodes.Status404NotFound)
            : await AnswerAsync(() => act(role), inspector, cancellationToken);
    }

    private static async Task<IResult> AnswerAsync(Func<Task<RunDocument>> act, RunInspector inspector, CancellationToken cancellationToken)
    {
        RunDocument document;
        try
        {
            document = await act();
        }
        catch (Exception e) when (e is UserErrorException { MayPass: false } or CheckpointException)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status409Conflict);
        }

        return TypedResults.Json(await inspector.InspectAsync(document, cancellationToken), ControlPlaneApi.Json);
    }
}

/// <summary>The JSON body of a move.</summary>
/// <param name="Pool">The pool's name.</param>
internal sealed record MoveBody(string Pool);
