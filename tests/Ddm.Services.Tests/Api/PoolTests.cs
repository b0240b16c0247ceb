using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests.Api;

/// <summary>What a run's page tells of pools, and what the list of runs costs.</summary>
public class PoolTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunTellsItsPoolsWithTheirWorkersAndWhatWaitsAlsoWhereNobodyWorks()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await RunTests.AddAsync(blobs, "tiny", tiny);
        var runs = new RunRepository(blobs);
        await runs.UpdateAsync("tiny", d => d with { Stage = RunStage.Train, Roles = [.. d.Roles, new RoleDecision("experts/1", 12, RoleStatus.Training), new RoleDecision("experts/2", 12, RoleStatus.Training)] }, Token);
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance);
        await checkpoints.GrantAsync("tiny", Role.Expert(0), "a100", Token);
        await checkpoints.GrantAsync("tiny", Role.Expert(1), "t4", Token);
        await checkpoints.GrantAsync("tiny", Role.Expert(2), "a100", Token);
        await ClaimAsync(checkpoints, Role.Expert(0), "big:1", "a100");
        await ClaimAsync(checkpoints, Role.Expert(2), "gone:1", "a100");
        await AddWorkerAsync(blobs, "big:1", "a100", slice: "tiny experts/0");
        await AddWorkerAsync(blobs, "ill:1", "spare", cordoned: "4 slices in a row failed on this machine");

        var facts = await server.Client.GetJsonAsync("/runs/tiny");

        var pools = facts.GetProperty("pools").EnumerateArray().ToDictionary(pool => pool.GetProperty("name").GetString()!);
        Assert.Equal(["a100", "router", "spare", "t4"], pools.Keys);
        Assert.Equal("big:1 tiny experts/0 True", Worker(pools["a100"]));
        Assert.Equal("experts/0 | experts/2 | False", Roles(pools["a100"])); // whoever has experts/2 left no sign of life
        Assert.Equal(" | router | True", Roles(pools["router"]));
        Assert.Equal(" | experts/1 | True", Roles(pools["t4"]));
        Assert.Equal(" |  | False", Roles(pools["spare"]));
        Assert.StartsWith("4 slices", pools["spare"].GetProperty("workers")[0].GetProperty("cordoned").GetString(), StringComparison.Ordinal);
        Assert.Equal(["a100", "t4", "a100", null], facts.GetProperty("roles").EnumerateArray().Select(role => role.GetProperty("pool").GetString()));
        Assert.False((await server.Client.GetJsonAsync("/runs")).GetProperty("runs")[0].TryGetProperty("pools", out _)); // a look at all workers for each run would be dear

        static string Worker(JsonElement pool)
        {
            var worker = Assert.Single(pool.GetProperty("workers").EnumerateArray());
            return $"{worker.GetProperty("name")} {worker.GetProperty("slice")} {worker.GetProperty("alive")}";
        }

        static string Roles(JsonElement pool) => $"{Names(pool, "training")} | {Names(pool, "waiting")} | {pool.GetProperty("unmanned")}";

        static string Names(JsonElement pool, string list) => string.Join(' ', pool.GetProperty(list).EnumerateArray().Select(item => item.GetString()));
    }

    [Fact]
    public async Task TheListOfRunsLooksAtNoneOfTheirBlobsButThoseOfItsPage()
    {
        using var tiny = new TinyFolder();
        var store = new CountedStore(new MemoryBlobStore());
        foreach (var name in new[] { "a", "b", "c", "d" })
        {
            await RunTests.AddAsync(store, name, tiny);
        }

        await store.TryWriteAsync("runs/bb/events/half-removed.jsonl", new byte[1], WriteCondition.Any, Token);
        await using var server = await ApiServer.StartAsync(store, tiny.Folder, cancellationToken: Token);
        store.Calls.Clear();

        var page = await server.Client.GetJsonAsync("/runs?limit=1&after=a");

        Assert.Equal(("b", "b"), (Assert.Single(page.GetProperty("runs").EnumerateArray()).GetProperty("run").GetString(), page.GetProperty("next").GetString()));
        string[] calls = [.. store.Calls];
        Assert.Equal(["folders runs/"], calls.Where(call => call.StartsWith("folders", StringComparison.Ordinal) || call.StartsWith("list", StringComparison.Ordinal)));
        Assert.DoesNotContain(calls, call => call.Contains("runs/d/", StringComparison.Ordinal) || call.Contains("runs/a/", StringComparison.Ordinal));
    }

    private static async Task ClaimAsync(CheckpointStore checkpoints, Role role, string worker, string pool) => Assert.IsType<ClaimOutcome.Claimed>(await checkpoints.ClaimAsync(
        new ClaimRequest { Run = "tiny", Role = role, Worker = worker, IsKnownDead = _ => false, OwnerTimeout = TimeSpan.FromMinutes(1), Pool = pool }, Token));

    private static Task<string?> AddWorkerAsync(FileBlobStore blobs, string name, string pool, string? slice = null, string? cordoned = null) => blobs.TryWriteJsonAsync(
        BlobNames.Worker(WorkerPresence.Encode(name)),
        new WorkerRecord
        {
            Schema = WorkerRecord.CurrentSchema,
            Name = name,
            Host = name,
            Pool = pool,
            Numerics = SliceWorkshop.Numerics,
            Slice = slice,
            Cordoned = cordoned,
        },
        WriteCondition.Any,
        Token);
}
