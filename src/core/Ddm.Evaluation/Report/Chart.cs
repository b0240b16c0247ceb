namespace Ddm.Evaluation;

/// <summary>A line of a chart.</summary>
/// <param name="Name">Its name in the legend; empty: not in the legend.</param>
/// <param name="Colour">Number of its colour; negative: the ink of the text, for reference lines.</param>
/// <param name="Points">(x, y); points that are not finite are left out.</param>
internal sealed record ChartLine(string Name, int Colour, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Drawn thin and pale, behind the others.</summary>
    public bool Faint { get; init; }

    /// <summary>Drawn dashed.</summary>
    public bool Dashed { get; init; }

    /// <summary>Each point marked.</summary>
    public bool Marked { get; init; }
}

/// <summary>A chart of lines.</summary>
internal sealed record Chart(string Title, string XTitle, string YTitle, IReadOnlyList<ChartLine> Lines)
{
    /// <summary>Logarithmic y where every value is positive and the ends lie far apart.</summary>
    public bool LogY { get; init; }

    /// <summary>Ends of the x axis, or null: the data's.</summary>
    public (double From, double To)? XRange { get; init; }

    /// <summary>Ends of the y axis, or null: the data's.</summary>
    public (double From, double To)? YRange { get; init; }
}

/// <summary>A bar of a chart.</summary>
internal sealed record ChartBar(string Name, double Value, string Label, int Colour);
