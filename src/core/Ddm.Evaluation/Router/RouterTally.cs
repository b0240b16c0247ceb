namespace Ddm.Evaluation;

/// <summary>Sums over the predictions of one interval of t.</summary>
internal sealed class RouterTally(int clusters, int confidenceBins)
{
    private readonly long[] inBin = new long[confidenceBins];
    private readonly double[] confidence = new double[confidenceBins];
    private readonly long[] correctInBin = new long[confidenceBins];
    private long count;
    private long correct;
    private double crossEntropy;
    private double entropy;

    /// <summary>K.</summary>
    public int Clusters => clusters;

    /// <summary>Adds predictions: log-probabilities [N, K] row by row, and the true clusters [N].</summary>
    public void Add(ReadOnlySpan<double> logProbabilities, ReadOnlySpan<int> truth)
    {
        for (var row = 0; row < truth.Length; row++)
        {
            var p = logProbabilities.Slice(row * clusters, clusters);
            var best = 0;
            for (var k = 0; k < clusters; k++)
            {
                best = p[k] > p[best] ? k : best;
                entropy -= double.IsNegativeInfinity(p[k]) ? 0 : Math.Exp(p[k]) * p[k];
            }

            crossEntropy -= p[truth[row]];
            var hit = best == truth[row] ? 1 : 0;
            var certainty = Math.Exp(p[best]);
            var bin = Math.Clamp((int)(certainty * confidenceBins), 0, confidenceBins - 1);
            inBin[bin]++;
            confidence[bin] += certainty;
            correctInBin[bin] += hit;
            correct += hit;
            count++;
        }
    }

    /// <summary>The means, as the interval's line of the report.</summary>
    public RouterBin Close(double from, double to)
    {
        var error = 0.0;
        for (var bin = 0; bin < confidenceBins; bin++)
        {
            error += Math.Abs(confidence[bin] - correctInBin[bin]) / count; // (n/N) |mean confidence - accuracy|
        }

        return new RouterBin(from, to, count, crossEntropy / count, correct / (double)count, entropy / count, error);
    }
}
