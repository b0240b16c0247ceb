namespace Ddm.Tests;

/// <summary>A run in this process alone, beside a test that compares with it. It ends with the test: a device thread that outlives its process's end crashes it.</summary>
internal sealed class UndisturbedRun : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    /// <summary>Begins, on threads that no test needs.</summary>
    public UndisturbedRun(string spec) => Weights = Task.Run(async () =>
    {
        using var files = new TinyFolder(spec);
        return await RunOutcome.OfOneProcessAsync(files.SpecText, files.SpecFile, files.Home, stop.Token);
    });

    /// <summary>As <see cref="RunOutcome.WeightsAsync"/> tells them, once it has ended.</summary>
    public Task<string[]> Weights { get; }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Weights.ContinueWith(static _ => { }, TaskScheduler.Default); // whatever became of it the test has said
        stop.Dispose();
    }
}
