using System.Collections.Concurrent;

namespace Ddm.Services;

/// <summary>
/// Signatures of single blobs, kept until shortly before they run out. How long one holds is told in seconds and measured by this process's stopwatch, so that the
/// machine's clock may be wrong.
/// </summary>
internal sealed class BlobSignatures(ServerConnection server, OutsideSession session, TimeProvider time)
{
    private const double SafeShare = 0.7;
    private const int MostKept = 10_000;

    private readonly ConcurrentDictionary<(string Name, bool Write, OutsideClaim Claim), (string Query, long At, TimeSpan Life)> kept = new();

    /// <summary>The signature of a blob.</summary>
    /// <param name="name">The blob.</param>
    /// <param name="write">Whether it is to be written.</param>
    /// <param name="refused">One that the store just refused; null: none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">The control plane is away.</exception>
    /// <exception cref="Ddm.Runs.UserErrorException">It does not let this worker at the blob.</exception>
    public async ValueTask<string> GiveAsync(string name, bool write, string? refused, CancellationToken cancellationToken)
    {
        var key = (name, write, session.Current);
        if (kept.TryGetValue(key, out var known) && known.Query != refused && time.GetElapsedTime(known.At) < known.Life * SafeShare)
        {
            return known.Query;
        }

        var asked = time.GetTimestamp();
        var answer = (await server.AskAsync<SignAnswer>("/blobs/sign", new SignBody(key.Current, name, write), ServerConnection.Once, OutsidePatience.Short, cancellationToken))!;
        if (kept.Count >= MostKept)
        {
            kept.Clear();
        }

        kept[key] = (answer.Query, asked, TimeSpan.FromSeconds(answer.Seconds));
        return answer.Query;
    }
}
