using System.Globalization;
using System.Text;

namespace Ddm.Simulation.Tests;

/// <summary>Plays worlds and tells what was found.</summary>
internal static class Play
{
    private const int Told = 3;

    /// <summary>The violation of a world; null when every promise held.</summary>
    public static string? Try(SimulatedRun run)
    {
        try
        {
            run.Play();
            return null;
        }
        catch (ViolationException e)
        {
            return e.Message;
        }
    }

    /// <summary>The first violations with their last events and the command that plays each again.</summary>
    public static string Describe(IReadOnlyDictionary<int, string> violations, int count, string test)
    {
        var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"{violations.Count} of {count} seeds break a promise: {string.Join(", ", violations.Keys.Order().Take(50))}");
        foreach (var group in violations.GroupBy(found => Kind(found.Value)).OrderByDescending(group => group.Count()))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{group.Count(),6} x {group.Key} (seed {group.Min(found => found.Key)})");
        }

        foreach (var (seed, violation) in violations.OrderBy(found => found.Key).Take(Told))
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"DDM_SIMULATION_SEED={seed} {Environment.ProcessPath} -method {typeof(SeedTests).FullName}.{test}").Append(violation);
        }

        return text.ToString();
    }

    private static string Kind(string violation) => string.Concat(violation.Split('\n')[0].Take(160).Where(c => !char.IsAsciiDigit(c)));
}
