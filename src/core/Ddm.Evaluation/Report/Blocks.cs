using System.Globalization;
using System.Xml.Linq;
using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>The building blocks of sections.</summary>
internal static class Blocks
{
    /// <summary>A paragraph.</summary>
    public static XElement Paragraph(string text) => El("p", text);

    /// <summary>A table whose columns are numbers, apart from the first and those named in <paramref name="textColumns"/>.</summary>
    public static XElement Table(string caption, IReadOnlyList<string> head, IEnumerable<IReadOnlyList<object>> rows, IReadOnlyList<object>? foot = null, params int[] textColumns)
    {
        XElement Row(IReadOnlyList<object> cells) => El(
            "tr",
            cells.Select((cell, i) => i == 0 ? El("th", At("scope", "row"), cell) : El("td", textColumns.Contains(i) ? Class("text") : null, cell)));

        return Scroll(El(
            "table",
            El("caption", El("span", caption)),
            El("thead", El("tr", head.Select((name, i) => El("th", At("scope", "col"), i == 0 || textColumns.Contains(i) ? Class("text") : null, name)))),
            El("tbody", rows.Select(Row)),
            foot is null ? null : El("tfoot", Row(foot))));
    }

    /// <summary>A table of counts whose cells are shaded by their share of the row.</summary>
    public static XElement Heat(string caption, string corner, IReadOnlyList<string> columns, IReadOnlyList<string> rows, IReadOnlyList<IReadOnlyList<long>> counts)
    {
        var strongest = counts.Where(row => row.Sum() > 0).Select(row => row.Max() / (double)row.Sum()).DefaultIfEmpty(1).Max();
        return Scroll(El(
            "table",
            Class("heat"),
            El("caption", El("span", caption)),
            El("thead", El("tr", El("th", Class("text"), At("scope", "col"), corner), columns.Select(name => El("th", At("scope", "col"), El("span", name))))),
            El("tbody", rows.Select((name, i) => El("tr", El("th", At("scope", "row"), name), counts[i].Select(count => Cell(count, counts[i].Sum())))))));

        XElement Cell(long count, long total)
        {
            var share = total == 0 ? 0 : count / (double)total;
            return El("td", At("style", string.Create(CultureInfo.InvariantCulture, $"--v:{0.75 * share / strongest:F3}")), count == 0 ? El("span", Class("zero"), "0") : Figures.Count(count));
        }
    }

    /// <summary>The most columns that a reader can still compare.</summary>
    public const int MaxHeatColumns = 30;

    /// <summary>A chart with its legend and caption.</summary>
    public static XElement Figure(Chart chart, string caption)
    {
        var named = chart.Lines.Where(line => line.Name.Length > 0).ToArray();
        var legend = named.Length < 2 && named.All(line => line.Colour >= 0) ? null : El("ul", Class("legend"), named.Select(Key));
        return El("figure", Class("chart"), El("p", Class("title"), chart.Title), Scroll(ChartSvg.Lines(chart)), legend, El("figcaption", caption));
    }

    /// <summary>A bar chart with its caption.</summary>
    public static XElement Figure(string title, XElement bars, string caption)
        => El("figure", Class("chart"), El("p", Class("title"), title), Scroll(bars), El("figcaption", caption));

    /// <summary>A picture inside the file.</summary>
    public static XElement Png(ReadOnlyMemory<byte> png, string alt)
        => El("img", At("src", "data:image/png;base64," + Convert.ToBase64String(png.Span)), At("alt", alt), At("loading", "lazy"));

    /// <summary>Names where there are some, else numbers.</summary>
    public static IReadOnlyList<string> ClassNames(ReportModel model, int classes)
    {
        var names = model.Dataset?.ClassNames ?? [];
        return [.. Enumerable.Range(0, classes).Select(c => c < names.Count ? names[c] : "class " + Figures.Count(c))];
    }

    private static XElement Key(ChartLine line)
    {
        var colour = line.Colour < 0 ? "var(--ink)" : string.Create(CultureInfo.InvariantCulture, $"var(--c{line.Colour % SvgTheme.Colours})");
        return El("li", El("span", Class(line.Dashed ? "key dashed" : "key"), At("style", "--k:" + colour)), line.Name);
    }

    private static XElement Scroll(XElement wide) => El("div", Class("scroll"), wide);
}
