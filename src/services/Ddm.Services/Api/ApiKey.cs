namespace Ddm.Services;

/// <summary>A key that was found on the ring.</summary>
/// <param name="Id">What logs and quotas call it: the first digits of its hash, which tell nothing of the key.</param>
/// <param name="Scope">What alone it opens; null: everything.</param>
internal sealed record ApiKey(string Id, string? Scope)
{
    /// <summary>Scope of who may start, stop and read runs.</summary>
    public const string Runs = "runs";

    /// <summary>Scope of who may ask for pictures.</summary>
    public const string Images = "images";

    /// <summary>Scope of gateways at expert hosts.</summary>
    public const string Experts = "experts";
}
