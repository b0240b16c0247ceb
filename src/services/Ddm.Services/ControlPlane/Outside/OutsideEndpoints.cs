using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary>What workers outside may ask: <c>/workers</c>, for their keys alone.</summary>
internal static class OutsideEndpoints
{
    /// <summary>Where they are.</summary>
    public const string Path = "/workers";

    private const int MostBytes = 64 * 1024;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30), SignatureLife = TimeSpan.FromMinutes(15);

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var workers = endpoints.MapGroup(Path).RequireAuthorization(ApiKeyHandler.WorkerPolicy).WithTags("workers")
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .AddEndpointFilter<KeylessFilter>();
        workers.MapGet("/", Welcome).WithName("welcomeWorker").WithSummary("What this worker's key opens, and where the store is");
        workers.MapGet("/clock", async (IBlobStore blobs, CancellationToken token) => Answer(new ClockAnswer(await blobs.ReadClockAsync(token))))
            .WithName("readClock").WithSummary("The store's clock");
        workers.MapGet("/pools/{pool}", CountAsync).WithName("countSlices").WithSummary("How many slices wait in a pool");
        Post<TakeBody>(workers, "/slices/take", "takeSlice", "The next slice of a pool; waits for one, 204 where none comes", TakeAsync);
        Post<SliceBody>(workers, "/slices", "sendSlice", "Sends a role's next slice, or gives one back", (http, desk, holder, body) => Done(desk.SendAsync(holder, body, http.RequestAborted)));
        Post<AdvancedBody>(workers, "/advanced", "tellAdvanced", "Says that a role is to be looked at", (http, desk, holder, body) => Done(desk.AdvancedAsync(holder, body, http.RequestAborted)));
        Post<ClaimBody>(workers, "/claims", "claimRole", "Claims a role", async (http, desk, holder, body) => Answer(await desk.ClaimAsync(holder, body, http.RequestAborted)));
        Post<OutsideClaim>(workers, "/claims/renew", "renewClaim", "Says that a claim's worker lives", async (http, desk, holder, body) => Answer(new HeldAnswer(await desk.RenewAsync(holder, body, http.RequestAborted))));
        Post<ReleaseBody>(workers, "/claims/release", "releaseClaim", "Gives a role back", (http, desk, holder, body) => Done(desk.ReleaseAsync(holder, body, http.RequestAborted)));
        Post<ForgiveBody>(workers, "/claims/forgive", "forgiveClaim", "Says that a claim ends without a commit for no fault of its role", (http, desk, holder, body) => Done(desk.ForgiveAsync(holder, body, http.RequestAborted)));
        Post<CommitBody>(workers, "/claims/commit", "commitCheckpoint", "Verifies parts that are written, and moves the head", async (http, desk, holder, body) => Answer(await desk.CommitAsync(holder, body, http.RequestAborted)))
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        Post<SweepBody>(workers, "/claims/sweep", "sweepRole", "Deletes what the role's head needs no more", (http, desk, holder, body) => Done(desk.SweepAsync(holder, body, http.RequestAborted)));
        Post<FailureBody>(workers, "/claims/fail", "failRole", "Says that a role cannot go on", (http, desk, holder, body) => Done(desk.FailAsync(holder, body, http.RequestAborted)));
        Post<EventBody>(workers, "/events", "tellEvent", "Tells of something that happened", (http, desk, holder, body) => Done(desk.TellAsync(holder, body, http.RequestAborted)));
        Post<WorkerRecord>(workers, "/presence", "notePresence", "Says that a worker lives, and what it is at", async (http, desk, holder, body) => Answer(new PresenceAnswer(await desk.NoteAsync(holder, body, http.RequestAborted))));
        workers.MapDelete("/presence", async (string worker, HttpContext http, OutsideDesk desk) =>
        {
            await desk.ForgetAsync(KeyHolder.Of(http.User), worker, http.RequestAborted);
            return Results.NoContent();
        }).WithName("forgetPresence").WithSummary("Says that a worker has ended");
        Post<SignBody>(workers, "/blobs/sign", "signBlob", "Opens one blob of the store for a while", SignAsync);
        StreamEndpoints.Map(workers);
    }

    private static RouteHandlerBuilder Post<T>(
        IEndpointRouteBuilder workers, string path, string name, string summary, Func<HttpContext, OutsideDesk, KeyHolder, T, Task<IResult>> act)
        where T : class => workers.MapPost(path, async (HttpContext http, OutsideDesk desk) =>
        {
            if (RequestBody.KindOf(http.Request, RequestBody.Json) is null)
            {
                return TypedResults.Problem("Send the body as application/json.", statusCode: StatusCodes.Status415UnsupportedMediaType);
            }

            try
            {
                return await act(http, desk, KeyHolder.Of(http.User), await ReadAsync<T>(http));
            }
            catch (InvalidDataException e) when (path == "/claims/commit")
            {
                return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status422UnprocessableEntity);
            }
        }).WithName(name).WithSummary(summary).Accepts<T>(RequestBody.Json).WithMetadata(new RequestSizeLimitAttribute(MostBytes))
            .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<T> ReadAsync<T>(HttpContext http)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(await RequestBody.ReadTextAsync(http.Request, http.RequestAborted), ControlPlaneApi.Json)
                ?? throw new UserErrorException($"The body is null; expected the JSON of a {typeof(T).Name}.");
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"The body is not the JSON of a {typeof(T).Name}: {Printable.Text(e.Message, 400)}", e);
        }
    }

    private static JsonHttpResult<OutsideWelcome> Welcome(HttpContext http, IBlobStore blobs, WorkerSettings settings)
    {
        var holder = KeyHolder.Of(http.User);
        var container = blobs is ISignedBlobs signed ? signed.SignedContainer ?? throw new UserErrorException(
            "This control plane reaches its store by a signature, which can give no others: workers outside need it to have the account's connection string or an identity.") : null;
        return Answer(new OutsideWelcome(holder.Name, holder.Pool, container, settings.OwnerTimeout.TotalSeconds));
    }

    private static async Task<IResult> CountAsync(string pool, HttpContext http, IQueueDepth queue)
    {
        OutsideLimits.RequirePool(KeyHolder.Of(http.User), pool);
        return Answer(new QueueAnswer(await queue.CountAsync(pool, http.RequestAborted)));
    }

    private static async Task<IResult> TakeAsync(HttpContext http, OutsideDesk desk, KeyHolder holder, TakeBody body)
    {
        OutsideLimits.RequireOwn(holder, body.Worker);
        OutsideLimits.RequirePool(holder, body.Pool);
        if (http.RequestServices.GetService(typeof(ISliceSource)) is not ISliceSource source)
        {
            return TypedResults.Problem("This control plane has no broker to take slices from.", statusCode: StatusCodes.Status503ServiceUnavailable);
        }

        var wait = TimeSpan.FromSeconds(Math.Clamp(double.IsFinite(body.WaitSeconds) ? body.WaitSeconds : 0, 0, LongestWait.TotalSeconds));
        var stop = Service<StopSignal>(http).Token;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stop);
        try
        {
            if (await source.TakeAsync(body.Pool, wait, either.Token) is { } slice)
            {
                desk.Offer(holder, slice);
                return Answer(slice);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // the worker asks whoever comes next
        }

        return TypedResults.NoContent();
    }

    private static async Task<IResult> SignAsync(HttpContext http, OutsideDesk desk, KeyHolder holder, SignBody body)
    {
        var (limits, blobs) = (Service<OutsideLimits>(http), Service<IBlobStore>(http));
        await limits.RequireBlobAsync(holder, body.Claim, body.Name, body.Write, http.RequestAborted);
        return blobs is ISignedBlobs { SignedContainer: not null } signed
            ? Answer(new SignAnswer(await signed.SignAsync(body.Name, body.Write, SignatureLife, http.RequestAborted), SignatureLife.TotalSeconds))
            : TypedResults.Problem($"This store signs nothing: read and write {Path}/blobs/NAME.", statusCode: StatusCodes.Status409Conflict);
    }

    private static T Service<T>(HttpContext http) => (T)http.RequestServices.GetService(typeof(T))!;

    private static JsonHttpResult<T> Answer<T>(T answer) => TypedResults.Json(answer, ControlPlaneApi.Json);

    private static async Task<IResult> Done(Task work)
    {
        await work;
        return TypedResults.NoContent();
    }
}
