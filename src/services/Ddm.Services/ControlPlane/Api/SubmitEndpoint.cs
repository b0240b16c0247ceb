using Ddm.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary><c>POST /runs</c>.</summary>
internal static class SubmitEndpoint
{
    /// <summary>A spec has 24 KB at most; quoted as a JSON text it can take six times as much.</summary>
    public const int MostBytes = 256 * 1024;

    private static readonly string[] Yaml = ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"];

    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder runs) => runs.MapPost("/", SubmitAsync)
        .WithName("submitRun")
        .WithSummary("Submit a run")
        .WithDescription("Creates the run of a spec. By name it is idempotent: the same spec again answers 200 with the run as it stands, another spec of that name 409 with the differences.")
        .Accepts<SubmitBody>(RequestBody.Json, Yaml)
        .WithMetadata(new RequestSizeLimitAttribute(MostBytes))
        .Produces<RunFacts>(StatusCodes.Status201Created)
        .Produces<RunFacts>()
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status415UnsupportedMediaType);

    private static async Task<IResult> SubmitAsync(HttpRequest request, RunIntake intake, RunInspector inspector, CancellationToken cancellationToken)
    {
        if (RequestBody.KindOf(request, [RequestBody.Json, .. Yaml]) is not { } kind)
        {
            return TypedResults.StatusCode(StatusCodes.Status415UnsupportedMediaType);
        }

        var text = await RequestBody.ReadTextAsync(request, cancellationToken);
        var body = kind == RequestBody.Json ? RequestBody.Parse<SubmitBody>(text, "{\"spec\": ..., \"root\": ...}") : null;
        var root = body is null ? request.Query["root"].ToString() : body.Root;
        return await intake.TakeAsync(body?.Text() ?? text, string.IsNullOrEmpty(root) ? null : root, cancellationToken) switch
        {
            IntakeOutcome.Created { Document: var document } => TypedResults.Json(
                await CreatedAsync(request, document, inspector, cancellationToken), ControlPlaneApi.Json, statusCode: StatusCodes.Status201Created),
            IntakeOutcome.Existing { Document: var document } => TypedResults.Json(await inspector.InspectAsync(document.Name, cancellationToken), ControlPlaneApi.Json),
            IntakeOutcome.Taken taken => Conflict(taken),
            IntakeOutcome.Mistaken { Mistakes: var mistakes } => Mistaken(mistakes),
            IntakeOutcome.Refused { Reason: var reason } => TypedResults.Problem(reason, statusCode: StatusCodes.Status400BadRequest),
            var other => throw new InvalidOperationException($"{other.GetType().Name} has no answer."),
        };
    }

    private static async Task<RunFacts> CreatedAsync(HttpRequest request, RunDocument document, RunInspector inspector, CancellationToken cancellationToken)
    {
        request.HttpContext.Response.Headers.Location = $"/runs/{document.Name}";
        return await inspector.InspectAsync(document.Name, cancellationToken);
    }

    private static ProblemHttpResult Conflict(IntakeOutcome.Taken taken) => TypedResults.Problem(
        taken.Differences.Count == 0
            ? $"Run '{taken.Run}' is half removed. Finish with 'ddm rm {taken.Run}', then submit it anew."
            : $"Run '{taken.Run}' exists with another spec, and a run's spec never changes. Give the new spec another 'name:', or undo the change to go on with this run.",
        statusCode: StatusCodes.Status409Conflict,
        title: "A run of this name exists",
        extensions: new Dictionary<string, object?> { ["differences"] = taken.Differences });

    private static ProblemHttpResult Mistaken(IReadOnlyList<SpecNote> mistakes) => TypedResults.Problem(
        SpecNote.Lines(mistakes, RunIntake.TextName),
        statusCode: StatusCodes.Status400BadRequest,
        title: "The spec has mistakes",
        extensions: new Dictionary<string, object?> { ["errors"] = mistakes.Select(note => new { note.Line, note.Column, note.Path, note.Text }) });
}
