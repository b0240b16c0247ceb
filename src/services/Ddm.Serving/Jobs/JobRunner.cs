using System.Collections.Concurrent;
using Ddm.Services;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>Draws the jobs of the store, a few at once, first come first. A job that runs is touched now and then; one whose replica has fallen silent is taken over.</summary>
internal sealed class JobRunner(JobStore store, JobSweep sweep, GenerationParser parser, Generation generation, ServingSettings settings, WorkerIdentity self, TimeProvider time, ILogger<JobRunner> log)
    : BackgroundService
{
    private const int MostAttempts = 3;
    private const int BeatsOfALease = 3;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, RunningJob> running = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim poked = new(0);

    /// <summary>There may be something new.</summary>
    public void Poke() => poked.Release();

    /// <summary>Stops a job that is drawn here.</summary>
    public void Cancel(string id)
    {
        if (running.TryGetValue(id, out var job))
        {
            job.Cancel();
        }
    }

    /// <summary>Waits until a job that is drawn here has ended, or for so long.</summary>
    public async Task WaitAsync(string id, TimeSpan most, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pause = Task.Delay(most, time, patience.Token);
        await Task.WhenAny(running.TryGetValue(id, out var job) ? job.Ended : Task.Delay(Timeout.Infinite, patience.Token), pause);
        await patience.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        poked.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var swept = time.GetTimestamp();
        try
        {
            while (true)
            {
                try
                {
                    await LookAsync(stoppingToken);
                    if (time.GetElapsedTime(swept) >= SweepEvery)
                    {
                        swept = time.GetTimestamp();
                        await sweep.SweepAsync(stoppingToken);
                    }
                }
                catch (Exception e) when (e is InvalidDataException || (Faults.MayPass(e) && !stoppingToken.IsCancellationRequested))
                {
                    log.LogWarning("Jobs cannot be read: {Reason}", e.Message);
                }

                await PauseAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the process stops: what runs goes back into the queue
        }

        foreach (var job in running.Values)
        {
            job.Cancel();
        }

        await Task.WhenAll(running.Values.Select(job => job.Ended));
    }

    private async Task PauseAsync(CancellationToken stoppingToken)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        await Task.WhenAny(poked.WaitAsync(pause.Token), Task.Delay(LookEvery, time, pause.Token));
        await pause.CancelAsync();
        stoppingToken.ThrowIfCancellationRequested();
    }

    private async Task LookAsync(CancellationToken stoppingToken)
    {
        foreach (var id in await store.QueueAsync(stoppingToken))
        {
            if (running.Count >= settings.JobsAtOnce)
            {
                return;
            }

            if (!running.ContainsKey(id) && await TakeAsync(id, stoppingToken) is var (job, etag))
            {
                var taken = new RunningJob();
                running[id] = taken;
                _ = RunAsync(job, etag, taken, stoppingToken);
            }
        }
    }

    private async Task<(ImageJob Job, string ETag)?> TakeAsync(string id, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(id, cancellationToken) is not var (job, etag) || job.HasEnded)
        {
            await store.RemoveMarkerAsync(id, cancellationToken); // its end was cut short
            return null;
        }

        if (job.State == JobState.Running && await store.AgeAsync(id, cancellationToken) < settings.JobLease)
        {
            return null; // somebody draws it
        }

        if (job.Attempts >= MostAttempts)
        {
            log.LogError("Job {Job} was begun {Attempts} times and never came to its end", id, job.Attempts);
            var failed = store.End(job, JobState.Failed) with
            {
                Error = ErrorBody.Of(StatusCodes.Status500InternalServerError, "The job was begun three times and never came to its end. The gateway's log says more.", code: "attempts_exhausted"),
                ErrorStatus = StatusCodes.Status500InternalServerError,
            };
            await store.TryChangeAsync(failed, etag, cancellationToken);
            return null;
        }

        var mine = job with { State = JobState.Running, Runner = self.Name, Attempts = job.Attempts + 1, StepsDone = 0 };
        return await store.TryChangeAsync(mine, etag, cancellationToken) is { } next ? (mine, next) : null;
    }

    private async Task RunAsync(ImageJob job, string etag, RunningJob taken, CancellationToken stoppingToken)
    {
        try
        {
            await Task.Yield();
            await DrawAsync(job, etag, taken, stoppingToken);
        }
        catch (Exception e)
        {
            log.LogWarning(e, "Job {Job} is left for another try", job.Id); // its lease runs out
            taken.Cancel(); // nobody would take what is still being drawn
        }
        finally
        {
            running.TryRemove(job.Id, out _);
            taken.End();
        }
    }

    private async Task DrawAsync(ImageJob job, string etag, RunningJob taken, CancellationToken stoppingToken)
    {
        GenerationRequest request;
        ModelLease lease;
        try
        {
            (request, lease) = parser.Read(job.Body, () => job.Seed);
        }
        catch (GatewayException e) when (e.Status == StatusCodes.Status503ServiceUnavailable)
        {
            await store.TryChangeAsync(job with { State = JobState.Queued, Runner = null, Attempts = job.Attempts - 1 }, etag, CancellationToken.None);
            return;
        }
        catch (GatewayException e)
        {
            await FailAsync(job, etag, e);
            return;
        }

        job = job with { Steps = request.Order.Request.Steps };
        using (lease)
        {
            var drawing = generation.DrawAsync(job.Key, request, lease.Model.TryLease()!, taken, taken.Token);
            while (await Task.WhenAny(drawing, Task.Delay(settings.JobLease / BeatsOfALease, time, CancellationToken.None)) != drawing)
            {
                job = job with { StepsDone = taken.Done };
                if (await store.TryChangeAsync(job, etag, CancellationToken.None) is { } next)
                {
                    etag = next;
                }
                else
                {
                    taken.Cancel(); // it was taken back, or over
                }
            }

            await EndAsync(job, etag, request, lease.Model, drawing, stoppingToken);
        }
    }

    private async Task EndAsync(ImageJob job, string etag, GenerationRequest request, ServedModel model, Task<DrawnOrder> drawing, CancellationToken stoppingToken)
    {
        try
        {
            var drawn = await drawing;
            var data = drawn.Record.Pictures.Select(ImageData.Of).ToArray();
            string[] names = [.. data.Select((_, i) => PictureFiles.FileName(i, request.Format))];
            await store.KeepAsync(job.Id, drawn, request, CancellationToken.None);
            var done = store.End(job, JobState.Completed) with
            {
                StepsDone = job.Steps,
                Answer = ImagesAnswer.Of(model, drawn, request.Format, time.GetUtcNow(), data, self.Name),
                Files = names,
                AsLinks = request.AsLinks,
            };
            await store.TryChangeAsync(done, etag, CancellationToken.None); // where it was taken back meanwhile, the files are swept
            Poke(); // there is room for the next
        }
        catch (Exception e) when (e is OperationCanceledException || (e is GatewayException { Status: StatusCodes.Status429TooManyRequests }))
        {
            // Back into the queue, unless its owner took it back: then the change does not hold. What is no fault of the job is no attempt.
            await store.TryChangeAsync(job with { State = JobState.Queued, Runner = null, Attempts = job.Attempts - 1 }, etag, CancellationToken.None);
            if (!stoppingToken.IsCancellationRequested)
            {
                Poke();
            }
        }
        catch (Exception e) when (!Faults.MayPass(e))
        {
            await FailAsync(job, etag, e);
        }
    }

    private async Task FailAsync(ImageJob job, string etag, Exception error)
    {
        var (status, body) = GatewayErrors.Answer(error);
        if (status == StatusCodes.Status500InternalServerError)
        {
            log.LogError(error, "Job {Job} failed", job.Id);
        }

        await store.TryChangeAsync(store.End(job, JobState.Failed) with { Error = body, ErrorStatus = status }, etag, CancellationToken.None);
    }
}
