using YamlDotNet.RepresentationModel;

namespace Ddm.Infrastructure.Tests;

/// <summary>The objects of infra/kubernetes.</summary>
internal static class Manifests
{
    private const string Folder = "infra/kubernetes";

    private const string Listing = "kustomization.yaml", PatchEnd = ".patch.yaml";

    /// <summary>Folders of files that are applied together: the whole, and what may be added to it.</summary>
    public static IEnumerable<string> Folders => Directory.EnumerateDirectories(Repository.PathOf(Folder)).Append(Repository.PathOf(Folder)).Order();

    /// <summary>Files of objects: all but lists of them and patches.</summary>
    public static IEnumerable<string> Files => Folders.SelectMany(FilesIn);

    /// <summary>Every object.</summary>
    public static IReadOnlyList<YamlMappingNode> All { get; } = [.. Files.SelectMany(Read)];

    /// <summary>The objects that patches change, as they are then.</summary>
    public static IEnumerable<YamlMappingNode> Patched => Directory.EnumerateFiles(Repository.PathOf(Folder), "*" + PatchEnd, SearchOption.AllDirectories).SelectMany(Read)
        .Select(patch => (YamlMappingNode)Merge(All.Single(node => Key(node) == Key(patch)), patch));

    /// <summary>The list of files that are applied.</summary>
    public static YamlMappingNode Kustomization => ListIn(Repository.PathOf(Folder));

    /// <summary>Files of objects of a folder.</summary>
    public static IEnumerable<string> FilesIn(string folder)
        => Directory.EnumerateFiles(folder, "*.yaml").Where(file => Path.GetFileName(file) != Listing && !file.EndsWith(PatchEnd, StringComparison.Ordinal)).Order();

    /// <summary>A folder's list.</summary>
    public static YamlMappingNode ListIn(string folder) => Read(Path.Combine(folder, Listing)).Single();

    /// <summary>Objects of a kind.</summary>
    public static IEnumerable<YamlMappingNode> Of(string kind) => All.Where(node => Text(node, "kind") == kind);

    /// <summary>The pod templates, of deployments, stateful sets and scaled jobs, each by its object's name.</summary>
    public static IEnumerable<(string Name, YamlMappingNode Spec)> Pods =>
    [
        .. Of("Deployment").Concat(Of("StatefulSet")).Select(node => (Text(node, "metadata", "name")!, (YamlMappingNode)At(node, "spec", "template", "spec")!)),
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

    /// <summary>All objects as JSON, with the types that YAML gives plain scalars; those that patches change as they are then too.</summary>
    public static string ToJson() => System.Text.Json.JsonSerializer.Serialize(All.Concat(Patched).Select(Plain));

    private static (string?, string?) Key(YamlNode node) => (Text(node, "kind"), Text(node, "metadata", "name"));

    // As kustomize does it: maps field by field, lists of named things by their names, anything else is replaced.
    private static YamlNode Merge(YamlNode was, YamlNode patch) => (was, patch) switch
    {
        (YamlMappingNode old, YamlMappingNode by) => new YamlMappingNode(old.Children.Keys.Union(by.Children.Keys).Select(key => KeyValuePair.Create(
            key, !by.Children.TryGetValue(key, out var said) ? old.Children[key] : old.Children.TryGetValue(key, out var had) ? Merge(had, said) : said))),
        (YamlSequenceNode old, YamlSequenceNode by) when by.All(entry => Text(entry, "name") is not null) => new YamlSequenceNode(
            old.Select(entry => by.SingleOrDefault(said => Text(said, "name") == Text(entry, "name")) is { } said ? Merge(entry, said) : entry)),
        _ => patch,
    };

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
