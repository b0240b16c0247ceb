using System.Globalization;

namespace Ddm.Runs;

/// <summary>
/// Named sizes of diffusion transformers. S, B, L and XL are those of DiT (arXiv 2212.09748, table 1). The numbers never change: a run's
/// document may hold the name alone.
/// </summary>
public static class NetworkPresets
{
    private static readonly (string Name, int Hidden, int Depth, int Heads)[] Sizes =
    [
        ("DiT-Micro", 64, 2, 2),
        ("DiT-Nano", 128, 4, 4),
        ("DiT-Mini", 256, 6, 4),
        ("DiT-S", 384, 12, 6),
        ("DiT-B", 768, 12, 12),
        ("DiT-L", 1024, 24, 16),
        ("DiT-XL", 1152, 28, 16),
    ];

    private static readonly int[] Patches = [1, 2, 4, 7, 8, 14];

    private static readonly Dictionary<string, NetworkSpec> ByName = (
        from size in Sizes
        from patch in Patches
        select (
            Name: string.Create(CultureInfo.InvariantCulture, $"{size.Name}/{patch}"),
            Spec: new NetworkSpec { Hidden = size.Hidden, Depth = size.Depth, Heads = size.Heads, Patch = patch }))
        .ToDictionary(pair => pair.Name, pair => pair.Spec);

    /// <summary>Every preset, small ones first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys];

    /// <summary>What may stand before and after the slash, for error messages.</summary>
    internal static string Rule => $"{string.Join(", ", Sizes.Select(size => size.Name))}, then '/' and a patch of {string.Join(", ", Patches)}";

    /// <summary>
    /// The network in numbers: <see cref="NetworkSpec.Preset"/> null, the rest as given. A network already in numbers is returned as it is.
    /// </summary>
    /// <exception cref="UserErrorException">There is no such preset.</exception>
    public static NetworkSpec Resolve(NetworkSpec network)
    {
        if (network.Preset is null)
        {
            return network;
        }

        if (!ByName.TryGetValue(network.Preset, out var size))
        {
            throw new UserErrorException($"'{Printable.Text(network.Preset)}' is no network preset: expected {Rule}.");
        }

        return network with { Preset = null, Hidden = size.Hidden, Depth = size.Depth, Heads = size.Heads, Patch = size.Patch };
    }

    internal static bool Exists(string name) => ByName.ContainsKey(name);
}
