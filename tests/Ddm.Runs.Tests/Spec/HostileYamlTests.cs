using System.Globalization;
using System.Text;
using CsCheck;

namespace Ddm.Runs.Tests;

/// <summary>Files that mean harm or came out of the wrong editor.</summary>
public class HostileYamlTests
{
    private static readonly string[] Marks =
    [
        "\n", "\t", ": ", "- ", "? ", "[", "{", "]", "}", "&a ", "*a", "!", "!!x ", "|\n", ">-\n", "%", "'", "\"", "\\", "#", "---\n", "...\n", ",", "\uD800", "\0",
    ];

    [Fact]
    public void AllMistakesAreToldInTheOrderOfTheFile()
    {
        var mistakes = Specs.MistakesOf("""
            name: Bad Name
            data:
              source: images
              image_size: big
              chanels: 1
            partition:
              experts: 0
            model: DiT-Nano/4
            experts:
              steps: 10
            router:
              network: DiT-Micro/4
              steps: 10
              batch: 8
            """).Split('\n');

        Assert.Equal(
            ["s.yaml:1:7", "s.yaml:4:15", "s.yaml:5:3", "s.yaml:7:12", "s.yaml:10:3"],
            mistakes.Select(line => string.Join(':', line.Split(':').Take(3))));
        Assert.Equal("s.yaml:10:3: experts.batch: missing; give the rows of one step", mistakes[^1]);
    }

    [Fact]
    public void TwentyMistakesAreToldAndTheRestCounted()
    {
        var yaml = new StringBuilder(Specs.Small).AppendLine();
        for (var i = 0; i < 30; i++)
        {
            yaml.AppendLine(CultureInfo.InvariantCulture, $"wrong{i}: 1");
        }

        var lines = Specs.MistakesOf(yaml.ToString()).Split('\n');
        Assert.Equal(21, lines.Length);
        Assert.Equal("s.yaml: and 10 more", lines[^1]);
    }

    [Theory]
    [InlineData("", "s.yaml:1:1: the file is empty; its first line should be for instance 'name: my-run'")]
    [InlineData("# nothing\n", "s.yaml:1:1: the file is empty; its first line should be for instance 'name: my-run'")]
    [InlineData("just text", "s.yaml:1:1: 'just text' is not a mapping with keys such as name, seed, data")]
    [InlineData("- name: a", "s.yaml:1:1: a list is not a mapping with keys such as name, seed, data")]
    [InlineData("name: a\n\tseed: 1\n \tx: 1", "s.yaml:2:1: a tab in the indentation; use spaces\ns.yaml:3:2: a tab in the indentation; use spaces")]
    public void WhatIsNoSpecIsRefused(string yaml, string expected) => Assert.Equal(expected, Specs.MistakesOf(yaml));

    [Theory]
    [InlineData("name: a: b")]
    [InlineData("name: [a")]
    [InlineData("name: {a")]
    [InlineData("name: \"a")]
    [InlineData("name: 'a\n")]
    [InlineData("name: a\n  seed: 1")]
    [InlineData("%YAML 9.9\n---\nname: a")]
    [InlineData("name: \0")]
    [InlineData("? [a, b]\n: 1")]
    [InlineData("name: `a`")]
    [InlineData("name: {mall\ndata:\n  source: images\n")]
    public void BrokenYamlIsOneLineWithAPlace(string yaml)
    {
        var mistakes = Specs.MistakesOf(yaml);
        Assert.Matches(@"\As\.yaml:\d+:\d+: ", mistakes);
        Assert.DoesNotContain("   at ", mistakes, StringComparison.Ordinal);
    }

    [Fact]
    public void TagsAnchorsAliasesAndMergesAreRefused()
    {
        var mistakes = Specs.MistakesOf(Specs.Small
            .Replace("steps: 600", "steps: !!int 600", StringComparison.Ordinal)
            .Replace("source: images", "source: !!python/object:os.system images", StringComparison.Ordinal)
            .Replace("batch: 32", "batch: &b 32", StringComparison.Ordinal)
            .Replace("batch: 64", "batch: *b\n  <<: *b", StringComparison.Ordinal));

        Assert.Equal(
            """
            s.yaml:3:11: 'tag:yaml.org,2002:python/object:os.system' is a tag, which run specs do not have; remove it
            s.yaml:9:10: 'tag:yaml.org,2002:int' is a tag, which run specs do not have; remove it
            s.yaml:10:10: '&b' is an anchor, which run specs do not have; remove it
            s.yaml:14:10: '*b' is an alias, which run specs do not have; write the value out
            s.yaml:15:3: router.<<: unknown key; known: network, steps, batch, learning_rate, warmup, decay, final_learning_rate, weight_decay, beta1, beta2, clip, ema_std, t, pools
            s.yaml:15:7: '*b' is an alias, which run specs do not have; write the value out
            """,
            mistakes);
    }

    [Fact]
    public void AnAnchorBombStaysSmall()
    {
        var bomb = new StringBuilder("name: a\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 30; i++)
        {
            var alias = string.Create(CultureInfo.InvariantCulture, $"*a{i - 1}");
            bomb.AppendLine(CultureInfo.InvariantCulture, $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat(alias, 9))}]");
        }

        Assert.Contains("is an anchor", Specs.MistakesOf(bomb.ToString()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    public void DeepNestingIsRefused(string open) => Assert.Contains(
        "nested more than 8 deep", Specs.MistakesOf("name: " + string.Concat(Enumerable.Repeat(open, 5000))), StringComparison.Ordinal);

    [Fact]
    public void ALargeFileIsRefusedUnread() => Assert.Equal(
        "s.yaml:1:1: the file has 10000000 bytes; a run spec has at most 24576", Specs.MistakesOf(new string('[', 10_000_000)));

    [Fact]
    public void ASecondDocumentIsRefused() =>
        Assert.Contains("a second document; a file holds one run spec", Specs.MistakesOf(Specs.Small + "\n---\nname: b\n"), StringComparison.Ordinal);

    [Fact]
    public void ByteOrderMarkCarriageReturnsAndCommentsAreFine()
    {
        var yaml = "\uFEFF# a comment\n" + Specs.Small.Replace("steps: 600", "steps: 600  # enough", StringComparison.Ordinal);
        Assert.Equal("small", RunSpecReader.Read(yaml.Replace("\n", "\r\n", StringComparison.Ordinal), "s.yaml").Name);
    }

    [Fact]
    public void NoTextBreaksTheReader()
    {
        var edit = Gen.Select(Gen.Int[0, Specs.Small.Length], Gen.Int[0, 6], Gen.OneOf(
            Gen.Char.Select(c => c.ToString()),
            Gen.Int[0, Marks.Length - 1].Select(i => Marks[i])));
        edit.Array[1, 6].Sample(
            edits =>
            {
                var yaml = Specs.Small;
                foreach (var (at, length, text) in edits)
                {
                    var start = Math.Min(at, yaml.Length);
                    yaml = string.Concat(yaml.AsSpan(0, start), text, yaml.AsSpan(Math.Min(start + length, yaml.Length)));
                }

                try
                {
                    RunSpecReader.Read(yaml, "s.yaml");
                }
                catch (UserErrorException mistakes)
                {
                    Assert.All(mistakes.Message.Split('\n'), line => Assert.StartsWith("s.yaml:", line, StringComparison.Ordinal));
                }
            },
            iter: 20_000);
    }

    [Fact]
    public void ControlCharactersNeverReachTheTerminal()
    {
        var mistakes = Specs.Mistakes("source: images", "source: \"a\\e[31m\\u202Eb\\0\"");
        Assert.Equal(@"s.yaml:3:11: data.source: the quoted text 'a\u{1b}[31m\u{202e}b\u{0}' is not a path", mistakes);
    }
}
