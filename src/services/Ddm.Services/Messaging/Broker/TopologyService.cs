using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Declares the topology when a service starts, and again now and then: a broker may come back empty. A broker that is away holds up nothing; one that has something
/// else under our names ends the start, for no consumer would ever be let in.
/// </summary>
internal sealed class TopologyService(
    Topology topology, BrokerAddress broker, WorkerSettings settings, BrokerSettings brokerSettings, TimeProvider time, ILogger<TopologyService> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan EveryWhileAway = TimeSpan.FromSeconds(5);
    private bool policed;

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var stands = true;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(stands ? Every : EveryWhileAway, time, stoppingToken);
                stands = await TryAsync(stoppingToken);
            }
            catch (UserErrorException e)
            {
                log.LogError("{Reason}", e.Message);
                stands = true; // a person has to mend it: no need to hurry
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task<bool> TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            var state = await topology.EnsureAsync([settings.Pool], cancellationToken);
            if (!policed)
            {
                policed = true;
                await PoliceAsync(state, cancellationToken);
            }

            return true;
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            log.LogWarning("The broker at {Place} cannot be reached ({Reason}); trying again", broker.Place, e.GetBaseException().Message);
            return false;
        }
    }

    // The services work without the policy: it bounds what a message that kills its workers can do.
    private async Task PoliceAsync(TopologyState state, CancellationToken cancellationToken)
    {
        try
        {
            var policies = new BrokerPolicies(broker, settings.AcknowledgementTimeout);
            var outcome = await policies.EnsureAsync(state.Version, brokerSettings.Management, mayRun: false, cancellationToken);
            if (!outcome.Done)
            {
                log.LogInformation("The broker's policy was not set from here. If it is not set yet, run on the broker's machine: {Command}", outcome.Text);
            }
        }
        catch (UserErrorException e)
        {
            log.LogWarning("{Reason}", e.Message);
        }
    }
}
