using System.Globalization;
using System.Xml.Linq;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Ddm.Evaluation;

/// <summary>Draws charts as inline SVG. Text is measured by built-in metrics: no font and no native library is needed.</summary>
internal static class ChartSvg
{
    private const double Width = 720, Height = 320, BarHeight = 34;
    private const double DefaultSpan = 1;
    private const double LogFrom = 3; // below this ratio of the ends a logarithmic axis has too few round ticks

    /// <summary>A chart of lines. Points that are not finite, and those not positive on a logarithmic axis, are left out; a chart of none is an empty frame.</summary>
    public static XElement Lines(Chart chart)
    {
        var lines = chart.Lines.Select(line => (Line: line, Points: line.Points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).ToArray())).ToArray();
        var all = lines.SelectMany(line => line.Points).ToArray();
        var log = chart.LogY && all.Length > 0 && all.Min(p => p.Y) > 0 && all.Max(p => p.Y) > LogFrom * all.Min(p => p.Y);
        var model = Model();
        model.Axes.Add(Horizontal(chart.XTitle, chart.XRange ?? Range(all.Select(p => p.X), pad: 0)));
        model.Axes.Add(Vertical(chart.YTitle, chart.YRange ?? (log ? LogRange(all.Select(p => p.Y)) : Range(all.Select(p => p.Y), pad: 0.06)), log));
        foreach (var (line, points) in lines.OrderBy(line => line.Line.Faint ? 0 : 1))
        {
            model.Series.Add(Series(line, points));
        }

        return SvgTheme.Apply(Export(model, Height), chart.Title);
    }

    /// <summary>Horizontal bars with their labels at the ends, and an optional dashed limit.</summary>
    public static XElement Bars(string title, string axisTitle, IReadOnlyList<ChartBar> bars, double? limit = null)
    {
        var model = Model();
        model.Axes.Add(Horizontal(axisTitle, (0, LongestBar(bars, limit ?? 0))));
        var categories = new CategoryAxis
        {
            Position = AxisPosition.Left,
            StartPosition = 1,
            EndPosition = 0,
            IsTickCentered = true,
            TickStyle = TickStyle.None,
            GapWidth = 0.45,
            AxislineColor = SvgTheme.Axis,
            AxislineStyle = LineStyle.Solid,
            TextColor = SvgTheme.Ink,
        };
        var rectangles = new RectangleBarSeries { StrokeThickness = 0 };
        for (var i = 0; i < bars.Count; i++)
        {
            categories.Labels.Add(Html.Text(bars[i].Name));
            if (!double.IsFinite(bars[i].Value))
            {
                continue;
            }

            rectangles.Items.Add(new RectangleBarItem(0, i - 0.32, bars[i].Value, i + 0.32) { Color = SvgTheme.Colour(bars[i].Colour) });
            model.Annotations.Add(new TextAnnotation
            {
                Text = Html.Text(bars[i].Label),
                TextPosition = new DataPoint(bars[i].Value, i),
                TextHorizontalAlignment = HorizontalAlignment.Left,
                TextVerticalAlignment = VerticalAlignment.Middle,
                Offset = new ScreenVector(6, 0),
                StrokeThickness = 0,
                TextColor = SvgTheme.Ink,
            });
        }

        model.Axes.Add(categories);
        model.Series.Add(rectangles);
        if (limit is { } at)
        {
            model.Annotations.Add(new LineAnnotation { Type = LineAnnotationType.Vertical, X = at, Color = SvgTheme.Ink, LineStyle = LineStyle.Dash, StrokeThickness = 1.2 });
        }

        return SvgTheme.Apply(Export(model, 64 + (BarHeight * Math.Max(1, bars.Count))), title);
    }

    private static PlotModel Model() => new()
    {
        Culture = CultureInfo.InvariantCulture,
        DefaultFont = SvgTheme.FontStandIn,
        DefaultFontSize = 12,
        PlotAreaBorderThickness = new OxyThickness(0),
        PlotAreaBorderColor = SvgTheme.Axis,
        TextColor = SvgTheme.Ink,
        Padding = new OxyThickness(4, 10, 16, 4),
        Background = OxyColors.Undefined,
    };

    private static LinearAxis Horizontal(string title, (double From, double To) range) => Style(new LinearAxis
    {
        Position = AxisPosition.Bottom,
        Minimum = range.From,
        Maximum = range.To,
        MajorGridlineStyle = LineStyle.None,
        AxislineStyle = LineStyle.Solid,
        TickStyle = TickStyle.Outside,
    }, title);

    private static Axis Vertical(string title, (double From, double To) range, bool log) => log
        ? Style(new LogarithmicAxis { Position = AxisPosition.Left, Minimum = range.From, Maximum = range.To, PowerPadding = false, MajorGridlineStyle = LineStyle.Solid }, title)
        : Style(new LinearAxis { Position = AxisPosition.Left, Minimum = range.From, Maximum = range.To, MajorGridlineStyle = LineStyle.Solid }, title);

    private static T Style<T>(T axis, string title)
        where T : Axis
    {
        axis.Title = title;
        axis.MajorGridlineColor = SvgTheme.Grid;
        axis.MinorTickSize = 0;
        axis.MajorTickSize = axis.Position == AxisPosition.Bottom ? 4 : 0;
        axis.TicklineColor = SvgTheme.Axis;
        axis.AxislineColor = SvgTheme.Axis;
        axis.TextColor = SvgTheme.Ink;
        axis.TitleColor = SvgTheme.Ink;
        axis.AxisTitleDistance = 8;
        axis.StringFormat = axis is LogarithmicAxis ? "0.###" : null;
        return axis;
    }

    private static LineSeries Series(ChartLine line, IEnumerable<(double X, double Y)> points)
    {
        var colour = line.Colour < 0 ? SvgTheme.Ink : SvgTheme.Colour(line.Colour);
        var series = new LineSeries
        {
            Color = line.Faint ? SvgTheme.Pale(line.Colour) : colour,
            StrokeThickness = line.Faint ? 1 : line.Colour < 0 ? 1.2 : 2,
            LineStyle = line.Dashed ? LineStyle.Dash : LineStyle.Solid,
            LineJoin = LineJoin.Round,
            MarkerType = line.Marked ? MarkerType.Circle : MarkerType.None,
            MarkerSize = 3,
            MarkerFill = colour,
        };
        series.Points.AddRange(points.Select(p => new DataPoint(p.X, p.Y)));
        return series;
    }

    // Every label must fit between the end of its bar and the frame.
    private static double LongestBar(IReadOnlyList<ChartBar> bars, double limit)
    {
        const double frame = 520, character = 7, gap = 14;
        var ends = bars.Where(bar => double.IsFinite(bar.Value)).Select(bar => bar.Value / Math.Max(0.3, 1 - ((gap + (character * bar.Label.Length)) / frame)));
        var longest = ends.Append(1.05 * limit).Max();
        return longest > 0 ? longest : DefaultSpan;
    }

    private static (double From, double To) Range(IEnumerable<double> values, double pad)
    {
        var list = values.ToArray();
        if (list.Length == 0)
        {
            return (0, DefaultSpan);
        }

        var (low, high) = (list.Min(), list.Max());
        var span = high - low;
        return span > 0 ? (low - (pad * span), high + (pad * span)) : (low - Math.Max(DefaultSpan / 2, Math.Abs(low) / 10), low + Math.Max(DefaultSpan / 2, Math.Abs(low) / 10));
    }

    private static (double From, double To) LogRange(IEnumerable<double> values)
    {
        var (low, high) = Range(values.Select(value => Math.Log(value)), pad: 0.06);
        return (Math.Exp(low), Math.Exp(high));
    }

    // Fonts differ from reader to reader: room for a wide one.
    private sealed class GenerousText() : PdfRenderContext(1, 1, OxyColors.Undefined)
    {
        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
            => string.IsNullOrEmpty(text) ? OxySize.Empty : new OxySize(0.62 * fontSize * text.Length, 1.2 * fontSize);
    }

    private static string Export(PlotModel model, double height)
        => new SvgExporter { Width = Width, Height = height, IsDocument = false, TextMeasurer = new GenerousText() }.ExportToString(model);
}
