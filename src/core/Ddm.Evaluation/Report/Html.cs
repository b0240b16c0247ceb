using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Ddm.Evaluation;

/// <summary>
/// Elements of an HTML document that is well-formed XML too. The tree does the encoding; what XML cannot hold is replaced here, so that no
/// name a user gives can break or inject markup.
/// </summary>
internal static class Html
{
    private static readonly XNamespace Namespace = "http://www.w3.org/1999/xhtml";
    private static readonly HashSet<string> Void = ["br", "col", "hr", "img", "meta"];

    /// <summary>An element. Content: strings are text, attributes and elements are themselves, sequences are flattened, null is nothing.</summary>
    public static XElement El(string name, params object?[] content)
    {
        var element = new XElement(Namespace + name, content.Select(Clean));
        if (element.IsEmpty && !Void.Contains(name))
        {
            element.Add(string.Empty); // <td></td>: HTML does not know <td/>
        }

        return element;
    }

    /// <summary>An attribute.</summary>
    public static XAttribute At(string name, string value) => new(name, Text(value));

    /// <summary>A class attribute.</summary>
    public static XAttribute Class(string value) => new("class", value);

    /// <summary>Text in which every character that XML forbids is U+FFFD.</summary>
    public static string Text(string text)
    {
        var clean = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i]))
            {
                clean.Append(text[i]).Append(text[++i]);
            }
            else
            {
                clean.Append(XmlConvert.IsXmlChar(text[i]) ? text[i] : '\uFFFD');
            }
        }

        return clean.ToString();
    }

    /// <summary>The document, with its doctype.</summary>
    public static string Document(XElement html) => "<!DOCTYPE html>\n" + html.ToString(SaveOptions.DisableFormatting) + "\n";

    private static object? Clean(object? content) => content switch
    {
        string text => Text(text),
        IEnumerable<object> sequence when content is not XObject => sequence.Select(Clean).ToArray(),
        _ => content,
    };
}
