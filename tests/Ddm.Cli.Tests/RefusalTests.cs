using System.Text.Json.Nodes;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>Blobs of newer versions and of other runs: refused by name with exit code 2, and nothing is changed.</summary>
public class RefusalTests
{
    private const string Run = "runs/tiny/run.json", Head = "runs/tiny/experts/0/head.json";

    [Fact]
    public async Task BlobsThatDoNotBelongAreRefusedWithTheirNamesAndExitCodeTwo()
    {
        using var tiny = new TinyFolder();
        using (var ddm = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json"))
        {
            Assert.True(await ddm.ReadUntilAsync("experts/1", 6)); // both experts have committed
            await ddm.KillAsync();
        }

        var run = Read(tiny, Run);
        await RefusedAsync(tiny, Run, Edit(run, d => d["schema"] = 2), $"{Run} has schema 2, this version reads up to 1: upgrade before you go on with the run.");
        await RefusedAsync(tiny, Run, Edit(run, d => d["name"] = "other"), $"{Run} is the document of run 'other', not of 'tiny': bring this run's own back.");
        await RefusedAsync(
            tiny, Run, run.Replace("\"seed\": 7", "\"seed\": 8", StringComparison.Ordinal),
            "Restore the blob from a backup, or delete it and run the same command with the unchanged spec: what is done already is found again.");

        var head = Read(tiny, Head);
        await RefusedAsync(tiny, Head, Edit(head, d => d["schema"] = 9), $"{Head} has schema 9, this version reads up to 2: upgrade before you go on with the run.");
        var router = Read(tiny, Head.Replace("experts/0", "experts/1", StringComparison.Ordinal));
        await RefusedAsync(tiny, Head, router, "which are no checkpoints of experts/0 in run 'tiny': it belongs to another run or was edited.");

        var folder = JsonNode.Parse(head)!["checkpoint"]!.ToString();
        var manifest = folder + "manifest.json";
        foreach (var (change, message) in new (Action<JsonObject>, string)[]
        {
            (d => d["schema"] = 9, $"{manifest} has schema 9, this version reads up to 1: upgrade before you go on with the run."),
            (d => d["run"] = "dogs", $"{manifest} was written for experts/0 of run 'dogs', not for experts/0 of run 'tiny': it does not belong here. "
                + "Bring this role's own checkpoints back."),
            (d => d["dataManifestSha256"] = "beef", $"{folder} was trained on data with manifest sha256 beef; the data now has "),
            (d => d["numerics"]!["threads"] = 9, $"{folder} was trained in the numerics class ["),
        })
        {
            var standing = Read(tiny, manifest);
            var edited = Edit(standing, change);
            File.WriteAllText(Path.Combine(tiny.Home, manifest), edited);
            await RefusedAsync(tiny, Head, Edit(head, d => d["manifestSha256"] = Hash(edited)), message);
            File.WriteAllText(Path.Combine(tiny.Home, manifest), standing);
        }

        var (code, _, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);
        Assert.True(code == 0, errors);
    }

    private static async Task RefusedAsync(TinyFolder tiny, string blob, string content, string message)
    {
        var file = Path.Combine(tiny.Home, blob);
        var standing = File.ReadAllText(file);
        File.WriteAllText(file, content);
        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);
        Assert.True(code == 2, $"{blob}: exit code {code} instead of 2 with '{message}': {errors}");
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        File.WriteAllText(file, standing);
    }

    private static string Read(TinyFolder tiny, string blob) => File.ReadAllText(Path.Combine(tiny.Home, blob));

    private static string Edit(string json, Action<JsonObject> change)
    {
        var document = JsonNode.Parse(json)!.AsObject();
        document.Remove("seal");
        change(document);
        return document.ToJsonString();
    }

    private static string Hash(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
