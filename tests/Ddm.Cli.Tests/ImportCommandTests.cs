using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

public sealed class ImportCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("ddm-import-");

    private string Home => Path.Combine(folder.FullName, "home");

    [Fact]
    public async Task PublishedWeightsAreImportedDrawnFromAndRemoved()
    {
        var network = CopyNetwork();
        string[] import = ["import", network, "--name", "sit", "--home", Home, "--prediction", "velocity", "--time-direction", "noise-to-data", "--time-scale", "1", "--vae", Fixture("vae-l1")];

        var (code, output, errors) = await DdmProcess.RunAsync(import);

        Assert.True(code == 0, errors);
        Assert.Contains("is published: pictures of 64 x 64 x 3, 10 classes, 1 expert.", output, StringComparison.Ordinal);
        Assert.Contains("width 64, 2 blocks, 4 heads, patch 2, input 4 x 8 x 8; velocity, time from noise to data times 1", output, StringComparison.Ordinal);
        Assert.Contains("was imported before", (await DdmProcess.RunAsync(import)).Output, StringComparison.Ordinal);

        var png = Path.Combine(folder.FullName, "sit.png");
        (code, output, errors) = await DdmProcess.RunAsync("sample", "sit", "--home", Home, "--n", "2", "--class", "7", "--steps", "2", "--guidance", "3", "--out", png);
        Assert.True(code == 0, errors);
        Assert.True(File.Exists(png));
        var record = JsonDocument.Parse(await File.ReadAllTextAsync(Path.ChangeExtension(png, ".json"), TestContext.Current.CancellationToken)).RootElement;
        Assert.False(record.GetProperty("partial").GetBoolean());
        Assert.Equal(["7", "7"], record.GetProperty("pictures").EnumerateArray().Select(picture => picture.GetProperty("class").GetString()));

        var evaluation = await DdmProcess.RunAsync("eval", "sit", "--home", Home);
        Assert.Equal(2, evaluation.Code);
        Assert.Contains("model sit was imported: there are no training rows here", evaluation.Errors, StringComparison.Ordinal);

        Assert.Contains("Nothing to remove.", (await DdmProcess.RunAsync("gc", "--home", Home)).Output, StringComparison.Ordinal);
        var version = Assert.Single(Directory.GetDirectories(Path.Combine(Home, "models", "sit")));
        var removed = await DdmProcess.RunAsync("rm", "--model", $"sit/{Path.GetFileName(version)}", "--yes", "--home", Home);
        Assert.True(removed.Code == 0, removed.Errors);
    }

    [Theory]
    [InlineData("tensors do not say what a network's output means. State --prediction velocity|epsilon")]
    [InlineData("prediction 'x0' is not known: say velocity or epsilon.", "--prediction", "x0")]
    [InlineData("give the autoencoder of its latents with --vae FOLDER", "--prediction", "epsilon", "--schedule", "linear")]
    [InlineData("a network of noise is fed its step", "--prediction", "epsilon", "--schedule", "linear", "--time-scale", "1000")]
    [InlineData("Hidden size 64 must be a multiple of its 7 heads", "--prediction", "epsilon", "--schedule", "linear", "--heads", "7")]
    public async Task WhatIsMissingOrWrongIsSaidInOneMessage(string message, params string[] words)
    {
        var (code, _, errors) = await DdmProcess.RunAsync(["import", CopyNetwork(), "--name", "sit", "--home", Home, .. words]);
        Assert.Equal(2, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(Home, "weights")));
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static string Fixture(string name) => Path.Combine(FixtureFolders.InRepository(), name);

    private string CopyNetwork()
    {
        foreach (var file in new[] { "model.safetensors", "config.json" })
        {
            File.Copy(Path.Combine(Fixture("sit-v"), file), Path.Combine(folder.FullName, file));
        }

        return Path.Combine(folder.FullName, "model.safetensors");
    }
}
