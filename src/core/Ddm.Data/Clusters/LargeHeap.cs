namespace Ddm.Data;

/// <summary>
/// Megabytes of pixels die with every shard. The collector lets as much of it gather as is alive elsewhere, several times over, before it looks at
/// the large objects by itself: on a machine with much memory the freeze would take three times what it needs.
/// </summary>
internal static class LargeHeap
{
    private const int ShardsBetweenCollections = 8;

    /// <summary>To be called for every shard.</summary>
    public static void CollectNowAndThen(int shard)
    {
        if (shard % ShardsBetweenCollections == ShardsBetweenCollections - 1)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true); // gives the memory back, too
        }
    }
}
