using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>The router on held-out rows, by time.</summary>
internal static class RouterSection
{
    private const double Apart = 0.98; // nearer than this, two dashed lines would read as one

    public static ReportSection? Build(ReportModel model) => model.Router is not { } router
        ? null
        : ReportSection.Of(
            "router",
            "Router",
            El(
                "p",
                "The router’s p(k | x",
                El("sub", "t"),
                $", t, c) on {Figures.Count(router.Rows)} held-out images, each seen once in every interval of t with fixed noise. "
                + "t = 0 is the clean image, t = 1 is pure noise; sampling runs from right to left."),
            Blocks.Figure(Information(router), InformationCaption(router)),
            Blocks.Figure(Correctness(router), CorrectnessCaption(router)),
            Table(router));

    private static Chart Information(RouterReport router)
    {
        var near = router.PriorEntropy > Apart * router.UniformEntropy;
        var (guessing, shares) = ($"guessing: log K = {Figures.Decimal(router.UniformEntropy)}", $"cluster shares: {Figures.Decimal(router.PriorEntropy)}");
        var lines = new List<ChartLine>
        {
            new("cross-entropy", 0, Points(router, bin => bin.CrossEntropy)) { Marked = true },
            new("entropy of the predictions", 1, Points(router, bin => bin.Entropy)) { Marked = true },
            Reference(near ? $"{guessing}; {shares}" : guessing, -1, router.UniformEntropy),
        };
        if (!near)
        {
            lines.Add(Reference(shares, 2, router.PriorEntropy));
        }

        if (router.ClassPriorEntropy is { } given)
        {
            lines.Add(Reference($"cluster given the class: {Figures.Decimal(given)}", 3, given));
        }

        var top = router.Bins.Select(bin => bin.CrossEntropy).Where(double.IsFinite).Append(router.UniformEntropy).Max();
        return new Chart("Cross-entropy and entropy over t", "t", "nats", lines) { XRange = (0, 1), YRange = (0, top > 0 ? 1.08 * top : 1) };
    }

    private static Chart Correctness(RouterReport router) => new(
        "Accuracy and calibration over t",
        "t",
        "share",
        [
            new("accuracy", 4, Points(router, bin => bin.Accuracy)) { Marked = true },
            new("calibration error", 5, Points(router, bin => bin.CalibrationError)) { Marked = true },
            Reference("always the largest cluster", -1, router.LargestShare),
        ])
    {
        XRange = (0, 1),
        YRange = (0, 1.02),
    };

    private static string InformationCaption(RouterReport router)
    {
        var text = "Near t = 0 cross-entropy should be close to zero. Near t = 1 it should approach ";
        text += router.ClassPriorEntropy is { } given
            ? $"{Figures.Decimal(given)} nats, the entropy of the cluster given the class, which is all that can be known there; "
            : $"{Figures.Decimal(router.PriorEntropy)} nats, the entropy of the cluster shares, which is all that can be known there; ";
        return text + $"above log K = {Figures.Decimal(router.UniformEntropy)} guessing would do better. Where the predictions’ own entropy lies below the cross-entropy, the router is over-confident.";
    }

    private static string CorrectnessCaption(RouterReport router)
        => $"Always answering the largest cluster would be right in {Figures.Percent(router.LargestShare)} of cases. Calibration error is the mean gap between the confidence of an answer and how often "
        + "such answers are right: strategies that draw or mix by these probabilities rely on it being small.";

    private static System.Xml.Linq.XElement Table(RouterReport router) => Blocks.Table(
        "The same in figures",
        ["t", "Cross-entropy", "Entropy", "Accuracy", "Calibration error", "Predictions"],
        router.Bins.Select(bin => (IReadOnlyList<object>)
        [
            $"{Figures.Decimal(bin.From, 2)} to {Figures.Decimal(bin.To, 2)}",
            Figures.Decimal(bin.CrossEntropy),
            Figures.Decimal(bin.Entropy),
            Figures.Percent(bin.Accuracy),
            Figures.Decimal(bin.CalibrationError),
            Figures.Count(bin.Count),
        ]));

    private static ChartLine Reference(string name, int colour, double value) => new(name, colour, [(0, value), (1, value)]) { Dashed = true };

    private static IReadOnlyList<(double X, double Y)> Points(RouterReport router, Func<RouterBin, double> value) => [.. router.Bins.Select(bin => (bin.Middle, value(bin)))];
}
