using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace Ddm.Evaluation.Tests;

public sealed partial class ReportTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml";
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void ShowsWhatARunIsJudgedBy()
    {
        var model = ReportSamples.Full();
        var page = Parse(ReportWriter.Write(model));
        var text = page.Root!.Value;

        Assert.Contains(model.RunName, text, StringComparison.Ordinal);
        Assert.Contains(model.SpecText, text, StringComparison.Ordinal);
        Assert.Contains(model.Warnings[0], text, StringComparison.Ordinal);
        Assert.All(model.Commands, command => Assert.Contains(command.CommandLine, text, StringComparison.Ordinal));
        Assert.All(model.Roles, role => Assert.Contains(role.CheckpointSha256!, text, StringComparison.Ordinal));
        Assert.All(model.Grids, grid => Assert.Contains(grid.Title, text, StringComparison.Ordinal));
        Assert.All(ReportSamples.ClassNames, name => Assert.Contains(name, text, StringComparison.Ordinal));
        Assert.Contains("The router took 4.0 % of the arithmetic.", text, StringComparison.Ordinal);
        Assert.Contains("log K = 1.386; cluster shares: 1.379", text, StringComparison.Ordinal);
        Assert.Equal(model.Grids.Count + model.Clusters!.ContactSheets.Count, page.Descendants(Html + "img").Count());
        Assert.Equal(9, page.Descendants(Svg + "svg").Count());
    }

    [Fact]
    public void NeedsNothingFromOutside()
    {
        var page = Parse(ReportWriter.Write(ReportSamples.Full()));
        Assert.Empty(page.Descendants(Html + "script"));
        Assert.Empty(page.Descendants(Html + "link"));
        var targets = page.Descendants().Attributes().Where(a => a.Name.LocalName is "src" or "href").Select(a => a.Value);
        Assert.All(targets, target => Assert.True(target.StartsWith("data:image/png;base64,", StringComparison.Ordinal) || target.StartsWith('#'), target));
        Assert.DoesNotContain("url(http", page.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("@import", page.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void EveryLinkLeadsSomewhereAndEveryIdIsUnique()
    {
        var page = Parse(ReportWriter.Write(ReportSamples.Full()));
        var ids = page.Descendants().Attributes("id").Select(a => a.Value).ToArray();
        Assert.Equal(ids.Length, ids.Distinct().Count());
        var links = page.Descendants(Html + "nav").Descendants(Html + "a").Select(a => a.Attribute("href")!.Value[1..]).ToArray();
        Assert.Equal(["samples", "quality", "clusters", "training", "router", "cost", "reproduce"], links);
        Assert.Subset(ids.ToHashSet(), links.ToHashSet());
        var clips = ClipReference().Matches(page.ToString()).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.NotEmpty(clips);
        Assert.Subset(ids.ToHashSet(), clips);
    }

    [Fact]
    public void EveryPictureHasAnAlternativeText()
    {
        var page = Parse(ReportWriter.Write(ReportSamples.Full()));
        Assert.All(page.Descendants(Html + "img"), image => Assert.NotEmpty(image.Attribute("alt")!.Value));
        Assert.All(page.Descendants(Svg + "svg"), chart => Assert.NotEmpty(chart.Element(Svg + "title")!.Value));
        Assert.All(page.Descendants(Html + "figure"), figure => Assert.NotEmpty(figure.Element(Html + "figcaption")!.Value));
    }

    [Fact]
    public void ChartsWearThePagesColours()
    {
        var page = Parse(ReportWriter.Write(ReportSamples.Full()));
        Assert.All(page.Descendants(Svg + "svg"), chart => Assert.DoesNotContain("rgb(", chart.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("\"><img src=x onerror=alert(1)>")]
    [InlineData("a & b ]]> <!-- é 日本 \ud83d\ude00")]
    [InlineData("nul \0 bell \u0007 lone \ud800 surrogate")]
    public void HostileNamesStayText(string name)
    {
        var model = ReportSamples.Full();
        var html = ReportWriter.Write(model with
        {
            RunName = name,
            SpecText = name,
            DefaultStrategy = name,
            ModelVersion = name,
            Warnings = [name],
            Dataset = model.Dataset! with { ClassNames = [.. Enumerable.Repeat(name, 10)] },
            Clusters = model.Clusters! with { Features = name },
            Roles = [.. model.Roles.Select(role => role with { Role = name, Status = name, CheckpointSha256 = name })],
            Grids = [new SampleGrid(name, new byte[] { 1 }, name, name)],
            Agreements = [new AgreementFacts(name, model.Agreements[0].Result)],
            Distances = [new DistanceFacts(name, name, 1, 1, 1, 1)],
            Stages = [new StageCost(name, 1)],
            Versions = [new NamedValue(name, name)],
            Commands = [new ReportCommand(name, name)],
        });
        var page = Parse(html);
        Assert.Empty(page.Descendants(Html + "script"));
        Assert.Equal(1 + model.Clusters!.ContactSheets.Count, page.Descendants(Html + "img").Count());
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.Contains(name.Replace('\0', '\uFFFD').Replace('\u0007', '\uFFFD').Replace('\ud800', '\uFFFD'), page.Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void OfARunWithNothingItIsStillAPage()
    {
        var page = Parse(ReportWriter.Write(new ReportModel { RunName = "empty", SpecText = "name: empty", WrittenAt = DateTimeOffset.UnixEpoch }));
        Assert.Equal(["reproduce"], page.Descendants(Html + "section").Select(section => section.Attribute("id")!.Value));
    }

    [Fact]
    public void RolesThatNeverStartedAreShownAsTheyAre()
    {
        var page = Parse(ReportWriter.Write(new ReportModel
        {
            RunName = "failed",
            SpecText = string.Empty,
            WrittenAt = DateTimeOffset.UnixEpoch,
            Roles = [new RoleFacts { Role = "experts/0", Status = "failed", TargetSteps = 10 }, new RoleFacts { Role = "router", IsRouter = true, TrainingLoss = [new(1, double.NaN)] }],
            Clusters = new ClusterFacts { Features = "pixels", Sizes = [] },
            Router = ReportSamples.Router() with { Bins = [] },
        }));
        Assert.Contains("failed", page.Root!.Value, StringComparison.Ordinal);
        Assert.Contains("0 of 10", page.Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void AThousandClassesDoNotMakeAThousandColumns()
    {
        const int classes = 1000;
        var confusion = Enumerable.Range(0, classes).Select(a => (IReadOnlyList<long>)[.. Enumerable.Range(0, classes).Select(b => a == b ? 3L : 0)]).ToArray();
        var result = new ClassAgreementResult(3000, 1, [.. Enumerable.Repeat(1.0, classes)], confusion, null);
        var html = ReportWriter.Write(ReportSamples.Full() with
        {
            Agreements = [new AgreementFacts("full", result)],
            Clusters = ReportSamples.Full().Clusters! with { ClassesByCluster = [.. confusion.Take(4)] },
        });
        Assert.True(html.Length < 1_000_000, $"{html.Length} characters");
        Assert.Contains("Of 1,000 classes the 30 lowest are shown", Parse(html).Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void EqualModelsGiveEqualText() => Assert.Equal(ReportWriter.Write(ReportSamples.Full()), ReportWriter.Write(ReportSamples.Full()));

    [Fact]
    public void NoElementClosesItselfUnlessHtmlLetsIt()
    {
        var html = ReportWriter.Write(ReportSamples.Full());
        var body = SvgElement().Replace(html, string.Empty);
        Assert.All(SelfClosed().Matches(body).Select(match => match.Groups[1].Value), name => Assert.Contains(name, new[] { "meta", "img", "br", "col", "hr" }));
    }

    internal static XDocument Parse(string html)
    {
        using var reader = XmlReader.Create(new StringReader(html), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }

    internal static IEnumerable<double> Coordinates(XElement chart)
        => from attribute in chart.DescendantsAndSelf().Attributes()
           where attribute.Name.LocalName is "points" or "x" or "y" or "x1" or "x2" or "y1" or "y2" or "cx" or "cy" or "width" or "height" or "transform" or "viewBox" or "d"
           from Match number in Number().Matches(attribute.Value)
           select double.TryParse(number.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;

    [GeneratedRegex(@"url\(#([^)]+)\)")]
    private static partial Regex ClipReference();

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex SvgElement();

    [GeneratedRegex("<([a-z0-9]+)[^>]*/>")]
    private static partial Regex SelfClosed();

    [GeneratedRegex(@"NaN|∞|Infinity|-?\d+(\.\d+)?([eE][-+]?\d+)?")]
    private static partial Regex Number();
}
