using System.Security.Claims;

namespace Ddm.Services;

/// <summary>Who a worker's key was given to.</summary>
/// <param name="Name">Begins the name of each of its workers.</param>
/// <param name="Pool">The only pool it works in; null: any.</param>
internal sealed record KeyHolder(string Name, string? Pool)
{
    /// <summary>Claim: what the key opens: <see cref="Workers"/>, or one of the scopes of an <see cref="ApiKey"/>.</summary>
    public const string Scope = "ddm:scope";

    /// <summary>Scope of workers' keys.</summary>
    public const string Workers = "workers";

    /// <summary>Who everybody is where no key is asked for.</summary>
    public const string Anyone = "anyone";

    private const string PoolClaim = "ddm:pool";

    /// <summary>The holder of the key that a request brought.</summary>
    public static KeyHolder Of(ClaimsPrincipal user) => new(user.FindFirstValue(ClaimTypes.Name)!, user.FindFirstValue(PoolClaim));

    /// <summary>What a request with this holder's key may claim to be.</summary>
    public IEnumerable<Claim> Claims()
    {
        yield return new Claim(ClaimTypes.Name, Name);
        yield return new Claim(Scope, Workers);
        if (Pool is not null)
        {
            yield return new Claim(PoolClaim, Pool);
        }
    }

    /// <summary>Whether a worker's name is one of this holder's.</summary>
    public bool Owns(string worker) => worker.StartsWith(Name + "/", StringComparison.Ordinal);
}
