using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Ddm.Runs;

/// <summary>
/// YAML as a tree of places, built from parsing events so that nothing a document says can create an object or grow: tags, anchors, aliases
/// and further documents are refused, size and depth are bounded.
/// </summary>
internal static class YamlTree
{
    /// <summary>A run's document holds its spec's text and stays under 64 KB.</summary>
    public const int MostBytes = 24 * 1024;

    private const int MostDepth = 8;

    /// <summary>The root of the file.</summary>
    /// <exception cref="UserErrorException">The text cannot be parsed.</exception>
    public static SpecNode Parse(string yaml, SpecContext context)
    {
        var bytes = Encoding.UTF8.GetByteCount(yaml);
        if (bytes > MostBytes)
        {
            throw context.Fatal(new Place(1, 1), $"the file has {bytes} bytes; a run spec has at most {MostBytes}");
        }

        RefuseTabs(yaml, context);
        context.ThrowIfRefused();
        using var text = new StringReader(yaml.TrimStart('\uFEFF'));
        var parser = new Parser(text);
        try
        {
            return Document(parser, context);
        }
        catch (YamlException error)
        {
            throw context.Fatal(At(error.Start), $"not YAML: {Printable.Text(error.Message)}");
        }
        catch (Exception error) when (error is not UserErrorException)
        {
            // The scanner meets some broken texts with other exceptions, such as an InvalidOperationException inside a '{' that is not closed.
            throw context.Fatal(At(parser.Current?.End ?? Mark.Empty), "not YAML from here on; look for a bracket or quote that is not closed");
        }
    }

    private static void RefuseTabs(string yaml, SpecContext context)
    {
        var number = 0;
        foreach (var line in yaml.AsSpan().EnumerateLines())
        {
            number++;
            var column = line.IndexOfAnyExcept(' ');
            if (column >= 0 && line[column] == '\t')
            {
                context.Refuse(new Place(number, column + 1), "", "a tab in the indentation; use spaces");
            }
        }
    }

    private static SpecNode Document(Parser parser, SpecContext context)
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            throw context.Fatal(new Place(1, 1), "the file is empty; its first line should be for instance 'name: my-run'");
        }

        parser.Consume<DocumentStart>();
        var root = Node(parser, context, 0);
        parser.Consume<DocumentEnd>();
        if (parser.TryConsume<DocumentStart>(out var second))
        {
            context.Refuse(At(second.Start), "", "a second document; a file holds one run spec");
        }

        return root;
    }

    private static SpecNode Node(Parser parser, SpecContext context, int depth)
    {
        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            context.Refuse(At(alias.Start), "", $"'*{Printable.Text(alias.Value.Value)}' is an alias, which run specs do not have; write the value out");
            return new SpecNothing(At(alias.Start));
        }

        if (parser.Accept<NodeEvent>(out var node))
        {
            RefuseDecoration(node, context);
        }

        if (parser.TryConsume<Scalar>(out var scalar))
        {
            return new SpecScalar(At(scalar.Start), scalar.Value, scalar.Style == ScalarStyle.Plain);
        }

        if (depth == MostDepth)
        {
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"nested more than {MostDepth} deep");
        }

        return parser.TryConsume<SequenceStart>(out var sequence)
            ? new SpecList(At(sequence.Start), Items(parser, context, depth + 1))
            : Mapping(parser, context, depth + 1);
    }

    private static List<SpecNode> Items(Parser parser, SpecContext context, int depth)
    {
        var items = new List<SpecNode>();
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Node(parser, context, depth));
        }

        return items;
    }

    private static SpecMapping Mapping(Parser parser, SpecContext context, int depth)
    {
        var start = parser.Consume<MappingStart>();
        var entries = new List<SpecEntry>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = Node(parser, context, depth);
            var value = Node(parser, context, depth);
            if (key is SpecScalar { IsNull: false } scalar)
            {
                entries.Add(new SpecEntry(scalar.Text, scalar.Place, value));
            }
            else if (key is not SpecNothing)
            {
                context.Refuse(key.Place, "", $"{key.Description} cannot be a key");
            }
        }

        return new SpecMapping(At(start.Start), entries);
    }

    private static void RefuseDecoration(NodeEvent node, SpecContext context)
    {
        if (!node.Anchor.IsEmpty)
        {
            context.Refuse(At(node.Start), "", $"'&{Printable.Text(node.Anchor.Value)}' is an anchor, which run specs do not have; remove it");
        }

        if (!node.Tag.IsEmpty)
        {
            context.Refuse(At(node.Start), "", $"'{Printable.Text(node.Tag.Value)}' is a tag, which run specs do not have; remove it");
        }
    }

    private static Place At(Mark mark) => new((int)mark.Line, (int)mark.Column);
}
