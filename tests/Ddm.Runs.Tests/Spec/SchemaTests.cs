using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Ddm.Runs.Tests;

/// <summary>The schema that editors read, held against the reader.</summary>
public class SchemaTests
{
    private static readonly JsonSchema Schema = JsonSchema.FromText(RunSpecSchema.Write());

    [Fact]
    public void ThePublishedSchemaIsTheOneTheTablesMake() => Assert.True(
        File.ReadAllText(Path.Combine(Root(), "schemas", RunSpecSchema.FileName)) == RunSpecSchema.Write(),
        "write it anew: ddm schema > schemas/" + RunSpecSchema.FileName);

    [Fact]
    public void EveryKeyHasADescription()
    {
        var bare = new List<string>();
        Walk("", JsonNode.Parse(RunSpecSchema.Write())!.AsObject());
        Assert.Empty(bare);

        void Walk(string path, JsonObject schema)
        {
            foreach (var (key, value) in schema["properties"]?.AsObject() ?? new JsonObject())
            {
                if (value!["description"] is null)
                {
                    bare.Add(path + key);
                }

                Walk($"{path}{key}.", value.AsObject());
            }

            foreach (var choice in schema["anyOf"]?.AsArray() ?? [])
            {
                Walk(path, choice!.AsObject());
            }
        }
    }

    [Fact]
    public void TheSamplesFollowTheSchema()
    {
        var samples = Directory.GetFiles(Path.Combine(Root(), "samples"), "*.yaml");
        Assert.NotEmpty(samples);
        Assert.All(samples, file => Assert.True(Follows(File.ReadAllText(file)), file));
    }

    [Theory]
    [InlineData("batch: 32", "batch: 32", true)]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: 2e-4", true)]
    [InlineData("model: DiT-Nano/4", "model: {hidden: 64, depth: 2, heads: 2, patch: 4}", true)]
    [InlineData("batch: 64", "batch: 64\nexecution: {retention: 3}", true)]
    [InlineData("batch: 64", "batch: 64\nexecution: {retention: {keep_last: 3, keep_every: 100}}", true)]
    [InlineData("batch: 32", "batch: 0", false)]
    [InlineData("batch: 32", "batch: -1", false)]
    [InlineData("batch: 32", "batch: \"32\"", false)]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: \"1e-4\"", false)]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: 0", false)]
    [InlineData("batch: 32", "batch: 32\n  learning_rat: 1e-4", false)]
    [InlineData("  steps: 600\n", "", false)]
    [InlineData("name: small", "name: Small", false)]
    [InlineData("model: DiT-Nano/4", "model: DiT-Nan/4", false)]
    [InlineData("batch: 64", "batch: 64\nexecution: {retention: {keep_last: 1}}", false)]
    public void SchemaAndReaderAgree(string find, string replace, bool good)
    {
        Assert.Contains(find, Specs.Small, StringComparison.Ordinal);
        var yaml = Specs.Small.Replace(find, replace, StringComparison.Ordinal);
        Assert.Equal(good, Follows(yaml));
        Assert.Equal(good, RunSpecReader.Check(yaml, "s.yaml").Mistakes.Count == 0);
    }

    [Fact]
    public void WhatASpecMeansFollowsTheSchemaToo() =>
        Assert.True(Schema.Evaluate(JsonDocument.Parse(RunSpecReader.Canonical(Specs.WithExperts(4))).RootElement).IsValid);

    private static bool Follows(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return Schema.Evaluate(JsonDocument.Parse(Json(stream.Documents[0].RootNode)!.ToJsonString()).RootElement).IsValid;
    }

    private static JsonNode? Json(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, Json(pair.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Json)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } flag => JsonValue.Create(flag.Value == "true"),
        YamlScalarNode { Style: ScalarStyle.Plain } plain
            when decimal.TryParse(plain.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        YamlScalarNode text => JsonValue.Create(text.Value),
        _ => throw new NotSupportedException(),
    };

    private static string Root()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "DdmAspire.sln")))
        {
            root = root.Parent!;
        }

        return root.FullName;
    }
}
