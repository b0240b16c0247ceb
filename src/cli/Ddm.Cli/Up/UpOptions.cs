namespace Ddm.Cli;

/// <summary>What <c>ddm up</c> was asked for.</summary>
/// <param name="Home">The home folder: everything lies under <c>up/</c> in it.</param>
/// <param name="Port">Of the control plane; the other services follow.</param>
/// <param name="Pools">Expert trainers to start in each pool.</param>
/// <param name="Azurite">Whether blobs are kept by Azurite, else as files in the home.</param>
/// <param name="Roots">Folders that submitted runs may read.</param>
/// <param name="KeyFile">Where the key is kept.</param>
internal sealed record UpOptions(string Home, int Port, IReadOnlyList<UpPool> Pools, bool Azurite, IReadOnlyList<string> Roots, string KeyFile)
{
    /// <summary>Where the control plane answers, and its pages.</summary>
    public string Runs => FormattableString.Invariant($"http://127.0.0.1:{Port}");

    /// <summary>Where the gateway answers, and its pages.</summary>
    public string Playground => FormattableString.Invariant($"http://127.0.0.1:{ServicePlan.GatewayPort(Port, Pools)}");
}
