namespace Ddm.Tests;

/// <summary>Waiting for other processes, which tell nobody when they are ready.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(100);

    /// <summary>Asks again and again until the answer is yes.</summary>
    /// <param name="what">For the failure's message.</param>
    /// <param name="limit">Longest wait.</param>
    /// <param name="ask">The question; an exception counts as no.</param>
    /// <param name="detail">What a failure tells besides.</param>
    /// <param name="every">Time between two questions; null: a tenth of a second.</param>
    public static async Task ForAsync(string what, TimeSpan limit, Func<CancellationToken, Task<bool>> ask, Func<string>? detail = null, TimeSpan? every = null)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(limit);
        using var timer = new PeriodicTimer(every ?? Every);
        Exception? last = null;
        try
        {
            do
            {
                try
                {
                    if (await ask(patience.Token))
                    {
                        return;
                    }
                }
                catch (Exception e) when (!patience.IsCancellationRequested)
                {
                    last = e;
                }
            }
            while (await timer.WaitForNextTickAsync(patience.Token));
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{what}: not within {limit.TotalSeconds:F0} s. {last?.Message}{Environment.NewLine}{detail?.Invoke()}");
        }
    }
}
