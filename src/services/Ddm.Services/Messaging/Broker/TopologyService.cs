using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Declares the topology when a service starts, and again now and then: a broker may come back empty. A broker that is away holds up nothing; one that has something
/// else under our names ends the start, for no consumer would ever be let in.
/// </summary>
internal sealed class TopologyService(
    PoolQueues queues, BrokerAddress broker, WorkerSettings settings, BrokerSettings brokerSettings, ILogger<TopologyService> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan EveryWhileAway = TimeSpan.FromSeconds(5);

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
                await queues.WaitAsync(stands ? Every : EveryWhileAway, stoppingToken);
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
            catch (Exception e)
            {
                log.LogError(e, "The queues could not be declared; trying again"); // whatever it is, it must not end the process
                stands = true;
            }
        }
    }

    private async Task<bool> TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            var state = await queues.EnsureAsync(cancellationToken);
            if (queues.TakePolicy())
            {
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
                log.LogInformation(
                    "The broker's policy was not set from here: {Why}. If it is not set yet, run on the broker's machine: {Command}",
                    brokerSettings.Management is null && BrokerPolicies.UsualManagement(broker) is null
                        ? "the login would go over the network in plain text. Ddm:BrokerManagement names the management API's address, https:// or one that may be told" : "no management API answers",
                    outcome.Text);
            }
        }
        catch (UserErrorException e)
        {
            log.LogWarning("{Reason}", e.Message);
        }
    }
}
