using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>Bad specs and bad names through the real command line: the exact message, exit code 2, no stack trace, nothing written.</summary>
public class BadSpecTests
{
    private const string NameRule = "expected 1 to 63 characters of a-z, 0-9 and '-', the first a letter or digit, no device name of Windows and not latest or current";

    public static TheoryData<string, string, string> BadSpecs => new()
    {
        { "seed: 7", "sed: 7", "2:1: sed: unknown key; did you mean 'seed'?" },
        { "seed: 7", "\tseed: 7", "2:1: a tab in the indentation; use spaces" },
        { "steps: 12,", "steps: !!python/object:os.system 12,", "6:19: 'tag:yaml.org,2002:python/object:os.system' is a tag, which run specs do not have; remove it" },
        { "steps: 12,", "steps: many,", "6:19: experts.steps: 'many' is not a whole number from 1 to 100000000" },
        { "learning_rate: 1e-3 }\nrouter", "learning_rate: \"1e-4\" }\nrouter", "6:49: experts.learning_rate: the quoted text '1e-4' is not a number above 0 and at most 1" },
        { "seed: 7", "seed: 7\nseed: 8", "3:1: seed: the key stands twice; first on line 2" },
        { "steps: 12, batch: 16", "steps: 12, batch: -1", "6:30: experts.batch: '-1' is not a whole number from 1 to 1048576" },
        { "steps: 12, batch: 16", "steps: 12, batch: 0", "6:30: experts.batch: '0' is not a whole number from 1 to 1048576" },
        { "steps: 12, batch: 16", "steps: 12, batch: 0.5", "6:30: experts.batch: '0.5' is not a whole number from 1 to 1048576" },
        { "name: tiny", "name: ../x", $"1:7: name: '../x' cannot name a run; {NameRule}" },
        { "name: tiny", "name: a/b", $"1:7: name: 'a/b' cannot name a run; {NameRule}" },
        { "name: tiny", "name: CON", $"1:7: name: 'CON' cannot name a run; {NameRule}" },
        { "name: tiny", "name: latest", $"1:7: name: 'latest' cannot name a run; {NameRule}" },
        { "name: tiny", "name: Tiny", $"1:7: name: 'Tiny' cannot name a run; {NameRule}; did you mean 'tiny'?" },
        { "name: tiny", "name: \U0001F600", $"1:7: name: '\U0001F600' cannot name a run; {NameRule}" },
        { "name: tiny", "name: '; DROP TABLE runs --'", $"1:7: name: '; DROP TABLE runs --' cannot name a run; {NameRule}" },
        { "name: tiny", "name: <script>alert(1)</script>", $"1:7: name: '<script>alert(1)</script>' cannot name a run; {NameRule}" },
        { "name: tiny", "name: " + new string('a', 300), $"1:7: name: '{new string('a', 80)}...' cannot name a run; {NameRule}" },
    };

    [Theory]
    [MemberData(nameof(BadSpecs))]
    public async Task ABadSpecIsItsMessageAndExitCodeTwo(string right, string wrong, string message)
    {
        Assert.Contains(right, TinyFolder.DefaultSpec, StringComparison.Ordinal);
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace(right, wrong, StringComparison.Ordinal));
        var before = Files(tiny);

        // Validate tells the same as run: both read by the same tables, and one process a case is enough.
        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal((2, ""), (code, output));
        Assert.Equal($"ddm: {tiny.SpecFile}:{message}\n", errors);
        Assert.Equal(before, Files(tiny));
    }

    [Fact]
    public async Task AnAnchorBombIsRefusedBeforeItGrows()
    {
        var lines = new List<string> { "name: tiny", "a0: &a0 [x, x, x, x, x, x, x, x, x]" };
        for (var i = 1; i < 12; i++)
        {
            lines.Add($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 9))}]");
        }

        using var tiny = new TinyFolder(string.Join('\n', lines));
        var (code, _, errors) = await DdmProcess.RunAsync("validate", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.StartsWith($"ddm: {tiny.SpecFile}:1:1: data: missing", errors, StringComparison.Ordinal);
        Assert.Contains($"{tiny.SpecFile}:2:5: '&a0' is an anchor, which run specs do not have; remove it\n", errors, StringComparison.Ordinal);
        Assert.EndsWith("more\n", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status", "../x")]
    [InlineData("rm", "a/b")]
    [InlineData("sample", "CON")]
    [InlineData("events", "<b>")]
    [InlineData("metrics", "Tiny")]
    public async Task CommandsRefuseWhatIsNoName(string command, string name)
    {
        using var tiny = new TinyFolder();
        var (code, output, errors) = await DdmProcess.RunAsync(command, name, "--home", tiny.Home);

        var meant = name == "Tiny" ? "; did you mean 'tiny'?" : "";
        Assert.Equal((2, ""), (code, output));
        Assert.Equal($"ddm: '{name}' cannot name a run or model; {NameRule}{meant}.\n", errors);
        Assert.False(Directory.Exists(tiny.Home));
    }

    private static string[] Files(TinyFolder tiny) => [.. Directory.EnumerateFileSystemEntries(tiny.Folder, "*", SearchOption.AllDirectories).Order()];
}
