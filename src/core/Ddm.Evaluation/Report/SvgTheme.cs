using System.Globalization;
using System.Xml.Linq;
using OxyPlot;

namespace Ddm.Evaluation;

/// <summary>
/// Lets charts follow the page's light or dark scheme: OxyPlot draws with stand-in colours, which are exchanged for the style sheet's
/// variables in the finished SVG.
/// </summary>
internal static class SvgTheme
{
    /// <summary>Colours of the style sheet: --c0 to --c7.</summary>
    public const int Colours = 8;

    /// <summary>A font name that is exchanged for the page's own.</summary>
    public const string FontStandIn = "Arial";

    /// <summary>Text and reference lines.</summary>
    public static readonly OxyColor Ink = OxyColor.FromRgb(1, 2, 3);

    /// <summary>Axis lines.</summary>
    public static readonly OxyColor Axis = OxyColor.FromRgb(1, 2, 4);

    /// <summary>Grid lines.</summary>
    public static readonly OxyColor Grid = OxyColor.FromRgb(1, 2, 5);

    private const string ClipId = "clipPath"; // OxyPlot numbers its clips anew in every chart; ids must differ within the page

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";
    private static readonly Dictionary<string, string> Variables = Table();

    /// <summary>The stand-in of colour <paramref name="number"/>; numbers wrap around.</summary>
    public static OxyColor Colour(int number) => OxyColor.FromRgb(2, 2, (byte)(number % Colours));

    /// <summary>The stand-in of its pale form.</summary>
    public static OxyColor Pale(int number) => OxyColor.FromRgb(3, 2, (byte)(number % Colours));

    /// <summary>The chart as an element of the page: scalable, named, in the page's colours.</summary>
    public static XElement Apply(string svg, string title)
    {
        var root = XElement.Parse(svg);
        var prefix = new string([.. title.Where(char.IsAsciiLetter)]);
        foreach (var attribute in root.DescendantsAndSelf().Attributes().ToArray())
        {
            attribute.Value = Exchange(attribute.Name.LocalName, attribute.Value).Replace(ClipId, prefix + ClipId, StringComparison.Ordinal);
        }

        var (width, height) = (Number(root, "width"), Number(root, "height"));
        root.SetAttributeValue("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {width} {height}"));
        root.SetAttributeValue("width", null);
        root.SetAttributeValue("height", null);
        root.SetAttributeValue("role", "img");
        root.AddFirst(new XElement(Svg + "title", Html.Text(title)));
        return root;
    }

    private static string Exchange(string name, string value)
    {
        if (name == "font-family")
        {
            return "inherit";
        }

        foreach (var (standIn, variable) in Variables)
        {
            value = value.Replace(standIn, variable, StringComparison.OrdinalIgnoreCase);
        }

        return value;
    }

    private static double Number(XElement root, string name) => double.Parse(root.Attribute(name)!.Value.Replace("px", string.Empty, StringComparison.Ordinal), CultureInfo.InvariantCulture);

    private static Dictionary<string, string> Table()
    {
        var table = new Dictionary<string, string> { [Written(Ink)] = "var(--ink)", [Written(Axis)] = "var(--axis)", [Written(Grid)] = "var(--grid)" };
        for (var i = 0; i < Colours; i++)
        {
            table[Written(Colour(i))] = string.Create(CultureInfo.InvariantCulture, $"var(--c{i})");
            table[Written(Pale(i))] = string.Create(CultureInfo.InvariantCulture, $"var(--p{i})");
        }

        return table;
    }

    private static string Written(OxyColor colour) => string.Create(CultureInfo.InvariantCulture, $"rgb({colour.R},{colour.G},{colour.B})");
}
