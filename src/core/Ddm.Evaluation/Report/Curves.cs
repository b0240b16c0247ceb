namespace Ddm.Evaluation;

/// <summary>Curves made readable: smoothed, and thinned to what a chart can show.</summary>
internal static class Curves
{
    private const int MaxPoints = 400;
    private const int WindowsPerCurve = 40;

    /// <summary>Every n-th point, so that at most 400 are left; the last one always is.</summary>
    public static IReadOnlyList<(double X, double Y)> Thin(IReadOnlyList<CurvePoint> points)
    {
        var stride = ((points.Count - 1) / MaxPoints) + 1;
        return [.. points.Where((_, i) => (points.Count - 1 - i) % stride == 0).Select(point => ((double)point.Step, point.Value))];
    }

    /// <summary>The mean over a window of a fortieth of the curve, points that are not finite left out.</summary>
    public static IReadOnlyList<CurvePoint> Smooth(IReadOnlyList<CurvePoint> points)
    {
        var finite = points.Where(point => double.IsFinite(point.Value)).ToArray();
        var reach = finite.Length / WindowsPerCurve / 2;
        return [.. finite.Select((point, i) =>
        {
            var before = Math.Min(reach, i); // centred at the start, where curves are steep; cut off at the end, where they are flat
            var after = Math.Min(before, finite.Length - 1 - i);
            return point with { Value = finite.AsSpan(i - before, before + 1 + after).ToArray().Average(p => p.Value) };
        })];
    }
}
