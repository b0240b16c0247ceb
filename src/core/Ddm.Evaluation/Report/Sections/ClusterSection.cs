using System.Xml.Linq;
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
            clusters.ClassesByCluster is { Count: > 0 } counts ? Classes(model, counts) : null,
            clusters.ContactSheets.Count == 0 ? null : Sheets(clusters));

    private static XElement Classes(ReportModel model, IReadOnlyList<IReadOnlyList<long>> counts)
    {
        var names = Blocks.ClassNames(model, counts[0].Count);
        if (names.Count <= Blocks.MaxHeatColumns)
        {
            return Blocks.Heat(
                "Images of each class by cluster. A row with one dark cell is an expert on one kind of thing; an even row is a mixture.",
                "cluster",
                names,
                [.. counts.Select((_, k) => $"cluster {k}")],
                counts);
        }

        return Blocks.Table(
            "The commonest classes of each cluster",
            ["Cluster", "Classes"],
            counts.Select((row, k) => (IReadOnlyList<object>)[$"cluster {k}", string.Join(", ", Enumerable.Range(0, row.Count).OrderByDescending(c => row[c]).Take(5).Select(c => $"{names[c]} ({Figures.Count(row[c])})"))]),
            null,
            1);
    }

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

    private static XElement Sizes(ClusterFacts clusters)
    {
        var mean = clusters.Sizes.Count == 0 ? 0 : clusters.Sizes.Average();
        var bars = clusters.Sizes.Select((size, k) => new ChartBar($"cluster {k}", size, Figures.Count(size), k)).ToArray();
        return ChartSvg.Bars("Training images by cluster", "images", bars, clusters.Cap * mean);
    }

    private static string SizesCaption(ClusterFacts clusters) => clusters.Cap is { } cap
        ? $"No bar may pass the dashed line, {Figures.Decimal(cap, 2)} times the mean: the largest cluster sets how long the slowest expert needs for an epoch."
        : "The largest cluster sets how long the slowest expert needs for an epoch.";
}
