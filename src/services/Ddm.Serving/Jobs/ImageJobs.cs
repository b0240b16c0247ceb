using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>What is asked of jobs: submission, a look, the end.</summary>
internal sealed class ImageJobs(JobStore store, JobRunner runner, GenerationParser parser, KeyLimits limits, PictureFiles files, SignedLinks links)
{
    /// <summary>Characters of an Idempotency-Key.</summary>
    public const int LongestIdempotencyKey = 255;

    private const string Path = "/v1/images/jobs/";
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200); // another replica may draw it

    /// <summary>Takes a request in as a job.</summary>
    /// <param name="key">Whose.</param>
    /// <param name="text">The request's body.</param>
    /// <param name="again">The idempotency key; empty: none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<ImageJob> SubmitAsync(string key, string text, string again, CancellationToken cancellationToken)
    {
        if (again.Length > LongestIdempotencyKey)
        {
            throw GatewayException.Bad(ImagesEndpoint.IdempotencyKey, $"The Idempotency-Key has {again.Length} characters; at most {LongestIdempotencyKey} are read.");
        }

        var seed = ImagesEndpoint.RandomSeed();
        var (request, lease) = parser.Read(text, () => seed);
        lease.Dispose(); // who draws it takes the version that is current then
        if (request.Stream)
        {
            throw GatewayException.Bad("stream", $"A job has no stream: ask how it stands, or leave the Idempotency-Key out.");
        }

        limits.NotePictures(key, request.Order.Count);
        var job = await store.SubmitAsync(key, text, seed, again.Length == 0 ? null : again, cancellationToken);
        runner.Poke();
        return job;
    }

    /// <summary>Submits, waits for the end, and answers as a request without a job would.</summary>
    public async Task AnswerAsync(HttpContext context, string key, string text, string again)
    {
        var gone = context.RequestAborted;
        var job = await SubmitAsync(key, text, again, gone);
        while (!job.HasEnded)
        {
            await runner.WaitAsync(job.Id, LookEvery, gone);
            (job, _) = await store.RequireAsync(key, job.Id, gone);
        }

        if (job.Error is { } error)
        {
            await error.WriteAsync(context.Response, job.ErrorStatus);
            return;
        }

        var answer = await ResultAsync(context.Request, job, gone)
            ?? throw new GatewayException(StatusCodes.Status409Conflict, "This request's job was cancelled. Take a new Idempotency-Key to draw it.", null, "cancelled");
        ImagesEndpoint.Name(context.Response, answer.ServedBy, answer.Model, answer.ModelVersion);
        await context.Response.WriteAsJsonAsync(answer, GatewayApi.Json, gone);
    }

    /// <summary>How a job stands.</summary>
    public async Task<JobAnswer> DescribeAsync(HttpRequest request, ImageJob job, CancellationToken cancellationToken) => new(
        job.Id, job.State.ToString().ToLowerInvariant(), job.CreatedAt.ToUnixTimeSeconds(), job.StepsDone, job.Steps, Path + job.Id)
    {
        Position = job.State == JobState.Queued ? await PositionAsync(job.Id, cancellationToken) : null,
        ServedBy = job.Runner,
        FinishedAt = job.FinishedAt?.ToUnixTimeSeconds(),
        ExpiresAt = job.ExpiresAt?.ToUnixTimeSeconds(),
        Error = job.Error,
        Result = await ResultAsync(request, job, cancellationToken),
    };

    /// <summary>A job of one's own.</summary>
    public async Task<ImageJob> FindAsync(string key, string id, CancellationToken cancellationToken) => (await store.RequireAsync(key, id, cancellationToken)).Job;

    /// <summary>Takes a job back: it stops at the next step, wherever it is drawn.</summary>
    /// <exception cref="GatewayException">It is at its end already (409).</exception>
    public async Task<ImageJob> CancelAsync(string key, string id, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (job, etag) = await store.RequireAsync(key, id, cancellationToken);
            if (job.HasEnded)
            {
                return job.State == JobState.Cancelled ? job : throw new GatewayException(
                    StatusCodes.Status409Conflict, $"The job is {job.State.ToString().ToLowerInvariant()}: there is nothing to cancel.", "id", "job_ended");
            }

            var cancelled = store.End(job, JobState.Cancelled);
            if (await store.TryChangeAsync(cancelled, etag, cancellationToken) is not null)
            {
                runner.Cancel(id);
                return cancelled;
            }
        }
    }

    private async Task<int> PositionAsync(string id, CancellationToken cancellationToken)
        => (await store.QueueAsync(cancellationToken)).Count(other => string.CompareOrdinal(other, id) < 0);

    private async Task<ImagesAnswer?> ResultAsync(HttpRequest request, ImageJob job, CancellationToken cancellationToken)
    {
        if (job.Answer is not { } answer)
        {
            return null;
        }

        var data = new List<ImageData>();
        for (var i = 0; i < answer.Data.Count; i++)
        {
            var file = job.Files[i];
            data.Add(job.AsLinks
                ? answer.Data[i] with { Url = await links.MakeAsync(request, job.Id, file, cancellationToken) }
                : answer.Data[i] with { B64Json = Convert.ToBase64String(await files.ReadAsync(job.Id, file, cancellationToken) ?? throw SignedLinks.Gone()) });
        }

        return answer with { Data = data };
    }
}
