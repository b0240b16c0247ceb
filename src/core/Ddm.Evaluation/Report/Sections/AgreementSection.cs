using System.Xml.Linq;
using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>What was measured on drawn pictures: class agreement and distances.</summary>
internal static class AgreementSection
{
    public static ReportSection? Build(ReportModel model) => model.Agreements.Count == 0 && model.Distances.Count == 0
        ? null
        : ReportSection.Of("quality", "Measured quality", model.Agreements.Count == 0 ? null : Agreement(model), model.Distances.Count == 0 ? null : Distances(model));

    private static XElement?[] Agreement(ReportModel model)
    {
        var first = model.Agreements[0];
        var classes = first.Result.PerClass.Count;
        var names = Blocks.ClassNames(model, classes);
        var calibration = first.Result.Calibration;
        var head = new List<string> { "Class" };
        head.AddRange(model.Agreements.Select(agreement => agreement.Title));
        head.AddRange(calibration is null ? [] : ["real, held out"]);
        var shown = Enumerable.Range(0, classes).OrderBy(c => first.Result.PerClass[c]).Take(Blocks.MaxHeatColumns).Order().ToArray();
        var rows = shown.Select(c => Row(names[c], result => result.PerClass[c])).ToList();
        rows.Add(Row("lowest class", result => result.WorstClass));

        return
        [
            Blocks.Paragraph(
                "Agreement is the share of drawn pictures in which a small convolutional network, trained on the same training images and their labels, finds the class that was asked for."
                + (calibration is null
                    ? string.Empty
                    : $" On held-out real images it agrees with the label in {Figures.Percent(calibration.Overall)} of {Figures.Count(calibration.Pictures)} cases: "
                    + "a perfect model would come out near that figure, and one that draws only easy examples above it.")),
            Blocks.Table(
                $"Agreement with the class asked for; {Figures.Count(first.Result.Pictures)} pictures drawn by {first.Title}"
                    + (shown.Length < classes ? $". Of {Figures.Count(classes)} classes the {Figures.Count(shown.Length)} lowest are shown." : string.Empty),
                head,
                rows,
                Row("all", result => result.Overall)),
            classes > Blocks.MaxHeatColumns
                ? null
                : Blocks.Heat($"What the classifier found in pictures drawn by {first.Title}: asked for down, found across", "asked for", names, names, first.Result.Confusion),
        ];

        IReadOnlyList<object> Row(string name, Func<ClassAgreementResult, double> share)
        {
            var cells = new List<object> { name };
            cells.AddRange(model.Agreements.Select(agreement => Figures.Percent(share(agreement.Result))));
            cells.AddRange(calibration is null ? [] : [Figures.Percent(share(calibration))]);
            return cells;
        }
    }

    private static XElement[] Distances(ReportModel model) =>
    [
        El("h3", "Distance from real images"),
        Blocks.Table(
            "Distances between feature distributions; lower is closer. Compare rows of equal counts only: the Fréchet distance shrinks as counts grow.",
            ["Pictures", "Features", "Drawn", "Real", "Fréchet", "Kernel × 1000"],
            model.Distances.Select(distance => (IReadOnlyList<object>)
            [
                distance.Title, distance.Features, Figures.Count(distance.Pictures), Figures.Count(distance.Real), Figures.Decimal(distance.Frechet, 2), Figures.Decimal(1000 * distance.Kernel, 2),
            ]),
            null,
            1),
    ];
}
