using System.Xml.Linq;

namespace Ddm.Evaluation.Tests;

public sealed class ChartTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public static TheoryData<string, double[]> Series => new()
    {
        { "none", [] },
        { "one", [0.5] },
        { "one zero", [0] },
        { "constant", [2, 2, 2] },
        { "holes", [1, double.NaN, 3, double.PositiveInfinity, double.NegativeInfinity, 2] },
        { "nothing finite", [double.NaN, double.NaN] },
        { "negative", [-1, 1, -2] },
        { "zeros under a logarithm", [0, 1e-9, 10] },
        { "far apart", [1e-12, 1e12] },
        { "huge", [1e300, 2e300] },
        { "tiny", [1e-300, 2e-300] },
    };

    [Theory]
    [MemberData(nameof(Series))]
    public void LinesHaveFiniteCoordinates(string name, double[] values)
    {
        var points = values.Select((value, i) => ((double)i, value)).ToArray();
        foreach (var log in new[] { false, true })
        {
            var chart = ChartSvg.Lines(new Chart(name, "step", "loss", [new ChartLine("a", 0, points), new ChartLine("b", 1, points) { Faint = true, Marked = true }, new ChartLine("c", -1, []) { Dashed = true }]) { LogY = log });
            AssertFinite(chart);
        }
    }

    [Theory]
    [MemberData(nameof(Series))]
    public void BarsHaveFiniteCoordinates(string name, double[] values)
    {
        AssertFinite(ChartSvg.Bars(name, "rows", [.. values.Select((value, i) => new ChartBar($"bar {i}", Math.Abs(value), "label", i))]));
        AssertFinite(ChartSvg.Bars(name, "rows", [.. values.Select((value, i) => new ChartBar($"bar {i}", Math.Abs(value), "label", i))], limit: 3));
    }

    [Fact]
    public void WhatIsNotFiniteLeavesTheAxesAlone()
    {
        var points = new[] { 1, double.NaN, 3, double.PositiveInfinity, double.NegativeInfinity, 2 }.Select((value, i) => ((double)i, value)).ToArray();
        Assert.Equal(Labels([.. points.Where(point => double.IsFinite(point.value))]), Labels(points));

        static string[] Labels((double X, double Y)[] points)
            => [.. ChartSvg.Lines(new Chart("holes", "step", "loss", [new ChartLine("a", 0, points)])).Descendants(Svg + "text").Select(text => text.Value)];
    }

    [Fact]
    public void ALongLabelEndsInsideTheFrame()
    {
        var chart = ChartSvg.Bars("time", "seconds", [new ChartBar("training", 100, "3 min 24 s, 82.4 %", 0)]);
        var label = chart.Descendants(Svg + "text").Single(text => text.Value.StartsWith("3 min", StringComparison.Ordinal));
        var x = ReportTests.Coordinates(label).First();
        Assert.InRange(x + (7 * label.Value.Length), 0, 720);
    }

    [Fact]
    public void SmoothingKeepsLevelAndLength()
    {
        var noisy = Enumerable.Range(0, 1000).Select(i => new CurvePoint(i, 5 + (i % 2 == 0 ? 1 : -1))).ToArray();
        var smooth = Curves.Smooth(noisy);
        Assert.Equal(1000, smooth.Count);
        Assert.All(smooth.Skip(50), point => Assert.InRange(point.Value, 4.9, 5.1));
        Assert.Equal([7.0], Curves.Smooth([new(1, 7), new(2, double.NaN)]).Select(point => point.Value));
        Assert.Empty(Curves.Smooth([]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(123_457)]
    public void ThinningKeepsTheLastPoint(int count)
    {
        var thin = Curves.Thin([.. Enumerable.Range(0, count).Select(i => new CurvePoint(i, i))]);
        Assert.InRange(thin.Count, Math.Min(count, 200), 400);
        Assert.Equal(count == 0 ? [] : [count - 1.0], thin.TakeLast(1).Select(point => point.X));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(999, "999")]
    [InlineData(1240000, "1.24 M")]
    [InlineData(31.04e12, "31.0 T")]
    [InlineData(999.7e9, "1.00 T")]
    [InlineData(double.NaN, "–")]
    public void LargeNumbersAreScaled(double value, string expected) => Assert.Equal(expected, Figures.Scaled(value));

    [Theory]
    [InlineData(3.14, "3.1 s")]
    [InlineData(59.97, "1 min 00 s")]
    [InlineData(247, "4 min 07 s")]
    [InlineData(3661, "1 h 01 min")]
    [InlineData(double.NaN, "–")]
    public void DurationsReadWell(double seconds, string expected) => Assert.Equal(expected, Figures.Duration(seconds));

    private static void AssertFinite(XElement chart)
    {
        var coordinates = ReportTests.Coordinates(chart).ToArray();
        Assert.NotEmpty(coordinates);
        Assert.All(coordinates, coordinate => Assert.True(double.IsFinite(coordinate) && Math.Abs(coordinate) < 1e5, $"{coordinate} in {chart}"));
    }
}
