namespace Ddm.Evaluation;

/// <summary>The mean of differences over rows.</summary>
/// <param name="Mean">Above 0: the second was worse.</param>
/// <param name="StandardError">Of the mean, the rows taken as independent.</param>
public sealed record PairedMean(double Mean, double StandardError)
{
    /// <summary>The mean of second - first, row by row.</summary>
    public static PairedMean Of(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        var differences = first.Zip(second, (a, b) => b - a).ToArray();
        if (differences.Length < 2)
        {
            return new PairedMean(differences.FirstOrDefault(), double.NaN);
        }

        var mean = differences.Average();
        var variance = differences.Sum(d => (d - mean) * (d - mean)) / (differences.Length - 1);
        return new PairedMean(mean, Math.Sqrt(variance / differences.Length));
    }
}
