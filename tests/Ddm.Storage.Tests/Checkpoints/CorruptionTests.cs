using Ddm.Runs;

namespace Ddm.Storage.Tests;

public sealed class CorruptionTests
{
    private const string Newest = "runs/cats/experts/2/checkpoints/0000000030-1/";
    private readonly MemoryBlobStore _store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private CheckpointStore Checkpoints => Trainee.On(_store);

    public static TheoryData<string, string, string> Damages => new()
    {
        { "weights.safetensors", "flip", "has sha256" },
        { "ema.safetensors", "truncate", "has 3 bytes where its manifest says 9" },
        { "weights.safetensors", "empty", "has 0 bytes where its manifest says 13" },
        { "metrics.jsonl", "delete", "is missing" },
        { "manifest.json", "flip", "where the chain says" },
        { "manifest.json", "truncate", "where the chain says" },
        { "manifest.json", "empty", "where the chain says" },
        { "manifest.json", "delete", "is missing" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task ADamagedNewestGivesWayToTheOneBeforeAndIsNamed(string blob, string damage, string says)
    {
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await DamageAsync(Newest + blob, damage);

        var opened = await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel);
        Assert.Equal(20, opened!.Manifest.Step);
        var message = Assert.Single(opened.Skipped);
        Assert.StartsWith(Newest + blob, message, StringComparison.Ordinal);
        Assert.Contains(says, message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task TrainingGoesOnFromTheOneBeforeAndTheHeadFollows(string blob, string damage, string says)
    {
        Assert.NotEmpty(says);
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await DamageAsync(Newest + blob, damage);

        var claim = await Trainee.ClaimAsync(_store);
        var opened = await Checkpoints.OpenAsync(claim, Trainee.Data, Cancel);
        Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(_store, claim, opened!.Manifest.Step, 25));

        Assert.Equal([25, 20, 10], (await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel)).Select(link => link.Manifest.Step));
        await Checkpoints.SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, Cancel);
        Assert.DoesNotContain(await _store.ListAsync("", Cancel).ToListAsync(Cancel), found => found.Name.StartsWith(Newest, StringComparison.Ordinal));
    }

    [Fact]
    public async Task TwoDamagedAreBothPassedOver()
    {
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await DamageAsync(Newest + "ema.safetensors", "flip");
        await DamageAsync("runs/cats/experts/2/checkpoints/0000000020-1/metrics.jsonl", "delete");
        var opened = await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel);
        Assert.Equal(10, opened!.Manifest.Step);
        Assert.Equal(2, opened.Skipped.Count);
    }

    [Fact]
    public async Task WhenNoneIsWholeAPersonIsAskedAndNothingStartsFromStepZero()
    {
        await Trainee.TrainAsync(_store, 10, 20);
        await DamageAsync("runs/cats/experts/2/checkpoints/0000000010-1/ema.safetensors", "flip");
        await DamageAsync("runs/cats/experts/2/checkpoints/0000000020-1/ema.safetensors", "flip");
        var claim = await Trainee.ClaimAsync(_store);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.OpenAsync(claim, Trainee.Data, Cancel));
        Assert.Contains("0000000010-1/ema.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Contains("0000000020-1/ema.safetensors", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Trainee.CommitAsync(_store, claim, 0, 5));
    }

    [Fact]
    public async Task OtherDataIsRefusedWithBothHashes()
    {
        await Trainee.TrainAsync(_store, 10);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, "beef", Cancel));
        Assert.Contains("da7a", error.Message, StringComparison.Ordinal);
        Assert.Contains("beef", error.Message, StringComparison.Ordinal);
        Assert.NotNull(await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel));
    }

    [Fact]
    public async Task AForeignRunsCheckpointIsRefusedByName()
    {
        await Trainee.TrainAsync(_store, 10);
        await RewriteManifestAsync(manifest => manifest with { Run = "dogs" });
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel));
        Assert.Contains("run 'dogs', not for experts/2 of run 'cats'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANewerSchemaAsksForAnUpgrade()
    {
        await Trainee.TrainAsync(_store, 10);
        await RewriteManifestAsync(manifest => manifest with { Schema = 9 });
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel));
        Assert.Contains("has schema 9, this version reads up to 1: upgrade", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Its hash is right, so nothing damaged it: what cannot be read was written by a program that knows more.</summary>
    [Fact]
    public async Task AManifestWithTheRightHashThatCannotBeReadIsANewerVersions()
    {
        await Trainee.TrainAsync(_store, 10);
        await _store.TryWriteAsync("runs/cats/experts/2/checkpoints/0000000010-1/manifest.json", "{}"u8.ToArray(), WriteCondition.Any, Cancel);
        var head = await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel);
        await _store.TryWriteJsonAsync(BlobNames.Head(Trainee.Run, Trainee.Role), head! with { ManifestSha256 = Sha256.Of("{}"u8) }, WriteCondition.Any, Cancel);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel));
        Assert.Contains("A newer version may have written it: upgrade", error.Message, StringComparison.Ordinal);
    }

    private async Task RewriteManifestAsync(Func<CheckpointManifest, CheckpointManifest> change)
    {
        const string Name = "runs/cats/experts/2/checkpoints/0000000010-1/manifest.json";
        var (manifest, _) = (await _store.ReadJsonAsync<CheckpointManifest>(Name, Cancel)).GetValueOrDefault();
        await _store.TryWriteJsonAsync(Name, change(manifest), WriteCondition.Any, Cancel);
        var head = await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel);
        var sha256 = Sha256.Of(BlobJson.Serialize(change(manifest)));
        await _store.TryWriteJsonAsync(BlobNames.Head(Trainee.Run, Trainee.Role), head! with { ManifestSha256 = sha256 }, WriteCondition.Any, Cancel);
    }

    private async Task DamageAsync(string name, string damage)
    {
        var bytes = (await _store.ReadAsync(name, Cancel))!.Bytes.ToArray();
        bytes[^3] ^= 1;
        await (damage switch
        {
            "delete" => _store.DeleteAsync(name, Cancel),
            "empty" => _store.TryWriteAsync(name, ReadOnlyMemory<byte>.Empty, WriteCondition.Any, Cancel),
            "truncate" => _store.TryWriteAsync(name, bytes.AsMemory(0, 3), WriteCondition.Any, Cancel),
            _ => _store.TryWriteAsync(name, bytes, WriteCondition.Any, Cancel),
        });
    }
}
