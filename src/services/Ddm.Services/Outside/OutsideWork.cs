using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Asks the control plane for slices, one at a time, and hands each to the handler that every worker has.</summary>
internal sealed class OutsideWork(
    ServerConnection server, OutsideSession session, CommandRunner<TrainSlice> runner, WorkerSettings settings, StopSignal stop, TimeProvider time, ILogger<OutsideWork> log)
    : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, stop.Token);
        var pause = FirstPause;
        while (!ending.IsCancellationRequested && !stop.IsDraining)
        {
            try
            {
                var body = new TakeBody(settings.Pool, session.Identity.Name, OutsidePatience.Take.TotalSeconds);
                var slice = await server.AskAsync<TrainSlice>("/slices/take", body, ServerConnection.Once, OutsidePatience.Take + OutsidePatience.Short, ending.Token);
                pause = FirstPause;
                if (slice is not null)
                {
                    session.Current = new OutsideClaim(slice.Run, slice.RolePath, session.Identity.Name, 0);
                    await runner.RunAsync(slice, CancellationToken.None); // it winds down by the stop signal, with a commit
                }
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                log.LogWarning("{Reason} Asking again in {Seconds} s", e.Message, pause.TotalSeconds);
                await Task.Delay(pause, time, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }
}
