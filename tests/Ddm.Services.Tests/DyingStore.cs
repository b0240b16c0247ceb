using Ddm.Storage.Tests;

namespace Ddm.Services.Tests;

/// <summary>A store whose process dies at the n-th deletion.</summary>
internal sealed class DyingStore(Ddm.Storage.IBlobStore below, int at) : InterceptedBlobStore(below)
{
    private int deletions;

    public bool Died { get; private set; }

    protected override Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
    {
        Died = Died || (call.StartsWith("delete ", StringComparison.Ordinal) && ++deletions == at);
        return Died ? throw new IOException("died at " + call) : run();
    }
}
