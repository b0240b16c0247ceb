namespace Ddm.Services;

/// <summary>The keeper of this process, where it is a control plane: it hears at once of what this process did, whether the broker is there or not.</summary>
/// <param name="Exists">Whether the process is a control plane.</param>
internal sealed record LocalKeeper(bool Exists)
{
    /// <summary>Tells it that something of a run happened, or of one role.</summary>
    public Action<string, string?>? Wake { get; set; }
}
