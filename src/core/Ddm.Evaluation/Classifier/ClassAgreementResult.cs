namespace Ddm.Evaluation;

/// <summary>How often a classifier finds in a picture the class that was asked for.</summary>
/// <param name="Pictures">Pictures judged.</param>
/// <param name="Overall">Share that agree.</param>
/// <param name="PerClass">Share of each class that agrees; NaN for a class of which none was asked.</param>
/// <param name="Confusion">Pictures by [asked][found].</param>
/// <param name="Calibration">The same classifier on held-out real pictures: a perfect generator is expected to get about this; null: not measured.</param>
public sealed record ClassAgreementResult(
    long Pictures,
    double Overall,
    IReadOnlyList<double> PerClass,
    IReadOnlyList<IReadOnlyList<long>> Confusion,
    ClassAgreementResult? Calibration)
{
    /// <summary>The lowest share among the classes that were asked for; NaN when there is none.</summary>
    public double WorstClass => PerClass.Where(share => !double.IsNaN(share)).DefaultIfEmpty(double.NaN).Min();
}
