using Ddm.Runs;

namespace Ddm.Services.Tests;

/// <summary>A role that is done loses its last checkpoint: whoever evaluates or publishes sends the run back, and it goes on at once.</summary>
public sealed class LostStepsTests
{
    private const int Steps = 100;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void ARunThatIsSentBackTrainsItsLastStepsAndIsEvaluatedAgainWithoutAWait() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(Steps);
        var reconciler = Reconciler(shop);
        await TrainAsync(shop, reconciler);
        Assert.Equal([new EvaluateRun(SliceWorkshop.Run)], shop.Sent);
        var whole = await shop.StateAsync();
        await LoseAsync(shop);

        Assert.True(await SendBackAsync(shop));

        var document = await shop.Runs.GetAsync(SliceWorkshop.Run, Cancel);
        Assert.Equal((RunStage.Train, RunStatus.Running), (document.Stage, document.Status));
        Assert.Equal(["experts/0"], document.Roles.Where(role => role.Status == RoleStatus.Training).Select(role => role.Role));
        Assert.Single(await shop.EventsAsync(RunEvent.Repaired));
        shop.Sent.Clear();
        await reconciler.ReconcileAsync(SliceWorkshop.Run, Cancel);
        var slice = Assert.IsType<TrainSlice>(Assert.Single(shop.Sent)); // neither its last owner's record nor what was sent before is waited for
        Assert.InRange(slice.FromStep, 1, Steps - 1);
        shop.Sent.Clear();
        await shop.Handler().HandleAsync(slice, Cancel);
        Assert.Equal(whole, await shop.StateAsync());
        await reconciler.ReconcileAsync(SliceWorkshop.Run, "experts/0", Cancel);
        Assert.Equal([new EvaluateRun(SliceWorkshop.Run)], shop.Sent);
    });

    [Fact]
    public void ARunThatLostNothingIsLeftAloneAndOneThatAPersonPausedStaysPaused() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(Steps);
        await TrainAsync(shop, Reconciler(shop));
        Assert.False(await SendBackAsync(shop));
        await LoseAsync(shop);
        await shop.Runs.UpdateAsync(SliceWorkshop.Run, document => document with { Status = RunStatus.Paused }, Cancel);
        Assert.True(await SendBackAsync(shop));
        var document = await shop.Runs.GetAsync(SliceWorkshop.Run, Cancel);
        Assert.Equal((RunStage.Train, RunStatus.Paused), (document.Stage, document.Status));
    });

    // Every role to its end, and a look at the run that then is to be evaluated.
    private static async Task TrainAsync(SliceWorkshop shop, Reconciler reconciler)
    {
        foreach (var role in shop.Document.Roles)
        {
            await shop.Handler().HandleAsync(new TrainSlice(SliceWorkshop.Run, role.Role, 0, PoolName.Of(Role.Parse(role.Role))), Cancel);
        }

        shop.Sent.Clear();
        await reconciler.ReconcileAsync(SliceWorkshop.Run, Cancel);
    }

    private static async Task LoseAsync(SliceWorkshop shop) => await shop.Store.DeleteAsync((await shop.HeadAsync())!.Checkpoint + PlainTrainers.Part, Cancel);

    private static async Task<bool> SendBackAsync(SliceWorkshop shop)
    {
        var shown = new List<PublishedRole>();
        foreach (var role in shop.Document.Roles)
        {
            var opened = await shop.Checkpoints.OpenAsync(SliceWorkshop.Run, Role.Parse(role.Role), null, Cancel);
            shown.Add(new PublishedRole(role.Role, opened!.Manifest.Step, role.TargetSteps, null, null));
        }

        return await new LostSteps(shop.Checkpoints, shop.Runs, shop.Events, shop.Progress).SendBackAsync(await shop.Runs.GetAsync(SliceWorkshop.Run, Cancel), shown, Cancel);
    }

    private static Reconciler Reconciler(SliceWorkshop shop) => new(
        shop.Runs, new RunObserver(shop.Store, shop.Checkpoints, shop.Identity, shop.Settings), shop.Checkpoints, shop.Events, shop, new DispatchLedger(shop.Settings, shop.Time),
        new PoolPlacement(shop.Checkpoints, new KnownWorkers(shop.Store, new WorkerDirectory(shop.Store), shop.Time), shop.Events, shop, shop.Settings), shop.Progress);
}
