using System.Diagnostics;
using Azure.Core;
using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Storage.Tests;

/// <summary>Lost requests and replies, busy and silent services, between the client's own retries and a real Azurite.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class AzureFaultTests : IDisposable
{
    private const int Small = 100, Large = (5 << 20) + 7;

    private readonly Wire _wire = new();
    private readonly string _connection;
    private readonly AzureBlobStore _store;
    private readonly IBlobStore _other;

    public AzureFaultTests(AzuriteProcess azurite)
    {
        _connection = azurite.ConnectionString(AzuriteProcess.NewContainer());
        _store = Open(TimeSpan.FromMinutes(1));
        _other = BlobStores.Open(_connection);
    }

    public static TheoryData<string, int> Writes => new(
        from condition in new[] { "any", "absent", "match" } from length in new[] { Small, Large } select (condition, length));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Assert.True(_wire.Tries > 0, "the test touched nothing");

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task AWriteWhoseRepliesAreLostIsKnownToHaveHappened(string kind, int length)
    {
        var condition = await ConditionAsync(kind);
        _wire.FaultAt = _ => _wire.Tries % 2 == 1 ? Wire.Fault.LostReply : null;
        Assert.True(await _store.TryWriteStreamAsync("x", Writer(1, length), condition, Cancel));
        await AssertHoldsAsync(1, length);
    }

    [Fact]
    public async Task TheETagOfAWriteWhoseReplyIsLostIsTheOneToSwapBy()
    {
        await _other.TryWriteAsync("other", "makes the container"u8.ToArray(), WriteCondition.Any, Cancel);
        _wire.FaultAt = at => at == 0 ? Wire.Fault.LostReply : null;
        var etag = await _store.TryWriteAsync("x", "1"u8.ToArray(), WriteCondition.IfAbsent, Cancel);
        Assert.Equal((await _other.ReadAsync("x", Cancel))!.ETag, etag);
        Assert.Equal(2, _wire.Tries);
        Assert.NotNull(await _store.TryWriteAsync("x", "2"u8.ToArray(), WriteCondition.IfMatch(etag!), Cancel));
    }

    [Theory]
    [InlineData(nameof(Wire.Fault.LostReply))]
    [InlineData(nameof(Wire.Fault.LostRequest))]
    public async Task WhereAnotherWroteAfterALostReplyTheOutcomeIsUnknownAndSaidSo(string fault)
    {
        var etag = await _other.TryWriteAsync("x", "0"u8.ToArray(), WriteCondition.Any, Cancel);
        _wire.FaultAt = at => at == 0 ? Enum.Parse<Wire.Fault>(fault) : null;
        _wire.Meanwhile = async () => await _other.TryWriteAsync("x", "theirs"u8.ToArray(), WriteCondition.Any, Cancel);
        var error = await Assert.ThrowsAsync<IOException>(() => _store.TryWriteAsync("x", "ours"u8.ToArray(), WriteCondition.IfMatch(etag!), Cancel));
        Assert.Contains("lost its reply", error.Message, StringComparison.Ordinal);
        Assert.Equal("theirs"u8.ToArray(), (await _other.ReadAsync("x", Cancel))!.Bytes);
    }

    [Fact]
    public async Task WhereAnotherWroteWhileTheServiceWasBusyTheWriteIsPlainlyLost()
    {
        var etag = await _other.TryWriteAsync("x", "0"u8.ToArray(), WriteCondition.Any, Cancel);
        _wire.FaultAt = at => at == 0 ? Wire.Fault.Busy : null;
        _wire.Meanwhile = async () => await _other.TryWriteAsync("x", "theirs"u8.ToArray(), WriteCondition.Any, Cancel);
        Assert.Null(await _store.TryWriteAsync("x", "ours"u8.ToArray(), WriteCondition.IfMatch(etag!), Cancel));
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(Large)]
    public async Task ABusyServiceIsWaitedForAsLongAsItAsks(int length)
    {
        _wire.FaultAt = at => at < 2 ? Wire.Fault.BusyForASecond : null;
        var began = Stopwatch.GetTimestamp();
        Assert.True(await _store.TryWriteStreamAsync("x", Writer(1, length), WriteCondition.IfAbsent, Cancel));
        Assert.True(Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(0.9));
        await AssertHoldsAsync(1, length);
    }

    [Theory]
    [InlineData(nameof(Wire.Fault.Busy))]
    [InlineData(nameof(Wire.Fault.BusyForASecond))]
    [InlineData(nameof(Wire.Fault.Late))]
    [InlineData(nameof(Wire.Fault.LostRequest))]
    public async Task AServiceThatStaysBusyOrSilentIsGivenUpWithinTheDeadline(string fault)
    {
        _wire.Touches = _ => true;
        _wire.FaultAt = _ => Enum.Parse<Wire.Fault>(fault);
        var store = Open(TimeSpan.FromSeconds(2));
        Func<Task>[] calls =
        [
            () => store.TryWriteAsync("x", new byte[1], WriteCondition.IfAbsent, Cancel),
            () => store.TryWriteStreamAsync("x", Writer(1, Large), WriteCondition.IfAbsent, Cancel),
            () => store.ReadAsync("x", Cancel),
            () => store.OpenReadAsync("x", Cancel),
            () => store.ExistsAsync("x", Cancel),
            () => store.DeleteAsync("x", Cancel),
            () => store.ListAsync("", Cancel).ToListAsync(Cancel).AsTask(),
            () => store.ListFoldersAsync("", Cancel),
            () => store.ReadClockAsync(Cancel),
        ];
        var began = Stopwatch.GetTimestamp();
        var errors = await Task.WhenAll(calls.Select(Assert.ThrowsAsync<IOException>));
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30));
        Assert.All(errors, error => Assert.StartsWith("container 'test-", error.Message, StringComparison.Ordinal));
        Assert.Empty(await _other.ListAsync("", Cancel).ToListAsync(Cancel));
    }

    [Fact]
    public async Task ACancelledCallEndsAtOnceAndAsCancelled()
    {
        using var source = new CancellationTokenSource();
        _wire.FaultAt = _ => Wire.Fault.Late;
        var writing = _store.TryWriteAsync("x", new byte[1], WriteCondition.IfAbsent, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task PiecesOfALargeReadAreAskedForAgain()
    {
        await _other.TryWriteStreamAsync("x", Writer(1, 3 * Large), WriteCondition.IfAbsent, Cancel);
        _wire.Touches = request => request.Method == RequestMethod.Get;
        _wire.FaultAt = at => at % 2 == 0 ? Wire.Fault.LostReply : null;
        await using var stream = await _store.OpenReadAsync("x", Cancel);
        var read = new byte[3 * Large];
        await stream!.ReadExactlyAsync(read, Cancel);
        Assert.True(read.AsSpan().SequenceEqual(BlobStoreContract.Made(1, 3 * Large)));
    }

    [Fact]
    public async Task AfterAPieceThatCouldNotBeHadTheNextReadAsksForItAgain()
    {
        await _other.TryWriteStreamAsync("x", Writer(1, 3 * Large), WriteCondition.IfAbsent, Cancel);
        _wire.Touches = request => request.Method == RequestMethod.Get;
        var broken = true;
        _wire.FaultAt = at => broken && at > 0 ? Wire.Fault.Late : null;
        await using var stream = (await Open(TimeSpan.FromSeconds(1)).OpenReadAsync("x", Cancel))!;
        var read = new byte[3 * Large];
        await Assert.ThrowsAsync<IOException>(() => stream.ReadExactlyAsync(read, Cancel).AsTask());
        broken = false;
        await stream.ReadExactlyAsync(read.AsMemory((int)stream.Position), Cancel);
        Assert.True(read.AsSpan().SequenceEqual(BlobStoreContract.Made(1, 3 * Large)));
    }

    [Theory]
    [InlineData(nameof(Wire.Fault.LostReply))]
    [InlineData(nameof(Wire.Fault.LostRequest))]
    [InlineData(nameof(Wire.Fault.Busy))]
    public async Task TrainingGoesOnWhateverTheWireLoses(string fault)
    {
        var watch = new HeadWatch(_store, Trainee.Run, Trainee.Role);
        _wire.FaultAt = at => at % 3 == 1 ? Enum.Parse<Wire.Fault>(fault) : null;
        for (var slice = 0; slice < 3; slice++)
        {
            var claim = await Trainee.TrainAsync(watch, (20 * slice) + 10, (20 * slice) + 20);
            Assert.True(await Trainee.On(watch).RenewAsync(claim, Cancel));
            await Trainee.On(watch).ReleaseAsync(claim, Cancel);
            await Trainee.On(watch).SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, Cancel);
        }

        Assert.Equal([0, 10, 20, 30, 40, 50, 60], watch.Heads.Select(head => head.Step).Distinct());
        var opened = await Trainee.On(_other).OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel);
        Assert.Equal("weights at 60", await Trainee.ReadPartAsync(opened!, "weights.safetensors"));
        Assert.Equal(6, (await Trainee.On(_other).HistoryAsync(Trainee.Run, Trainee.Role, Cancel)).Count);
    }

    private static Func<Stream, CancellationToken, Task> Writer(int seed, int length) =>
        (stream, token) => stream.WriteAsync(BlobStoreContract.Made(seed, length), token).AsTask();

    private AzureBlobStore Open(TimeSpan deadline)
    {
        var options = AzureClientSettings.Create();
        options.Retry.Delay = TimeSpan.FromMilliseconds(20);
        options.AddPolicy(_wire, HttpPipelinePosition.PerRetry);
        return AzureConnection.Parse(_connection, BlobStores.Setting)!.Open(options, deadline);
    }

    private async Task<WriteCondition> ConditionAsync(string kind) => kind switch
    {
        "any" => WriteCondition.Any,
        "absent" => WriteCondition.IfAbsent,
        _ => WriteCondition.IfMatch((await _other.TryWriteAsync("x", "0"u8.ToArray(), WriteCondition.Any, Cancel))!),
    };

    private async Task AssertHoldsAsync(int seed, int length) =>
        Assert.True((await _other.ReadAsync("x", Cancel))!.Bytes.AsSpan().SequenceEqual(BlobStoreContract.Made(seed, length)));
}
