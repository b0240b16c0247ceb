using System.Globalization;
using Ddm.Runs;
using Microsoft.Extensions.Configuration;

namespace DdmAspire.AppHost;

/// <summary>What serves pictures, by the configuration: sections <c>Gateway</c> and <c>ExpertHosts</c>, whose defaults are those of infra/apps.</summary>
/// <param name="Gateway">The pool whose hardware the gateway has, in Azure.</param>
/// <param name="MinReplicas">Replicas that stay while nobody asks, in Azure; 0: none.</param>
/// <param name="MaxReplicas">Replicas at most, in Azure.</param>
/// <param name="Model">The published model whose experts are on hosts of their own; null: every expert is in the gateway.</param>
/// <param name="Hosts">How many of them.</param>
/// <param name="Host">The pool whose hardware each has, in Azure.</param>
internal sealed record Serving(Pool Gateway, int MinReplicas, int MaxReplicas, string? Model, int Hosts, Pool Host)
{
    /// <summary>The port that expert hosts answer gateways on, in Azure.</summary>
    public const int HostPort = 5095;

    /// <summary>Reads both sections.</summary>
    /// <exception cref="UserErrorException">A value is wrong, or names no pool.</exception>
    public static Serving Read(IConfiguration configuration, IReadOnlyList<Pool> pools)
    {
        var (gateway, hosts) = (configuration.GetSection("Gateway"), configuration.GetSection("ExpertHosts"));
        var serving = new Serving(
            OneOf(pools, gateway), Count(gateway, nameof(MinReplicas), 0), Count(gateway, nameof(MaxReplicas), 1),
            hosts[nameof(Model)] is { Length: > 0 } model ? RunName.Require(model) : null, Count(hosts, "Count", 1), OneOf(pools, hosts));
        return serving.MinReplicas <= serving.MaxReplicas ? serving
            : throw new UserErrorException($"{gateway.Path}:{nameof(MinReplicas)}: {serving.MinReplicas} is more than {nameof(MaxReplicas)}, {serving.MaxReplicas}.");
    }

    private static Pool OneOf(IReadOnlyList<Pool> pools, IConfigurationSection section) => pools.FirstOrDefault(pool => pool.Name == section["Pool"])
        ?? throw new UserErrorException($"{section.Path}:Pool: there is no pool '{section["Pool"]}'. Name one of infra/pools.json: {string.Join(", ", pools.Select(pool => pool.Name))}.");

    private static int Count(IConfigurationSection section, string key, int least)
        => int.TryParse(section[key], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= least ? count
            : throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"{section.Path}:{key}: '{section[key]}' is no whole number from {least}."));
}
