using System.Text.Json;
using Ddm.Data;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary><c>ddm sample</c> and <c>ddm eval</c> of a model of captions, and of one that knows none.</summary>
public class CaptionCommandTests
{
    [Fact]
    public async Task PicturesAreDrawnByPromptAndCaptionsAreMeasured()
    {
        using var tiny = Captioned();
        var (code, _, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);
        Assert.True(code == 0, errors);
        var png = Path.Combine(tiny.Folder, "drawn.png");
        (code, _, errors) = await Ddm("sample", "tiny", "--prompt", "lit at the top", "--prompt", "bright on the left", "--negative", "dark", "--guidance", "2", "--n", "4", "--out", png);
        Assert.True(code == 0, errors);
        var record = JsonDocument.Parse(await File.ReadAllTextAsync(Path.ChangeExtension(png, ".json"), TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal("dark", record.GetProperty("negative").GetString());
        Assert.Equal(
            ["lit at the top", "bright on the left", "lit at the top", "bright on the left"], record.GetProperty("pictures").EnumerateArray().Select(p => p.GetProperty("prompt").GetString()));

        (code, var output, errors) = await Ddm("eval", "tiny", "--draws", "1", "--json");
        Assert.True(code == 0, errors);
        Assert.Equal(10, JsonDocument.Parse(output).RootElement.GetProperty("bins").GetArrayLength());

        await RefusedAsync("--class 1: model tiny is conditioned on captions; give --prompt", "sample", "tiny", "--class", "1");
        await RefusedAsync("--negative has no effect without guidance", "sample", "tiny", "--prompt", "lit", "--negative", "dark");
        await RefusedAsync("--prompt: an empty caption", "sample", "tiny", "--prompt", " ");
        await RefusedAsync("there is no such file", "sample", "tiny", "--prompts", "nowhere.txt");
        await RefusedAsync("--prompt and --prompts", "sample", "tiny", "--prompts", "nowhere.txt", "--prompt", "lit");
        await RefusedAsync("--strategy has no effect here", "eval", "tiny", "--strategy", "full");
        await RefusedAsync("the router of tiny sees captions", "eval", "tiny", "--blind-router", "tiny");

        Task<(int Code, string Output, string Errors)> Ddm(params string[] arguments) => DdmProcess.RunAsync([.. arguments, "--home", tiny.Home]);

        async Task RefusedAsync(string message, params string[] arguments)
        {
            var (refused, _, why) = await Ddm(arguments);
            Assert.Equal(2, refused);
            Assert.Contains(message, why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AModelWithoutCaptionsTakesNoPrompt()
    {
        using var tiny = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home)).Code);
        foreach (var (option, value) in new[] { ("--prompt", "a cat"), ("--negative", "a dog") })
        {
            var (code, _, errors) = await DdmProcess.RunAsync("sample", "tiny", option, value, "--home", tiny.Home);
            Assert.Equal(2, code);
            Assert.Contains($"{option}: model tiny is not conditioned on captions; leave it out, or give --class", errors, StringComparison.Ordinal);
        }

        var (refused, _, why) = await DdmProcess.RunAsync("eval", "tiny", "--draws", "2", "--home", tiny.Home);
        Assert.Equal(2, refused);
        Assert.Contains("--draws has no effect here", why, StringComparison.Ordinal);
    }

    private static TinyFolder Captioned()
    {
        var tiny = new TinyFolder(
            TinyFolder.DefaultSpec.Replace("source: pictures", "source: captioned", StringComparison.Ordinal) + "\ntext: { encoder: learned, tokens: 5, width: 32 }\n");
        var folder = Directory.CreateDirectory(Path.Combine(tiny.Folder, "captioned")).FullName;
        using var lines = new StreamWriter(Path.Combine(folder, "metadata.jsonl"));
        for (var row = 0; row < TinyFolder.Rows; row++)
        {
            var name = FormattableString.Invariant($"{row}.png");
            File.WriteAllBytes(Path.Combine(folder, name), ImageCodec.EncodePng(TinyFolder.Picture(row), 1, TinyFolder.Side, TinyFolder.Side));
            lines.WriteLine(JsonSerializer.Serialize(new { file_name = name, text = (row % 4 < 2 ? "bright " : "lit ") + (row % 2 == 0 ? "on the left" : "at the top") }));
        }

        return tiny;
    }
}
