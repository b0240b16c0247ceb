using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;

namespace Ddm.Services.Tests;

public sealed class TransientFailureTests
{
    [Theory]
    [InlineData("list runs/tiny/experts/0/checkpoints/")] // the sweep, after the commit
    [InlineData("write runs/tiny/experts/1/owner.json")]
    [InlineData("read datasets/")]
    public async Task AStoreThatFailsOnceStrandsNoRun(string call)
    {
        using var tiny = new TinyRun();
        var failing = new FailingOnce(tiny.Blobs, call);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromMinutes(1));

        var document = await tiny.RunAsync(blobs: failing, cancellationToken: timeout.Token);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.True(failing.Failed);
    }

    private sealed class FailingOnce(IBlobStore below, string prefix) : InterceptedBlobStore(below)
    {
        private int failed;

        public bool Failed => failed > 0;

        protected override Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
            => call.StartsWith(prefix, StringComparison.Ordinal) && Interlocked.Exchange(ref failed, 1) == 0
                ? Task.FromException<T>(new IOException("once: " + call))
                : run();
    }
}
