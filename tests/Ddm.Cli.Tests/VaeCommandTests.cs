using Ddm.Tests;

namespace Ddm.Cli.Tests;

public class VaeCommandTests
{
    private const string Weights = "diffusion_pytorch_model.safetensors";

    [Fact]
    public async Task ARunTakesTheAutoencoderThatWasTrained()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("patch: 4", "patch: 2", StringComparison.Ordinal) + "\nlatent: { vae: own, channels: 4, factor: 2 }\n");
        var own = Path.Combine(tiny.Folder, "own");
        var (code, output, errors) = await RunAsync(tiny, own);
        Assert.True(code == 0, errors);
        Assert.Contains("step 3/3", output, StringComparison.Ordinal);
        Assert.Contains(" is done in ", output, StringComparison.Ordinal);
        Assert.Contains($"latent: {{ vae: {own}, channels: 4, factor: 2 }}", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(own, "reconstructions.png")));

        (code, _, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);
        Assert.True(code == 0, errors);
    }

    [Fact]
    public async Task ASignalKeepsTheStateAndTheSameCommandGoesOn()
    {
        using var tiny = new TinyFolder();
        var own = Path.Combine(tiny.Folder, "own");
        using (var ddm = DdmProcess.Start(Arguments(tiny, own, "--json", "--steps", "100000")))
        {
            Assert.True(await ddm.ReadUntilAsync("\"training\"", 3));
            await ddm.SignalAsync("TERM");
            Assert.Equal(130, (await ddm.EndAsync()).Code);
        }

        Assert.True(File.Exists(Path.Combine(own, "state.safetensors")));
        Assert.False(File.Exists(Path.Combine(own, Weights)));
        using var again = DdmProcess.Start(Arguments(tiny, own, "--json", "--steps", "100000"));
        Assert.True(await again.ReadUntilAsync("going on from step"));
    }

    [Theory]
    [InlineData("--image-size 9", "--image-size 9: --blocks 8,8 has 2 levels")]
    [InlineData("--blocks 8,9", "--groups 4 does not divide 9 of --blocks 8,9")]
    [InlineData("--blocks 8,wide", "--blocks '8,wide': give whole numbers")]
    [InlineData("--channels 4", "--channels 4: give 1 (grey) or 3 (RGB).")]
    [InlineData("--held-out 0.7", "--held-out 0.7: give a share")]
    [InlineData("--threads 0", "--threads 0: give 1 or more.")]
    [InlineData("--steps many", "Cannot parse argument 'many' for option '--steps'")]
    public async Task WrongOptionsAreOneMessageAndExitCodeTwo(string options, string message)
    {
        using var tiny = new TinyFolder();
        var own = Path.Combine(tiny.Folder, "own");
        var (code, output, errors) = await RunAsync(tiny, own, options.Split(' '));
        Assert.Equal(2, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(own));
    }

    [Fact]
    public async Task NoPicturesAreOneMessageAndExitCodeTwo()
    {
        using var tiny = new TinyFolder();
        var empty = Directory.CreateDirectory(Path.Combine(tiny.Folder, "empty")).FullName;
        foreach (var (source, message) in new[] { (empty, "holds nothing to train on"), (Path.Combine(tiny.Folder, "nowhere"), "is not there") })
        {
            var (code, output, errors) = await DdmProcess.RunAsync("vae", source, "--out", Path.Combine(tiny.Folder, "own"));
            Assert.Equal(2, code);
            Assert.Contains(message, errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        }
    }

    private static Task<(int Code, string Output, string Errors)> RunAsync(TinyFolder tiny, string own, params string[] options)
        => DdmProcess.RunAsync(Arguments(tiny, own, options));

    // What is given twice is taken from the test.
    private static string[] Arguments(TinyFolder tiny, string own, params string[] options)
    {
        var standard = new[] { ("--image-size", "8"), ("--channels", "1"), ("--blocks", "8,8"), ("--groups", "4"), ("--steps", "3"), ("--batch", "4"), ("--held-out", "0.1"), ("--threads", "1") };
        return ["vae", tiny.Pictures, "--out", own, .. standard.Where(pair => !options.Contains(pair.Item1)).SelectMany(pair => new[] { pair.Item1, pair.Item2 }), .. options];
    }
}
