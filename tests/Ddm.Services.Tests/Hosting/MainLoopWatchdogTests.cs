using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ddm.Services.Tests.Hosting;

public sealed class MainLoopWatchdogTests
{
    [Fact]
    public async Task ADeviceThatIsAtOnePieceOfWorkForTooLongIsStuckAndNothingElseIs()
    {
        using var device = new DeviceThread();
        using var release = new ManualResetEventSlim();
        var begun = new TaskCompletionSource();
        using var patient = new MainLoopWatchdog(device, new WorkerSettings(), TimeProvider.System);
        using var impatient = new MainLoopWatchdog(device, new WorkerSettings { StuckAfter = TimeSpan.Zero }, TimeProvider.System);
        Assert.Equal(HealthStatus.Healthy, await AskAsync(impatient));

        var work = device.RunAsync(() =>
        {
            begun.SetResult();
            release.Wait(TestContext.Current.CancellationToken);
        });
        await begun.Task;

        Assert.Equal(HealthStatus.Unhealthy, await AskAsync(impatient));
        Assert.Equal(HealthStatus.Healthy, await AskAsync(patient));
        release.Set();
        await work;
        await device.RunAsync(() => { }); // the device has gone on
        Assert.Equal(HealthStatus.Healthy, await AskAsync(patient));
    }

    private static async Task<HealthStatus> AskAsync(MainLoopWatchdog watchdog)
        => (await watchdog.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken)).Status;
}
