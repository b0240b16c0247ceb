using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>SIGKILL at random instants of a whole run, from ingest to publication: weights and published manifest are those of an undisturbed run.</summary>
public class KillTests(ITestOutputHelper output)
{
    private const string SeedVariable = "DDM_KILL_SEED";

    [Fact]
    [Trait("Category", "Long")]
    public Task KilledAtTwentyInstants() => KillAsync(20, TinyFolder.DefaultSpec);

    /// <summary>Networks that see latents of an autoencoder that was trained here, too.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task ALatentRunKilledAtFiveInstants()
    {
        using var pictures = new TinyFolder();
        var own = Path.Combine(pictures.Folder, "own");
        var (code, _, errors) = await DdmProcess.RunAsync(
            "vae", pictures.Pictures, "--out", own, "--image-size", "8", "--channels", "1", "--blocks", "8,8", "--groups", "4", "--steps", "40", "--batch", "16", "--threads", "1");
        Assert.True(code == 0, errors);
        await KillAsync(5, TinyFolder.DefaultSpec.Replace("patch: 4", "patch: 2", StringComparison.Ordinal) + $"\nlatent: {{ vae: {own}, channels: 4, factor: 2 }}\n");
    }

    private async Task KillAsync(int wanted, string spec)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), out var given) ? given : Environment.TickCount;
        var random = new Random(seed);
        output.WriteLine($"seed {seed}; the same instants again: {SeedVariable}={seed}");

        using var undisturbed = new TinyFolder(spec);
        var watch = Stopwatch.StartNew();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", undisturbed.SpecFile, "--home", undisturbed.Home)).Code);
        var length = watch.Elapsed;
        var expected = await ResultAsync(undisturbed);

        for (var (kills, runs) = (0, 0); kills < wanted; runs++)
        {
            Assert.True(runs < 5 * wanted, $"only {kills} kills hit a running process");
            using var tiny = new TinyFolder(spec);
            while (true)
            {
                // Late enough to get somewhere, early enough to hit: an instant of the whole run's length, or the rest of the run goes through.
                using var ddm = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json");
                var instant = length * random.NextDouble();
                if (kills < wanted && !await ddm.ExitedWithinAsync(instant))
                {
                    await ddm.KillAsync();
                    kills++;
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kill {kills} after {instant.TotalSeconds:F2} s: {Progress(tiny)}"));
                    continue;
                }

                var (code, _, errors) = await ddm.EndAsync();
                Assert.True(code == 0, $"seed {seed}: {errors}");
                break;
            }

            Assert.Equal(expected, await ResultAsync(tiny));
        }
    }

    // Where the kill left the run, for the log.
    private static string Progress(TinyFolder folder)
    {
        var document = Path.Combine(folder.Home, "runs", TinyFolder.RunName, "run.json");
        return File.Exists(document) ? JsonNode.Parse(File.ReadAllText(document))!["stage"]!.ToString() : "no run yet";
    }

    private static async Task<string> ResultAsync(TinyFolder folder)
    {
        var (code, facts, errors) = await DdmProcess.RunAsync("inspect", TinyFolder.RunName, "--json", "--home", folder.Home);
        Assert.True(code == 0, errors);
        var roles = JsonDocument.Parse(facts).RootElement.GetProperty("roles").EnumerateArray()
            .Select(role => $"{role.GetProperty("role")} {role.GetProperty("step")} {role.GetProperty("sha256")} {role.GetProperty("emaSha256")}");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(
            Path.Combine(folder.Home, "models", TinyFolder.RunName, "v1", "manifest.json"), TestContext.Current.CancellationToken))!.AsObject();
        manifest.Remove("publishedAt");
        manifest.Remove("seal"); // of the whole text, the time in it
        return string.Join(Environment.NewLine, roles.Append(manifest.ToJsonString()));
    }
}
