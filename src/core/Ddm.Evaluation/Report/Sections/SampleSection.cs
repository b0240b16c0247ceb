using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>Pictures at fixed seeds.</summary>
internal static class SampleSection
{
    public static ReportSection? Build(ReportModel model) => model.Grids.Count == 0
        ? null
        : ReportSection.Of(
            "samples",
            "Samples",
            Blocks.Paragraph(
                "Every grid starts from the same noise and asks for the same classes, so that pictures at the same place can be compared: what differs is who denoised them. "
                + "Nothing was picked by hand."),
            El("div", Class("grids"), model.Grids.Select(Figure)));

    private static object Figure(SampleGrid grid) => El(
        "figure",
        Blocks.Png(grid.Png, $"Grid of pictures drawn by {grid.Title}, seeds {grid.Seeds}"),
        El("figcaption", El("strong", grid.Title), grid.Note.Length == 0 ? null : El("span", " " + grid.Note), El("small", "Seeds " + grid.Seeds)));
}
