namespace Ddm.Chaos.Tests;

/// <summary>What is done to the broker.</summary>
internal sealed class BrokerFaults(ChaosRun run, ChaosLog log)
{
    /// <summary>Away and back, with its disk or without.</summary>
    public async Task<Fault> RestartAsync(int number, bool wiped)
    {
        var fault = new Fault(number, wiped ? FaultKind.BrokerWiped : FaultKind.BrokerRestart, DateTimeOffset.UtcNow);
        log.Add($"fault {number}: {fault.Kind}");
        await run.Rabbit.StopAsync();
        await (wiped ? run.Rabbit.StartEmptyAsync() : run.Rabbit.StartAsync());
        var back = await run.HeadsAsync(TestContext.Current.CancellationToken);
        log.Add("  the broker is back");
        await run.MovesOnAsync(back, all: true);
        return fault;
    }

    /// <summary>Every connection closed by the broker.</summary>
    public async Task<Fault> CloseConnectionsAsync(int number)
    {
        var fault = new Fault(number, FaultKind.ConnectionsClosed, DateTimeOffset.UtcNow);
        log.Add($"fault {number}: {fault.Kind}");
        Assert.Equal(0, await run.Rabbit.ControlAsync(TestContext.Current.CancellationToken, "close_all_connections", "chaos"));
        var after = await run.HeadsAsync(TestContext.Current.CancellationToken);
        await run.MovesOnAsync(after, all: true);
        return fault;
    }
}
