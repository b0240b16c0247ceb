namespace Ddm.Partitioning;

/// <summary>The best centroid of a group for one point. Scores are |c|^2 - 2 x.c; adding |x|^2 gives the squared distance.</summary>
/// <param name="Score">Lowest score.</param>
/// <param name="Cluster">Whose it is; of equals the lowest index.</param>
/// <param name="Next">Lowest score of the other centroids of the group.</param>
internal readonly record struct Candidate(float Score, int Cluster, float Next)
{
    /// <summary>No centroid yet.</summary>
    public static Candidate None => new(float.PositiveInfinity, int.MaxValue, float.PositiveInfinity);

    /// <summary>The best of two disjoint groups together.</summary>
    public Candidate Join(Candidate other) => (Score, Cluster).CompareTo((other.Score, other.Cluster)) <= 0
        ? this with { Next = Math.Min(Next, other.Score) }
        : other with { Next = Math.Min(other.Next, Score) };
}
