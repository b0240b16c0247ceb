using YamlDotNet.RepresentationModel;

namespace Ddm.Infrastructure.Tests;

/// <summary>The objects of infra/kubernetes.</summary>
internal static class Manifests
{
    private const string Folder = "infra/kubernetes";

    /// <summary>Files of objects: all but the list of them.</summary>
    public static IEnumerable<string> Files => Directory.EnumerateFiles(Repository.PathOf(Folder), "*.yaml").Where(file => Path.GetFileName(file) != "kustomization.yaml").Order();

    /// <summary>Every object.</summary>
    public static IReadOnlyList<YamlMappingNode> All { get; } = [.. Files.SelectMany(Read)];

    /// <summary>The list of files that are applied.</summary>
    public static YamlMappingNode Kustomization => Read(Repository.PathOf($"{Folder}/kustomization.yaml")).Single();

    /// <summary>Objects of a kind.</summary>
    public static IEnumerable<YamlMappingNode> Of(string kind) => All.Where(node => Text(node, "kind") == kind);

    /// <summary>The pod templates, of deployments and scaled jobs, each by its object's name.</summary>
    public static IEnumerable<(string Name, YamlMappingNode Spec)> Pods =>
    [
        .. Of("Deployment").Select(node => (Text(node, "metadata", "name")!, (YamlMappingNode)At(node, "spec", "template", "spec")!)),
        .. Of("ScaledJob").Select(node => (Text(node, "metadata", "name")!, (YamlMappingNode)At(node, "spec", "jobTargetRef", "template", "spec")!)),
    ];

    /// <summary>What lies at a path of keys, or of numbers in lists; null: nothing.</summary>
    public static YamlNode? At(YamlNode node, params object[] path) => path.Aggregate((YamlNode?)node, (at, key) => (at, key) switch
    {
        (YamlMappingNode map, string name) => map.Children.TryGetValue(new YamlScalarNode(name), out var found) ? found : null,
        (YamlSequenceNode list, int index) => index < list.Children.Count ? list[index] : null,
        _ => null,
    });

    /// <summary>A scalar at a path.</summary>
    public static string? Text(YamlNode node, params object[] path) => (At(node, path) as YamlScalarNode)?.Value;

    /// <summary>The entries of a list at a path.</summary>
    public static IEnumerable<YamlNode> List(YamlNode node, params object[] path) => (At(node, path) as YamlSequenceNode)?.Children ?? [];

    /// <summary>All objects as JSON, with the types that YAML gives plain scalars.</summary>
    public static string ToJson() => System.Text.Json.JsonSerializer.Serialize(All.Select(Plain));

    private static IEnumerable<YamlMappingNode> Read(string file)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(File.ReadAllText(file));
        stream.Load(reader);
        return stream.Documents.Select(document => (YamlMappingNode)document.RootNode);
    }

    private static object? Plain(YamlNode node) => node switch
    {
        YamlMappingNode map => map.Children.ToDictionary(pair => ((YamlScalarNode)pair.Key).Value!, pair => Plain(pair.Value)),
        YamlSequenceNode list => list.Children.Select(Plain).ToArray(),
        YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: var text } => text switch
        {
            "true" => true,
            "false" => false,
            "null" or "" or null => null,
            _ => long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : text,
        },
        YamlScalarNode scalar => scalar.Value,
        _ => throw new InvalidDataException(node.ToString()),
    };
}
