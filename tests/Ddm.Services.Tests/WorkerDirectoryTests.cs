using Ddm.Storage;
using Ddm.Storage.Tests;

namespace Ddm.Services.Tests;

public sealed class WorkerDirectoryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RecordsOfMachinesThatNeverCameBackAreForgottenAndCordonsAreNot()
    {
        var blobs = new MemoryBlobStore();
        await WriteAsync(blobs, "gone", null);
        await WriteAsync(blobs, "bad", "4 slices in a row failed");
        await blobs.TryWriteAsync(Ddm.Runs.BlobNames.Worker("broken"), "{"u8.ToArray(), WriteCondition.Any, Cancel);
        blobs.Now += TimeSpan.FromHours(23);
        await WriteAsync(blobs, "late", null);
        var directory = new WorkerDirectory(blobs);
        await directory.SweepAsync(Cancel);
        Assert.Equal(4, await blobs.ListAsync(Ddm.Runs.BlobNames.Workers, Cancel).CountAsync(Cancel));

        blobs.Now += TimeSpan.FromHours(2);
        await directory.SweepAsync(Cancel);

        Assert.Equal(["bad", "late"], (await directory.ReadAsync(Cancel)).Select(worker => worker.Record.Name).Order());
        Assert.Equal(2, await blobs.ListAsync(Ddm.Runs.BlobNames.Workers, Cancel).CountAsync(Cancel));
    }

    private static Task<string?> WriteAsync(MemoryBlobStore blobs, string name, string? cordoned) => blobs.TryWriteJsonAsync(
        Ddm.Runs.BlobNames.Worker(name),
        new WorkerRecord { Schema = WorkerRecord.CurrentSchema, Name = name, Host = name, Pool = "local", Cordoned = cordoned },
        WriteCondition.Any,
        Cancel);
}
