using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary><c>ddm serve</c> and <c>ddm sample --server</c>: the pictures are those of <c>ddm sample</c>.</summary>
public class ServeCommandTests
{
    private const string Key = "a-key-of-the-serve-command-tests";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AServedModelDrawsWhatTheCommandDraws()
    {
        using var tiny = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home)).Code);
        var port = LoopbackPort.Free(1)[0];
        string[] there = ["--server", $"http://127.0.0.1:{port}", "--key", Key];
        var (near, far) = (Path.Combine(tiny.Folder, "near.png"), Path.Combine(tiny.Folder, "far.png"));
        using (var serve = DdmProcess.Start("serve", TinyFolder.RunName, "--home", tiny.Home, "--port", $"{port}", "--api-key", Key))
        {
            Assert.True(await serve.ReadUntilAsync("Answers at"), "ddm serve ended");
            using (var browser = new HttpClient())
            {
                Assert.Contains("playground.js", await browser.GetStringAsync(new Uri($"http://127.0.0.1:{port}/"), Token), StringComparison.Ordinal);
            }

            string[] what = ["sample", TinyFolder.RunName, "--n", "7", "--seed", "11", "--steps", "5", "--strategy", "nucleus:0.8@0.5", "--guidance", "2", "--solver", "Heun"];
            var (code, output, errors) = await DdmProcess.RunAsync([.. what, "--out", far, .. there]);
            Assert.True(code == 0, errors);
            Assert.StartsWith("7 pictures of tiny/v1 by nucleus:0.8@0.5 routing, 5 steps", output, StringComparison.Ordinal);
            Assert.Equal(0, (await DdmProcess.RunAsync([.. what, "--out", near, "--home", tiny.Home])).Code);
            Assert.Equal(await File.ReadAllBytesAsync(near, Token), await File.ReadAllBytesAsync(far, Token));

            (code, _, errors) = await DdmProcess.RunAsync(["sample", TinyFolder.RunName, "--class", "9", .. there]);
            Assert.Equal(2, code);
            Assert.Contains("Classes: 0 0, 1 1", errors, StringComparison.Ordinal);
            (code, _, errors) = await DdmProcess.RunAsync(["sample", "nothing", .. there]);
            Assert.Equal(2, code);
            Assert.Contains("There is no model 'nothing'", errors, StringComparison.Ordinal);
            (code, _, errors) = await DdmProcess.RunAsync("sample", TinyFolder.RunName, "--server", $"http://127.0.0.1:{port}", "--key", "wrong-key-of-the-serve-tests");
            Assert.Equal(2, code);
            Assert.Contains("does not know this key", errors, StringComparison.Ordinal);
            await serve.SignalAsync("INT");
            Assert.True(await serve.ExitedWithinAsync(TimeSpan.FromSeconds(20)), "Ctrl+C does not end ddm serve");
            (code, _, errors) = await DdmProcess.RunAsync(["sample", TinyFolder.RunName, .. there]);
            Assert.Equal(1, code);
            Assert.Contains($"cannot reach the server at http://127.0.0.1:{port}", errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ExpertsOfHostsDrawWhatTheCommandDraws()
    {
        using var tiny = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home)).Code);
        var (near, far) = (Path.Combine(tiny.Folder, "near.png"), Path.Combine(tiny.Folder, "far.png"));
        var ports = LoopbackPort.Free(3);
        string[] what = ["sample", TinyFolder.RunName, "--n", "5", "--seed", "11", "--steps", "3", "--strategy", "full"];
        using (var first = DdmProcess.Start("host", TinyFolder.RunName, "--home", tiny.Home, "--experts", "0", "--port", $"{ports[0]}", "--api-key", Key))
        using (var second = DdmProcess.Start("host", TinyFolder.RunName, "--home", tiny.Home, "--experts", "2/2", "--port", $"{ports[1]}", "--api-key", Key))
        {
            Assert.True(await first.ReadUntilAsync("holds    experts 0 of tiny/v1"), "ddm host ended");
            Assert.True(await second.ReadUntilAsync("Answers gateways at"), "ddm host ended");
            Environment.SetEnvironmentVariable("DDM_EXPERT_KEY", Key); // of the processes that are started from here
            string[] hosts = ["--expert-host", $"http://127.0.0.1:{ports[0]}", "--expert-host", $"http://127.0.0.1:{ports[1]}"];
            using var serve = DdmProcess.Start(["serve", TinyFolder.RunName, "--home", tiny.Home, "--port", $"{ports[2]}", "--api-key", Key, .. hosts]);
            Environment.SetEnvironmentVariable("DDM_EXPERT_KEY", null);
            Assert.True(await serve.ReadUntilAsync("Answers at"), "ddm serve ended");

            var (code, _, errors) = await DdmProcess.RunAsync([.. what, "--out", far, "--server", $"http://127.0.0.1:{ports[2]}", "--key", Key]);
            Assert.True(code == 0, errors);
            Assert.Equal(0, (await DdmProcess.RunAsync([.. what, "--out", near, "--home", tiny.Home])).Code);
            Assert.Equal(await File.ReadAllBytesAsync(near, Token), await File.ReadAllBytesAsync(far, Token));
            await second.SignalAsync("INT");
            Assert.True(await second.ExitedWithinAsync(TimeSpan.FromSeconds(20)), "Ctrl+C does not end ddm host");
        }

        foreach (var (part, arguments) in new (string, string[])[]
        {
            ("--experts: there is no expert 7 in tiny/v1. It has 2, counted from 0.", ["--experts", "0,7"]),
            ("--experts: '3/2' is no share.", ["--experts", "3/2"]),
            ("--experts: 'first' is no expert.", ["--experts", "first"]),
            ("--expert-weights: 'fp16' is nothing that experts are kept as. Use fp32, or bf16", ["--expert-weights", "fp16"]),
            ("--expert-bytes: 'much' is no whole number", ["--expert-bytes", "much"]),
            ("raise the limit", ["--expert-bytes", "1000"]),
        })
        {
            var (code, _, errors) = await DdmProcess.RunAsync(["host", TinyFolder.RunName, "--home", tiny.Home, "--port", "0", "--api-key", Key, .. arguments]);
            Assert.True(code == 2 && errors.Contains(part, StringComparison.Ordinal) && !errors.Contains("   at ", StringComparison.Ordinal), $"{code}: {errors}");
        }
    }

    [Theory]
    [InlineData(2, "no model 'nothing' is published here", "", "host", "nothing", "--api-key", Key, "--port", "0")]
    [InlineData(2, "--port 70000", "", "host", "nothing", "--port", "70000")]
    [InlineData(2, "Say --plain", "", "host", "nothing", "--host", "0.0.0.0")]
    [InlineData(2, "24 characters", "", "host", "nothing", "--api-key", "short", "--port", "0")]
    [InlineData(2, "--expert-weights: 'fp16'", "", "serve", "--expert-weights", "fp16", "--port", "0", "--api-key", Key)]
    [InlineData(2, "--expert-host: 'cats' is no address", "", "serve", "--expert-host", "cats", "--port", "0", "--api-key", Key)]
    [InlineData(2, "nothing", "no such run", "serve", "nothing")]
    [InlineData(2, "70000", "0 to 65535", "serve", "--port", "70000")]
    [InlineData(2, "at least", "24 characters", "serve", "--api-key", "short", "--port", "0")]
    public async Task WhatCannotBeServedIsSaid(int code, string part, string other, params string[] arguments)
    {
        using var tiny = new TinyFolder();
        Directory.CreateDirectory(tiny.Home);

        var (found, _, errors) = await DdmProcess.RunAsync([.. arguments, "--home", tiny.Home]);

        Assert.True(found == code && (errors.Contains(part, StringComparison.Ordinal) || (other.Length > 0 && errors.Contains(other, StringComparison.Ordinal))), errors);
    }
}
