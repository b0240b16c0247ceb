namespace Ddm.Cli;

/// <summary>Waits longer from try to try, half a second to half a minute, with chance in it so that many clients do not come back at once.</summary>
internal sealed class Backoff
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private int tries;

    /// <summary>Whether the next wait is the first since things went well.</summary>
    public bool First => tries == 0;

    /// <summary>Waits before the next try.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var ceiling = Math.Min(Longest.TotalSeconds, Shortest.TotalSeconds * Math.Pow(2, tries++));
        return Task.Delay(TimeSpan.FromSeconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2))), cancellationToken);
    }

    /// <summary>Things go well; true where they did not before.</summary>
    public bool Reset()
    {
        var waited = tries > 0;
        tries = 0;
        return waited;
    }
}
