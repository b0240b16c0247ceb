using System.Xml.Linq;

namespace Ddm.Evaluation;

/// <summary>What captions are worth to experts and router.</summary>
internal static class CaptionSection
{
    public static ReportSection? Build(ReportModel model) => model.Captions is { } captions ? ReportSection.Of("captions", "Captions", Content(captions)) : null;

    private static XElement[] Content(CaptionReport captions)
    {
        var routing = captions.Routing;
        return
        [
            Blocks.Paragraph(
                "Error of the velocity on held-out pictures (the training loss), by the expert of each picture’s own cluster: with the picture’s caption, with the caption of another picture "
                + "of the same cluster, and with none, on the same noise. "
                + $"The own caption gives the smaller error for {Figures.Percent(captions.RightWins)} of {Figures.Count(captions.Rows)} pictures."),
            Blocks.Table(
                "Velocity error by caption; differences with their standard error",
                ["t", "own caption", "another’s", "none", "another’s − own", "standard error"],
                captions.Bins.Select(bin => (IReadOnlyList<object>)
                [
                    $"{Figures.Decimal(bin.From, 1)} to {Figures.Decimal(bin.To, 1)}", Figures.Decimal(bin.Right, 4), Figures.Decimal(bin.Wrong, 4), Figures.Decimal(bin.None, 4),
                    Figures.Decimal(bin.WrongMinusRight.Mean, 4), Figures.Decimal(bin.WrongMinusRight.StandardError, 4),
                ]),
                ["all", Figures.Decimal(captions.Right, 4), Figures.Decimal(captions.Wrong, 4), Figures.Decimal(captions.None, 4),
                    Figures.Decimal(captions.WrongMinusRight.Mean, 4), Figures.Decimal(captions.WrongMinusRight.StandardError, 4)]),
            Blocks.Table(
                $"Top-1 at t above {Figures.Decimal(routing.From, 1)}, below which the noisy picture gives its cluster away; the chosen expert is told the caption either way. "
                    + $"Blind: {routing.Blind}. Blind − seeing: {Figures.Decimal(routing.BlindMinusSeeing.Mean, 4)} ± {Figures.Decimal(routing.BlindMinusSeeing.StandardError, 4)}",
                ["Router", "chooses the picture’s cluster", "velocity error"],
                [
                    ["sees the caption", Figures.Percent(routing.SeeingAccuracy), Figures.Decimal(routing.SeeingError, 4)],
                    ["blind", Figures.Percent(routing.BlindAccuracy), Figures.Decimal(routing.BlindError, 4)],
                    ["the true cluster", Figures.Percent(1), Figures.Decimal(routing.OwnError, 4)],
                ]),
        ];
    }
}
