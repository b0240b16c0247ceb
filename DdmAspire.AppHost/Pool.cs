using System.Globalization;
using Ddm.Runs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;

namespace DdmAspire.AppHost;

/// <summary>Workers with the same hardware: an entry of <c>Pools</c> in the configuration, which infra/pools.json fills for laptop and Azure alike.</summary>
/// <param name="Name">Its name, and the end of its queue's.</param>
/// <param name="Profile">Workload profile of Azure Container Apps.</param>
/// <param name="Cpu">Cores of a replica.</param>
/// <param name="Memory">Memory of a replica, as 8Gi.</param>
/// <param name="MaxReplicas">Most replicas at a time.</param>
/// <param name="Cuda">Whether it needs the build with CUDA.</param>
internal sealed record Pool(string Name, string Profile, double Cpu, string Memory, int MaxReplicas, bool Cuda)
{
    /// <summary>The profile without a GPU, which every environment has.</summary>
    public const string Consumption = "Consumption";

    /// <summary>Reads all pools, by name.</summary>
    /// <exception cref="UserErrorException">A pool cannot be named so, or an entry is missing or wrong.</exception>
    public static IReadOnlyList<Pool> ReadAll(IDistributedApplicationBuilder builder)
    {
        var file = new JsonConfigurationSource { Path = Path.GetFullPath("../infra/pools.json", builder.AppHostDirectory) };
        file.ResolveFileProvider();
        builder.Configuration.Sources.Insert(0, file); // first, so that whatever else is configured goes before it
        return [.. builder.Configuration.GetSection("Pools").GetChildren().Select(Read)];
    }

    private static Pool Read(IConfigurationSection section) => new(
        PoolName.Require(section.Key),
        Text(section, nameof(Profile)),
        Number(section, nameof(Cpu)),
        Text(section, nameof(Memory)),
        (int)Number(section, nameof(MaxReplicas)),
        bool.TryParse(section[nameof(Cuda)], out var cuda) && cuda);

    private static string Text(IConfigurationSection section, string key) => section[key] is { Length: > 0 } text ? text
        : throw new UserErrorException($"{section.Path}:{key} is missing. Give it as in infra/pools.json.");

    private static double Number(IConfigurationSection section, string key)
        => double.TryParse(Text(section, key), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value > 0 ? value
            : throw new UserErrorException($"{section.Path}:{key}: '{section[key]}' is no number above 0.");
}
