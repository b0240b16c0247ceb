using System.Globalization;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>However <c>ddm up</c> ends, nothing that it started outlives it.</summary>
[Trait("Category", "Long")]
public sealed class UpEndTests
{
    /// <summary>SIGKILL leaves no time to stop anything: a guard does, and where that is killed too the next start.</summary>
    [Fact]
    public async Task WhatIsKilledLeavesNothingBehind()
    {
        using var files = new TinyFolder();
        await using (var up = UpProcess.Start(files, "--blobs", "folder"))
        {
            await up.ReadyAsync();
            foreach (var guard in UpProcess.Left(files.Home).Where(program => program.Contains("ddm-up-guard", StringComparison.Ordinal)))
            {
                Signals.Send(int.Parse(guard[..guard.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture), Signals.Kill);
            }

            await up.KillAsync();
            Assert.NotEmpty(UpProcess.Left(files.Home));
        }

        await using var next = UpProcess.Start(files, "--blobs", "folder");
        await next.SaysAsync("rabbitmq           ready");
        Assert.Contains("An earlier 'ddm up' was killed; stopped what it had left: ", next.Said, StringComparison.Ordinal);
        await next.KillAsync(); // half way
        await next.GoneAsync();
    }

    [Fact]
    public async Task AStartThatFailsHalfWayLeavesNothingBehind()
    {
        using var files = new TinyFolder();
        await using var up = UpProcess.StartWith(files, "/bin/false");
        Assert.True(await up.EndAsync() == 1, up.Said);
        Assert.Contains("azurite ended with exit code 1", up.Said, StringComparison.Ordinal);
        Assert.Contains("rabbitmq           stopped", up.Said, StringComparison.Ordinal);
        Assert.Empty(UpProcess.Left(files.Home));
    }
}
