namespace Ddm.Chaos.Tests;

/// <summary>Which faults come in which order: each kind once in every eight, shuffled.</summary>
internal static class FaultScript
{
    /// <summary>Environment variable that draws the same script again.</summary>
    public const string SeedVariable = "DDM_CHAOS_SEED";

    /// <summary>The seed that was asked for, or a new one.</summary>
    public static int Seed { get; } = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), out var given) ? given : Environment.TickCount;

    /// <summary>The first <paramref name="count"/> faults.</summary>
    public static IEnumerable<FaultKind> Draw(int count, Random random)
    {
        var kinds = Enum.GetValues<FaultKind>();
        for (var at = 0; at < count; at++)
        {
            if (at % kinds.Length == 0)
            {
                random.Shuffle(kinds);
            }

            yield return kinds[at % kinds.Length];
        }
    }
}
