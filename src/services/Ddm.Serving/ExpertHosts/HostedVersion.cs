using Ddm.Services;

namespace Ddm.Serving;

/// <summary>The experts of one version on a host.</summary>
/// <param name="experts">In memory, or read when they are asked.</param>
/// <param name="sha256">Hash of the version's manifest.</param>
/// <param name="now">A timestamp.</param>
internal sealed class HostedVersion(LoadedExperts experts, string sha256, long now)
{
    public LoadedExperts Experts { get; } = experts;

    public string Sha256 { get; } = sha256;

    /// <summary>Hashes of the weights that it answers for, and their index.</summary>
    public IReadOnlyDictionary<string, int> Held { get; } = experts.Models.Index()
        .Where(pair => pair.Item is not null).GroupBy(pair => experts.Manifest.Experts[pair.Index].Sha256!).ToDictionary(same => same.Key, same => same.First().Index);

    /// <summary>Questions that hold it.</summary>
    public int Holders { get; set; }

    /// <summary>When it was last asked, a timestamp.</summary>
    public long LastAsked { get; set; } = now;
}
