using System.Globalization;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>A pool and how many expert trainers work there.</summary>
/// <param name="Name">The pool.</param>
/// <param name="Trainers">1 or more.</param>
internal sealed record UpPool(string Name, int Trainers)
{
    /// <summary>The most that one machine gets.</summary>
    public const int MostTrainers = 64;

    /// <summary>Reads what <c>--pool</c> says, once a pool: <c>a100</c> or <c>a100:2</c>.</summary>
    /// <exception cref="UserErrorException">A name or number is wrong, a pool stands twice, or there are too many trainers.</exception>
    public static IReadOnlyList<UpPool> ReadAll(IEnumerable<string> texts)
    {
        var pools = texts.Select(Read).ToList();
        return pools.CountBy(pool => pool.Name).FirstOrDefault(pool => pool.Value > 1).Key is { } twice
            ? throw new UserErrorException($"--pool: '{twice}' stands twice. Say how many trainers it has after a colon: --pool {twice}:2.")
            : pools.Sum(pool => pool.Trainers) > MostTrainers
            ? throw new UserErrorException($"--pool: {pools.Sum(pool => pool.Trainers)} trainers in all; at most {MostTrainers}.")
            : pools;
    }

    private static UpPool Read(string text)
    {
        var parts = text.Split(':');
        if (parts.Length > 2 || !PoolName.IsValid(parts[0]))
        {
            throw new UserErrorException($"--pool '{Printable.Text(text)}': expected NAME or NAME:N, a name of {PoolName.Rule}.");
        }

        if (parts[0] == PoolName.Router)
        {
            throw new UserErrorException($"--pool {PoolName.Router}: that is the router trainer's own pool, which is always there; give another name.");
        }

        return parts.Length == 1 ? new UpPool(parts[0], 1)
            : int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var trainers) && trainers is >= 1 and <= MostTrainers ? new UpPool(parts[0], trainers)
            : throw new UserErrorException($"--pool '{Printable.Text(text)}': '{Printable.Text(parts[1])}' is no number of trainers; expected 1 to {MostTrainers}.");
    }
}
