namespace Ddm.Evaluation;

/// <summary>A router's predictions on held-out rows, by time. Natural logarithms throughout.</summary>
/// <param name="Clusters">K.</param>
/// <param name="Rows">Held-out rows; each is seen once in every bin.</param>
/// <param name="PriorEntropy">Entropy of the cluster shares of these rows: cross-entropy of a router that knows nothing but the shares.</param>
/// <param name="ClassPriorEntropy">Entropy of the cluster given the class: the same for a router that knows the class too; null without labels.</param>
/// <param name="LargestShare">Share of the largest cluster: accuracy of always answering it.</param>
/// <param name="Bins">From data (t = 0) to noise (t = 1).</param>
public sealed record RouterReport(
    int Clusters,
    long Rows,
    double PriorEntropy,
    double? ClassPriorEntropy,
    double LargestShare,
    IReadOnlyList<RouterBin> Bins)
{
    /// <summary>Cross-entropy of uniform guessing.</summary>
    public double UniformEntropy => Math.Log(Clusters);
}

/// <summary>One interval of t.</summary>
/// <param name="From">Lower end, included.</param>
/// <param name="To">Upper end.</param>
/// <param name="Count">Predictions.</param>
/// <param name="CrossEntropy">Mean of -log p(true cluster).</param>
/// <param name="Accuracy">Share whose most probable cluster is the true one.</param>
/// <param name="Entropy">Mean entropy of the predictions. Below <paramref name="CrossEntropy"/>: over-confident.</param>
/// <param name="CalibrationError">Expected calibration error of the most probable cluster, 15 equal bins of confidence.</param>
public sealed record RouterBin(double From, double To, long Count, double CrossEntropy, double Accuracy, double Entropy, double CalibrationError)
{
    /// <summary>The middle of the interval.</summary>
    public double Middle => (From + To) / 2;
}
