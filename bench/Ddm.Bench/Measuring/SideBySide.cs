namespace Ddm.Bench;

/// <summary>Lets the sides take turns, so that whatever else the machine does falls on all of them alike.</summary>
internal static class SideBySide
{
    /// <summary>Runs the rounds.</summary>
    /// <param name="rounds">Rounds counted.</param>
    /// <param name="warmup">Rounds before them that are not.</param>
    /// <param name="cancellationToken">Stops between two rounds.</param>
    /// <param name="sides">What is compared; every round runs each of them once, in turn from the front and from the back.</param>
    public static IReadOnlyList<SideTimes> Run(int rounds, int warmup, CancellationToken cancellationToken, params Side[] sides)
    {
        var seconds = sides.Select(_ => new double[rounds]).ToArray();
        for (var round = -warmup; round < rounds; round++)
        {
            for (var i = 0; i < sides.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var side = (round & 1) == 0 ? i : sides.Length - 1 - i;
                var took = sides[side].Round();
                if (round >= 0)
                {
                    seconds[side][round] = took;
                }
            }
        }

        return [.. sides.Select((side, i) => new SideTimes(side.Name, seconds[i]))];
    }
}
