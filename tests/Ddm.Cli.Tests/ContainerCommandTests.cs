using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>Commands on a run whose blobs lie in a container.</summary>
public sealed class ContainerCommandTests(AzuriteProcess azurite) : IClassFixture<AzuriteProcess>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunInAContainerIsShownVerifiedAndDrawnFromAsOneInAFolder()
    {
        using var tiny = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home)).Code);
        var connection = azurite.ConnectionString(AzuriteProcess.NewContainer());
        await CopyAsync(BlobStores.Open(tiny.Home), BlobStores.Open(connection));

        foreach (var command in new[] { "inspect", "metrics", "events" })
        {
            var folder = await DdmProcess.RunAsync(command, "tiny", "--json", "--home", tiny.Home);
            var container = await DdmProcess.RunAsync(command, "tiny", "--json", "--blobs", connection);
            Assert.True(container.Code == 0, container.Errors);
            Assert.Equal(WithoutNow(folder.Output), WithoutNow(container.Output));
        }

        var status = await DdmProcess.RunAsync("status", "--blobs", connection);
        Assert.True(status.Code == 0, status.Errors);
        Assert.Contains("Succeeded", status.Output, StringComparison.Ordinal);
        var verified = await DdmProcess.RunAsync("verify", "tiny", "--blobs", connection, "--slices", "1");
        Assert.True(verified.Code == 0, verified.Output + verified.Errors);
        Assert.Equal(await DrawAsync(tiny, "--home", tiny.Home), await DrawAsync(tiny, "--blobs", connection));

        static string WithoutNow(string json) => string.Join('\n', json.Split('\n').Where(line => !line.Contains("\"now\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task WhatCannotBeMeantIsRefused()
    {
        var connection = azurite.ConnectionString(AzuriteProcess.NewContainer());
        foreach (var (arguments, says) in new[]
        {
            (new[] { "status", "--blobs", connection, "--home", "x" }, "give one of them"),
            (["gc", "--blobs", connection], "--blobs names a container, and ddm gc works in a folder of this machine"),
            (["run", "x.yaml", "--blobs", connection], "ddm run works in a folder of this machine"),
            (["status", "--blobs", "AccountName=cats;AccountKey=x"], "--blobs cannot be read"),
            (["status", "cats", "--blobs", connection], "run 'cats' does not exist"),
        })
        {
            var (code, _, errors) = await DdmProcess.RunAsync(arguments);
            Assert.True(code == 2, $"{string.Join(' ', arguments)}: exit {code}: {errors}");
            Assert.Contains(says, errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        }
    }

    private static async Task<byte[]> DrawAsync(TinyFolder tiny, string option, string value)
    {
        var png = Path.Combine(tiny.Folder, "out.png");
        var (code, _, errors) = await DdmProcess.RunAsync("sample", "tiny", option, value, "--n", "2", "--seed", "3", "--out", png);
        Assert.True(code == 0, errors);
        return await File.ReadAllBytesAsync(png, Cancel);
    }

    private static async Task CopyAsync(IBlobStore from, IBlobStore to)
    {
        await foreach (var blob in from.ListAsync("", Cancel))
        {
            await to.TryWriteAsync(blob.Name, (await from.ReadAsync(blob.Name, Cancel))!.Bytes, WriteCondition.IfAbsent, Cancel);
        }
    }
}
