using System.Globalization;

namespace Ddm.Runs;

/// <summary>What a worker trains: an expert (with its cluster's index), the router, or the student of a distillation.</summary>
/// <param name="Kind">Which of the three.</param>
/// <param name="Index">The expert's cluster, 0-based; 0 for the router and the student.</param>
public readonly record struct Role(RoleKind Kind, int Index)
{
    /// <summary>The router.</summary>
    public static Role Router => new(RoleKind.Router, 0);

    /// <summary>The expert of cluster <paramref name="k"/>.</summary>
    public static Role Expert(int k) => new(RoleKind.Expert, k);

    /// <summary>The blob folder of the role inside its run, and its name everywhere: <c>experts/3</c>, <c>router</c>, <c>student</c>.</summary>
    public string Path => Kind switch
    {
        RoleKind.Expert => string.Create(CultureInfo.InvariantCulture, $"experts/{Index}"),
        RoleKind.Router => "router",
        _ => "student",
    };

    /// <summary>The number that keys the role's random streams: experts take 0..K-1, router and student numbers no expert reaches.</summary>
    public uint StreamKey => Kind switch { RoleKind.Expert => (uint)Index, RoleKind.Router => 0x8000_0000u, _ => 0x8000_0001u };

    /// <summary>Reads <see cref="Path"/> back.</summary>
    /// <exception cref="FormatException">The text names no role.</exception>
    public static Role Parse(string path)
    {
        if (path == "router")
        {
            return Router;
        }

        if (path == "student")
        {
            return new Role(RoleKind.Student, 0);
        }

        if (path.StartsWith("experts/", StringComparison.Ordinal)
            && int.TryParse(path.AsSpan("experts/".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var k))
        {
            return Expert(k);
        }

        throw new FormatException($"'{path}' names no role: expected experts/K, router or student.");
    }

    /// <inheritdoc/>
    public override string ToString() => Path;
}
