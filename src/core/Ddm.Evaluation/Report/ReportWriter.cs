using System.Globalization;
using System.Xml.Linq;
using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>Writes a run's report as one HTML file that needs nothing else: charts are inline SVG, pictures data: URIs, no script runs.</summary>
public static class ReportWriter
{
    private static readonly Lazy<string> StyleSheet = new(ReadStyleSheet);

    /// <summary>The report, UTF-8 text that is well-formed XML as well as HTML. Equal models give equal text.</summary>
    public static string Write(ReportModel model)
    {
        var sections = new[]
        {
            SampleSection.Build(model),
            AgreementSection.Build(model),
            ClusterSection.Build(model),
            TrainingSection.Build(model),
            RouterSection.Build(model),
            CaptionSection.Build(model),
            CostSection.Build(model),
            ReproduceSection.Build(model),
        }.OfType<ReportSection>().ToArray();

        return Document(El(
            "html",
            At("lang", "en"),
            El(
                "head",
                El("meta", At("charset", "utf-8")),
                El("meta", At("name", "viewport"), At("content", "width=device-width, initial-scale=1")),
                El("meta", At("name", "color-scheme"), At("content", "light dark")),
                El("title", $"{model.RunName}: training report"),
                El("style", StyleSheet.Value)),
            El(
                "body",
                Header(model),
                Contents(sections),
                El("main", sections.Select(section => section.Element)),
                El("footer", El("p", $"Written {model.WrittenAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC by DdmAspire. This file needs no other.")))));
    }

    private static XElement Header(ReportModel model) => El(
        "header",
        El("p", Class("kind"), "Training report"),
        El("h1", model.RunName),
        El("p", Class("lead"), Lead(model)),
        model.Warnings.Count == 0
            ? null
            : El("div", Class("warnings"), At("role", "note"), El("h2", "Read this first"), El("ul", model.Warnings.Select(warning => El("li", warning)))),
        El("dl", Class("glance"), Glance(model).Select(fact => El("div", El("dt", fact.Name), El("dd", fact.Value)))));

    private static string Lead(ReportModel model)
    {
        var experts = model.Roles.Count(role => !role.IsRouter);
        var parts = $"A decentralized diffusion model: {Words.Plural(experts, "expert")}, each trained on its own cluster of the images, and a router that chooses among them.";
        if (model.Dataset is { } data)
        {
            parts += $" Trained on {Figures.Count(data.TrainingRows)} images of {data.ImageSize} × {data.ImageSize} {(data.Channels == 1 ? "grey" : "colour")} pixels; "
                + $"{Figures.Count(data.HeldOutRows)} more were held out.";
        }

        return model.ModelVersion is { } version ? $"{parts} Published as version {version}." : parts;
    }

    private static IEnumerable<NamedValue> Glance(ReportModel model)
    {
        if (model.Agreements.Count > 0)
        {
            var (title, result) = model.Agreements[0];
            yield return new NamedValue($"Class agreement, {title}", Figures.Percent(result.Overall));
            if (result.Calibration is { } real)
            {
                yield return new NamedValue("The same on real images", Figures.Percent(real.Overall));
            }
        }


        if (model.Stages.Count > 0)
        {
            yield return new NamedValue("Wall-clock time", Figures.Duration(model.Stages.Sum(stage => stage.Seconds)));
        }

        if (model.Roles.Any(role => role.TrainingFlops > 0))
        {
            yield return new NamedValue("Router’s share of training FLOPs", Figures.Percent(CostSection.RouterShare(model)));
        }

        if (model.DefaultStrategy is { } strategy)
        {
            yield return new NamedValue("Draws with", strategy);
        }
    }

    private static XElement Contents(IReadOnlyList<ReportSection> sections) => El(
        "nav",
        At("aria-label", "Contents"),
        El("ol", sections.Select(section => El("li", El("a", At("href", "#" + section.Id), section.Title)))));

    private static string ReadStyleSheet()
    {
        using var stream = typeof(ReportWriter).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(stream);
        return "\n" + reader.ReadToEnd();
    }
}
