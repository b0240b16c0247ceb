using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;
using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Tells every run that this control plane looks at that broker or store were away and are back. Workers wait for them and go on by themselves: without this a
/// person would see a pause and no reason for it.
/// </summary>
internal sealed class OutageEvents(IBlobStore blobs, ReconcilerLeases leases, RunEvents events, TimeProvider time, ILogger<OutageEvents> log) : IReceiveEndpointObserver, IHostedService
{
    private static readonly TimeSpan LongestTelling = TimeSpan.FromSeconds(30);
    private long lost; // when the broker was; 0: it is there

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (blobs.Outages is { } outages)
        {
            outages.Over += StoreIsBack;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        if (blobs.Outages is { } outages)
        {
            outages.Over -= StoreIsBack;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task Faulted(ReceiveEndpointFaulted faulted) => Lose(faulted.InputAddress);

    /// <inheritdoc/>
    public Task Ready(ReceiveEndpointReady ready)
    {
        if (IsSubmit(ready.InputAddress) && Interlocked.Exchange(ref lost, 0) is var since and not 0)
        {
            Tell("the broker", time.GetElapsedTime(since));
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

    /// <inheritdoc/>
    /// <remarks>So ends a queue whose broker says goodbye before it goes. At the end of the process too: then nothing gets ready again.</remarks>
    public Task Completed(ReceiveEndpointCompleted completed) => Lose(completed.InputAddress);

    // One of this process's queues is enough: they share a connection.
    private static bool IsSubmit(Uri queue) => queue.AbsolutePath.EndsWith("/" + QueueNames.Submit, StringComparison.Ordinal);

    private Task Lose(Uri queue)
    {
        if (IsSubmit(queue))
        {
            Interlocked.CompareExchange(ref lost, Math.Max(1, time.GetTimestamp()), 0);
        }

        return Task.CompletedTask;
    }

    private void StoreIsBack(TimeSpan length) => Tell("the store", length);

    // Beside whoever found out, who must not wait for it.
    private void Tell(string what, TimeSpan length) => _ = TellAsync(string.Create(CultureInfo.InvariantCulture, $"{what} was away for {length.TotalSeconds:F1} s"));

    private async Task TellAsync(string text)
    {
        await Task.Yield();
        using var patience = new CancellationTokenSource(LongestTelling, time);
        foreach (var run in leases.Runs)
        {
            try
            {
                await events.AddAsync(run, RunEvent.Back, text, patience.Token);
            }
            catch (Exception e) when (Faults.MayPass(e) || e is UserErrorException)
            {
                log.LogInformation("Run {Run} was not told that {Text} ({Reason})", run, text, e.Message);
            }
        }
    }
}
