using System.Diagnostics;
using System.Globalization;
using Ddm.Runs;

namespace Ddm.Storage.Tests;

public sealed class RunLockTests : IDisposable
{
    private readonly TestFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void ASecondHolderIsToldOfTheFirstAndWhatToDo()
    {
        using (RunLock.Acquire(_home.Path, "cats"))
        {
            var error = Assert.Throws<UserErrorException>(() => RunLock.Acquire(_home.Path, "cats"));
            Assert.Contains("Run 'cats'", error.Message, StringComparison.Ordinal);
            Assert.Contains(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
            Assert.Contains(Environment.MachineName, error.Message, StringComparison.Ordinal);
            Assert.Contains("since 20", error.Message, StringComparison.Ordinal);
            Assert.Contains("ddm status cats", error.Message, StringComparison.Ordinal);
            using var other = RunLock.Acquire(_home.Path, "dogs");
        }

        using var again = RunLock.Acquire(_home.Path, "cats");
    }

    [Fact]
    public void AHolderWithoutFactsStillHolds()
    {
        using var held = RunLock.Acquire(_home.Path, "cats");
        File.WriteAllText(Path.Combine(_home.Path, ".locks", "run-cats.json"), "{");
        Assert.Contains("another process", Assert.Throws<UserErrorException>(() => RunLock.Acquire(_home.Path, "cats")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADeadHolderDoesNotBlock()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/flock"), "needs flock(1), a second process that takes the same lock");
        RunLock.Acquire(_home.Path, "cats").Dispose();
        var path = Path.Combine(_home.Path, ".locks", "run-cats.lock");
        using var other = Process.Start(new ProcessStartInfo("/usr/bin/flock", ["--no-fork", path, "sh", "-c", "echo held; exec sleep 60"]) { RedirectStandardOutput = true })!;
        Assert.Equal("held", await other.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Throws<UserErrorException>(() => RunLock.Acquire(_home.Path, "cats"));

        other.Kill();
        await other.WaitForExitAsync(TestContext.Current.CancellationToken);
        using var held = RunLock.Acquire(_home.Path, "cats");
    }

    [Theory]
    [InlineData("../cats")]
    [InlineData("a/b")]
    [InlineData("")]
    public void ANameThatIsNoneIsRefused(string run) => Assert.Throws<UserErrorException>(() => RunLock.Acquire(_home.Path, run));
}
