using System.Text.Json;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>The command line against a server: the same words, output and exit codes as on a home folder.</summary>
public class ServerCommandTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASubmittedRunIsWatchedAndLookedAtLikeALocalOne()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        string[] there = ["--server", server.Address.ToString(), "--key", ApiServer.Key];

        var (code, output, errors) = await DdmProcess.RunAsync(["submit", tiny.SpecFile, .. there]);
        Assert.True(code == 0, errors);
        Assert.StartsWith("tiny is submitted.\n", output, StringComparison.Ordinal);

        (code, output, errors) = await DdmProcess.RunAsync(["watch", "tiny", "--json", .. there]);
        Assert.True(code == 0, errors);
        var last = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        Assert.Equal(("ended", "Succeeded", "v1"), (Text(last, "type"), Text(last, "status"), Text(last, "modelVersion")));

        (code, output, _) = await DdmProcess.RunAsync(["submit", tiny.SpecFile, .. there]);
        Assert.Equal(0, code);
        Assert.StartsWith("tiny was submitted before with this spec: Succeeded, stage Done.\n", output, StringComparison.Ordinal);

        string[] here = ["--home", tiny.Home];
        foreach (var command in new string[][] { ["inspect", "tiny"], ["events", "tiny"], ["logs", "tiny"], ["events", "tiny", "--json"], ["metrics", "tiny", "--csv"], ["metrics", "tiny", "--json"], ["status", "nothing"] })
        {
            var (local, remote) = (await DdmProcess.RunAsync([.. command, .. here]), await DdmProcess.RunAsync([.. command, .. there]));
            Assert.Equal((local.Code, local.Output), (remote.Code, remote.Output));
        }

        // Times apart these are the same too.
        Assert.Equal(Facts(await DdmProcess.RunAsync(["status", "--json", .. here])), Facts(await DdmProcess.RunAsync(["status", "--json", .. there])));

        static string? Text(JsonElement line, string key) => line.GetProperty(key).GetString();

        static string Facts((int Code, string Output, string Errors) ended)
        {
            var facts = Assert.Single(JsonSerializer.Deserialize<RunFacts[]>(ended.Output, BlobJson.Options)!);
            return JsonSerializer.Serialize(facts with { Now = default }, BlobJson.Options);
        }
    }

    [Fact]
    public async Task AWatcherOutlivesARestartOfTheServer()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 300", StringComparison.Ordinal));
        var blobs = new FileBlobStore(tiny.Home);
        var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        var address = server.Address;
        string[] there = ["--server", address.ToString(), "--key", ApiServer.Key];
        Assert.Equal(0, (await DdmProcess.RunAsync(["submit", tiny.SpecFile, .. there])).Code);

        using var watching = DdmProcess.Start(["watch", "tiny", "--json", .. there]);
        Assert.True(await watching.ReadUntilAsync("\"training\"", 3));
        await server.DisposeAsync();
        Assert.True(await watching.ReadUntilAsync("trying again until it answers"));
        await using var again = await ApiServer.StartAsync(blobs, tiny.Folder, address.Port, cancellationToken: Token);
        await again.WakeAsync("tiny");

        var (code, output, errors) = await watching.EndAsync();
        Assert.True(code == 0, errors);
        Assert.Contains("connected again", output, StringComparison.Ordinal);
        Assert.Contains("\"Succeeded\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatGoesWrongIsOneSentenceWithTheRemedy()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        var address = server.Address.ToString();

        await FailsAsync(1, "Start one with 'ddm up', or give another address", "status", "--server", "http://127.0.0.1:9", "--key", ApiServer.Key);
        await FailsAsync(2, "does not know this key", "status", "--server", address, "--key", "wrong");
        await FailsAsync(2, "is no address of a server", "status", "--server", "localhost:5080");
        await FailsAsync(2, "give either --server, or --home or --blobs", "status", "--server", address, "--home", tiny.Home);
        await FailsAsync(2, "which server?", "submit", tiny.SpecFile);
        await FailsAsync(2, "cannot name a run", "status", "../x", "--server", address, "--key", ApiServer.Key);
        await FailsAsync(2, "Ddm:SourceRoots", "submit", tiny.SpecFile, "--root", "/etc", "--server", address, "--key", ApiServer.Key);

        Assert.Equal(0, (await DdmProcess.RunAsync("submit", tiny.SpecFile, "--server", address, "--key", ApiServer.Key)).Code);
        await File.WriteAllTextAsync(tiny.SpecFile, tiny.SpecText.Replace("steps: 12", "steps: 13", StringComparison.Ordinal), Token);
        await FailsAsync(2, "experts.steps: 12 -> 13", "submit", tiny.SpecFile, "--server", address, "--key", ApiServer.Key);
        await File.WriteAllTextAsync(tiny.SpecFile, "nam: x\n", Token);
        await FailsAsync(2, $"{tiny.SpecFile}:1:1", "submit", tiny.SpecFile, "--server", address, "--key", ApiServer.Key);

        foreach (var command in new[] { "status", "inspect", "watch", "events", "logs", "metrics", "cancel", "pause", "resume", "retry" })
        {
            await FailsAsync(2, "There is no run 'nothing'", command, "nothing", "--server", address, "--key", ApiServer.Key);
            var (code, help, _) = await DdmProcess.RunAsync(command, "--help");
            Assert.True(code == 0 && help.Contains("--server", StringComparison.Ordinal) && help.Contains("Example", StringComparison.Ordinal), $"{command}: {help}");
        }

        static async Task FailsAsync(int expected, string told, params string[] arguments)
        {
            var (code, _, errors) = await DdmProcess.RunAsync(arguments);
            Assert.True(code == expected && errors.Contains(told, StringComparison.Ordinal), $"{string.Join(' ', arguments)}: {code} {errors}");
            Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ActionsReachTheServer()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        string[] there = ["--server", server.Address.ToString(), "--key", ApiServer.Key];
        Assert.Equal(0, (await DdmProcess.RunAsync(["submit", tiny.SpecFile, .. there])).Code);

        Assert.StartsWith("tiny: Paused", (await DdmProcess.RunAsync(["pause", "tiny", .. there])).Output, StringComparison.Ordinal);
        Assert.StartsWith("tiny: Running", (await DdmProcess.RunAsync(["resume", "tiny", .. there])).Output, StringComparison.Ordinal);
        using (var watching = DdmProcess.Start(["watch", "tiny", "--json", .. there]))
        {
            Assert.True(await watching.ReadUntilAsync("\"stage\""));
            await watching.SignalAsync("INT");
            var stopped = await watching.EndAsync();
            Assert.True(stopped.Code == 130, stopped.Errors);
        }

        Assert.StartsWith("tiny: Cancelled", (await DdmProcess.RunAsync(["cancel", "tiny", .. there])).Output, StringComparison.Ordinal);
        var (code, _, errors) = await DdmProcess.RunAsync(["resume", "tiny", .. there]);
        Assert.True(code == 2 && errors.Contains("was cancelled", StringComparison.Ordinal), errors);
        Assert.Equal(130, (await DdmProcess.RunAsync(["watch", "tiny", .. there])).Code);
        (code, var output, errors) = await DdmProcess.RunAsync(["retry", "tiny", .. there]);
        Assert.True(code == 0, errors);
        Assert.Equal("tiny: Running, stage " + output[(output.LastIndexOf(' ') + 1)..], output);
        (code, _, errors) = await DdmProcess.RunAsync(["retry", "tiny", .. there]);
        Assert.True(code == 2 && errors.Contains("neither failed nor was cancelled", StringComparison.Ordinal), errors);
        Assert.Equal(0, (await DdmProcess.RunAsync(["cancel", "tiny", "--json", .. there])).Code);
    }
}
