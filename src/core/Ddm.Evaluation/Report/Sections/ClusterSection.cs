using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>How the images were cut into clusters.</summary>
internal static class ClusterSection
{
    public static ReportSection? Build(ReportModel model) => model.Clusters is not { } clusters
        ? null
        : ReportSection.Of(
            "clusters",
            "Clusters",
            Blocks.Paragraph(Text(model, clusters)),
            Blocks.Figure("Training images by cluster", Sizes(clusters), SizesCaption(clusters)),
            clusters.ClassesByCluster is { Count: > 0 } counts
                ? Blocks.Heat(
                    "Images of each class by cluster. A row with one dark cell is an expert on one kind of thing; a pale row is a mixture.",
                    "cluster",
                    Blocks.ClassNames(model, counts[0].Count),
                    [.. counts.Select((_, k) => $"cluster {k}")],
                    counts)
                : null,
            clusters.ContactSheets.Count == 0 ? null : Sheets(clusters));

    private static object[] Sheets(ClusterFacts clusters) =>
    [
        El("h3", "What the clusters hold"),
        Blocks.Paragraph("Random members of each cluster. Images in one sheet should look alike, and unlike those of the other sheets."),
        El("div", Class("grids sheets"), clusters.ContactSheets.Select((png, k) => png.IsEmpty ? null : El(
            "figure",
            Blocks.Png(png, $"Random training images of cluster {k}"),
            El("figcaption", El("strong", $"cluster {k}"), " " + Words.Plural(k < clusters.Sizes.Count ? clusters.Sizes[k] : 0, "image")))).OfType<object>()),
    ];

    private static string Text(ReportModel model, ClusterFacts clusters)
    {
        var text = $"The training images were cut into {Words.Plural(clusters.Sizes.Count, "cluster")} by k-means on the features “{clusters.Features}”";
        text += clusters.FineCentroids > 0 ? $", first into {Figures.Count(clusters.FineCentroids)} fine cells, whose centroids were then grouped." : ".";
        text += $" The largest cluster is {Figures.Decimal(clusters.Imbalance, 2)} times the mean";
        text += clusters.Silhouette is { } silhouette
            ? $"; the mean silhouette of a sample is {Figures.Decimal(silhouette)} (1: far apart, 0: touching, below 0: mixed)."
            : ".";
        return model.Dataset is { QuarantinedRows: > 0 } data
            ? $"{text} {Words.Plural(data.QuarantinedRows, "image")} could not be read and {(data.QuarantinedRows == 1 ? "is" : "are")} in no cluster."
            : text;
    }

    private static System.Xml.Linq.XElement Sizes(ClusterFacts clusters)
    {
        var mean = clusters.Sizes.Count == 0 ? 0 : clusters.Sizes.Average();
        var bars = clusters.Sizes.Select((size, k) => new ChartBar($"cluster {k}", size, Figures.Count(size), k)).ToArray();
        return ChartSvg.Bars("Training images by cluster", "images", bars, clusters.Cap * mean);
    }

    private static string SizesCaption(ClusterFacts clusters) => clusters.Cap is { } cap
        ? $"No bar may pass the dashed line, {Figures.Decimal(cap, 2)} times the mean: the largest cluster sets how long the slowest expert needs for an epoch."
        : "The largest cluster sets how long the slowest expert needs for an epoch.";
}
