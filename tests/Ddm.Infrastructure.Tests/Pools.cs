using System.Text.Json;

namespace Ddm.Infrastructure.Tests;

/// <summary>The pools of infra/pools.json.</summary>
internal static class Pools
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<(string Name, string Profile, int MaxReplicas, bool Cuda)> All { get; } = Read();

    private static List<(string, string, int, bool)> Read()
    {
        using var file = JsonDocument.Parse(Repository.Read("infra/pools.json"));
        return [.. file.RootElement.GetProperty("Pools").EnumerateObject().Select(pool => (
            pool.Name, pool.Value.GetProperty("Profile").GetString()!, pool.Value.GetProperty("MaxReplicas").GetInt32(), pool.Value.GetProperty("Cuda").GetBoolean()))];
    }
}
