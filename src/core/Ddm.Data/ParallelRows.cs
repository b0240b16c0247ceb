using System.Runtime.ExceptionServices;

namespace Ddm.Data;

/// <summary>Work on many images at once.</summary>
internal static class ParallelRows
{
    /// <summary>Runs <paramref name="body"/> for 0 .. count - 1; the first failure is thrown as it was, not wrapped.</summary>
    public static void For(int count, Action<int> body, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken }, body);
        }
        catch (AggregateException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
        }
    }
}
