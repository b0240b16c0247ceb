using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>A store that can let others at single blobs for a while, past this process.</summary>
public interface ISignedBlobs
{
    /// <summary>Where signatures hold; null where this process's own permission is not enough to give any.</summary>
    Uri? SignedContainer { get; }

    /// <summary>A permission for one blob: the query of its address.</summary>
    /// <param name="name">The blob.</param>
    /// <param name="write">Also to write it; else to read it alone.</param>
    /// <param name="lifetime">How long it holds, by the store's clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="UserErrorException">This process may not sign.</exception>
    /// <exception cref="IOException">The store does not answer.</exception>
    Task<string> SignAsync(string name, bool write, TimeSpan lifetime, CancellationToken cancellationToken);
}
