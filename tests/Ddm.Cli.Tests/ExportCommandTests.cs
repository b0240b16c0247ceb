using Ddm.Tests;

namespace Ddm.Cli.Tests;

public sealed class ExportCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("ddm-export-");

    private string Home => At("home");

    [Fact]
    public async Task AnExportIsImportedAgainAndDrawsTheSamePicture()
    {
        Directory.CreateDirectory(At("network"));
        foreach (var file in new[] { "model.safetensors", "config.json" })
        {
            File.Copy(Path.Combine(FixtureFolders.InRepository(), "sit-v", file), At("network", file));
        }

        await OkAsync("import", At("network"), "--name", "sit", "--prediction", "velocity", "--time-direction", "noise-to-data", "--time-scale", "1", "--vae", Path.Combine(FixtureFolders.InRepository(), "vae-l1"));
        var output = await OkAsync("export", "sit", "--out", At("out"), "--no-samples");
        Assert.Contains("  expert_0", output, StringComparison.Ordinal);
        Assert.Contains("is exported: 7 files", output, StringComparison.Ordinal);
        await OkAsync("import", At("out"), "--name", "again");

        foreach (var name in new[] { "sit", "again" })
        {
            await OkAsync("sample", name, "--n", "2", "--class", "7", "--steps", "2", "--out", At(name + ".png"));
        }

        Assert.Equal(await File.ReadAllBytesAsync(At("sit.png"), Cancel), await File.ReadAllBytesAsync(At("again.png"), Cancel));
    }

    [Theory]
    [InlineData("--format 'onnx' is not known: say diffusers", "export", "sit", "--format", "onnx")]
    [InlineData("nobody", "export", "nobody")]
    public async Task WhatIsWrongIsSaidInOneMessage(string message, params string[] words)
    {
        var (code, _, errors) = await DdmProcess.RunAsync([.. words, "--home", Home]);
        Assert.Equal(2, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string At(params string[] path) => Path.Combine([folder.FullName, .. path]);

    private async Task<string> OkAsync(params string[] words)
    {
        var (code, output, errors) = await DdmProcess.RunAsync([.. words, "--home", Home]);
        Assert.True(code == 0, errors);
        return output;
    }
}
