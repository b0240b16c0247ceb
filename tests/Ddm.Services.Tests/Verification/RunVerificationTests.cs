using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services.Tests;

public sealed class RunVerificationTests(FinishedRun finished) : IClassFixture<FinishedRun>
{
    private const int All = -1;
    private static readonly Role s_role = Role.Expert(0);

    private readonly FileBlobStore blobs = finished.Copy();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Forger Forger => new(blobs, s_role);

    [Fact]
    public async Task AGoodRunIsGoodFromHeadToStepZeroAndSoIsEverySliceMadeAgain()
    {
        var before = await HashesAsync();
        var progress = new Recording();
        var report = await VerifyAsync(All, progress: progress);

        Assert.True(report.Good, string.Join("; ", Faults(report)));
        Assert.Equal(["experts/0", "experts/1", "router"], report.Roles.Select(role => role.Role));
        foreach (var role in report.Roles)
        {
            var history = await new Forger(blobs, Role.Parse(role.Role)).HistoryAsync();
            Assert.Equal((history[0].Manifest.Step, history.Count, 3), (role.Step, role.Checkpoints, role.Whole));

            // The first, whose start needs no tensors, and the two whose parents keep theirs.
            var expected = new[] { 0L, history[1].Manifest.Step, history[2].Manifest.Step };
            Assert.Equal(expected.Order(), report.Slices.Where(slice => slice.Role == role.Role).Select(slice => slice.FromStep).Order());
            Assert.Contains(progress.Steps, step => step == (role.Role, history[0].Manifest.Step));
        }

        Assert.Equal(report.Candidates, report.Slices.Count);
        var swept = Assert.Single(report.NotReplayable);
        Assert.Contains("were swept", swept.Reason, StringComparison.Ordinal);
        Assert.Equal(report.Roles.Sum(role => role.Checkpoints) - report.Candidates, swept.Slices);
        Assert.Equal(before, await HashesAsync());
    }

    [Fact]
    public async Task TheSeedDrawsTheSlicesAndMoreAreTheSameOnesAndMore()
    {
        var two = await VerifyAsync(2, seed: 5);
        var four = await VerifyAsync(4, seed: 5);
        Assert.Equal(two.Slices.Select(Name), four.Slices.Take(2).Select(Name));
        Assert.Equal(4, four.Slices.Select(Name).Distinct().Count());
        Assert.Empty((await VerifyAsync(0)).Slices);
        var draws = new HashSet<string>();
        for (var seed = 0; seed < 10; seed++)
        {
            draws.Add(Name((await VerifyAsync(1, seed)).Slices[0]));
        }

        Assert.True(draws.Count > 2, "ten seeds draw the same slices");

        static string Name(SliceVerification slice) => $"{slice.Role} {slice.FromStep} {slice.Step}";
    }

    [Theory]
    [InlineData(TrainingState.WeightsPart)]
    [InlineData(TrainingState.AveragePart)]
    [InlineData(TrainingState.OptimizerPart)]
    public async Task OneFlippedBitUnderARightChainIsFoundByMakingTheSliceAgain(string part)
    {
        var newest = (await Forger.HistoryAsync())[0];
        await Forger.ChangePartAsync(newest, part, FlipLast);
        await Forger.ResealAsync();

        var report = await VerifyAsync(All);

        Assert.All(report.Roles, role => Assert.Empty(role.Faults));
        var caught = Assert.Single(report.Slices, slice => slice.Faults.Count > 0);
        Assert.Equal(("experts/0", newest.Manifest.Step), (caught.Role, caught.Step));
        Assert.StartsWith($"{newest.Folder}{part}: steps {caught.FromStep} to {caught.Step}, made again, give sha256 ", Assert.Single(caught.Faults), StringComparison.Ordinal);
        Assert.False(report.Good);
        Assert.Equal(part == TrainingState.AveragePart, report.Model.Count > 0); // what was published is the average
    }

    [Fact]
    public async Task WeightsChangedHalfWayAreFoundByTheSliceThatGoesOnFromThem()
    {
        var parent = (await Forger.HistoryAsync())[2];
        await Forger.ChangePartAsync(parent, TrainingState.WeightsPart, FlipLast);
        await Forger.ResealAsync();

        var report = await VerifyAsync(All);

        Assert.All(report.Roles, role => Assert.Empty(role.Faults));
        Assert.Contains(report.Slices, slice => slice.Role == "experts/0" && slice.FromStep == parent.Manifest.Step && slice.Faults.Count > 0);
    }

    [Theory]
    [InlineData("loss")]
    [InlineData("heldOutLoss")]
    public async Task ALossThatWasNotMeasuredIsFound(string field)
    {
        var newest = (await Forger.HistoryAsync())[0];
        await Forger.ChangePartAsync(newest, MetricsLog.Part, bytes =>
        {
            var text = Encoding.UTF8.GetString(bytes);
            var changed = Regex.Replace(text, $"\"{field}\":[^,]*", $"\"{field}\":0.001");
            Assert.NotEqual(text, changed);
            return Encoding.UTF8.GetBytes(changed);
        });
        await Forger.ResealAsync();

        var caught = Assert.Single((await VerifyAsync(All)).Slices, slice => slice.Faults.Count > 0);
        Assert.Contains($"{newest.Folder}metrics.jsonl: step ", Assert.Single(caught.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABrokenLinkEndsTheWalkAndIsNamed()
    {
        var history = await Forger.HistoryAsync();
        await Forger.ChangePartAsync(history[4], "manifest.json", FlipLast);

        var report = await VerifyAsync(All);

        var broken = report.Roles[0];
        Assert.Equal(4, broken.Checkpoints);
        var fault = Assert.Single(broken.Faults);
        Assert.StartsWith($"{history[4].Folder}manifest.json (", fault, StringComparison.Ordinal);
        Assert.EndsWith("what lies below it cannot be verified", fault, StringComparison.Ordinal);
        Assert.All(report.Roles.Skip(1), role => Assert.Empty(role.Faults));
    }

    [Fact]
    public async Task AMissingLinkIsNamed()
    {
        var history = await Forger.HistoryAsync();
        await blobs.DeleteAsync(history[^1].Folder + "manifest.json", Cancel);
        Assert.Contains($"{history[^1].Folder}manifest.json is missing", Assert.Single((await VerifyAsync(0)).Roles[0].Faults), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gap", "goes on from step")]
    [InlineData("start", "which no training does")]
    [InlineData("epoch", "which its folder is not")]
    [InlineData("data", "was trained on data with manifest sha256 other")]
    [InlineData("class", "was trained in the numerics class")]
    [InlineData("role", "was written for experts/1")]
    public async Task AChainWhoseHashesAreRightAndWhoseStoryIsNotIsFound(string lie, string says)
    {
        var middle = (await Forger.HistoryAsync())[3].Manifest.Step;
        await Forger.ResealAsync(manifest => manifest.Step != middle && lie != "start" ? manifest : lie switch
        {
            "gap" => manifest with { FromStep = manifest.FromStep - 1 },
            "start" => manifest.Parent is null ? manifest with { FromStep = 1 } : manifest,
            "epoch" => manifest with { Epoch = manifest.Epoch + 1 },
            "data" => manifest with { DataManifestSha256 = "other" },
            "class" => manifest with { Numerics = manifest.Numerics with { Threads = 77 } },
            _ => manifest with { Role = "experts/1" },
        });
        var faults = (await VerifyAsync(0)).Roles[0].Faults;
        Assert.Contains(faults, fault => fault.Contains(says, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(TrainingState.OptimizerPart, 1, false, "has sha256")]
    [InlineData(TrainingState.OptimizerPart, 0, true, "is missing")]
    [InlineData(MetricsLog.Part, 5, false, "has sha256")]
    [InlineData(MetricsLog.Part, 5, true, "is missing")]
    public async Task APartThatIsNotWhatItsManifestSaysIsNamed(string part, int at, bool deleted, string says)
    {
        var checkpoint = (await Forger.HistoryAsync())[at];
        if (deleted)
        {
            await blobs.DeleteAsync(checkpoint.Folder + part, Cancel);
        }
        else
        {
            await Forger.ChangePartAsync(checkpoint, part, FlipLast);
        }

        var report = await VerifyAsync(All);
        var fault = Assert.Single(report.Roles[0].Faults);
        Assert.StartsWith($"{checkpoint.Folder}{part} ", fault, StringComparison.Ordinal);
        Assert.Contains(says, fault, StringComparison.Ordinal);
        Assert.Contains(report.NotReplayable, reason => reason.Reason.Contains("not sound", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AHeadMovedBackIsFound()
    {
        var history = await Forger.HistoryAsync();
        await blobs.DeleteAsync(history[0].Folder + "manifest.json", Cancel);
        var head = (await blobs.ReadJsonAsync<RoleHead>(BlobNames.Head(TinyRun.Name, s_role), Cancel))!.Value.Value;
        var back = head with
        {
            Step = history[1].Manifest.Step,
            Checkpoint = history[1].Folder,
            ManifestSha256 = history[0].Manifest.ParentManifestSha256,
            Parent = history[1].Manifest.Parent,
            ParentManifestSha256 = history[1].Manifest.ParentManifestSha256,
        };
        await blobs.TryWriteJsonAsync(BlobNames.Head(TinyRun.Name, s_role), back, WriteCondition.Any, Cancel);
        Assert.Contains("though the run has ended with 12 steps", Assert.Single((await VerifyAsync(0)).Roles[0].Faults), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expert lost", "has experts/1 0 times")]
    [InlineData("expert twice", "has experts/0 2 times")]
    [InlineData("weights changed", "; it has ")]
    [InlineData("weights gone", "; it is missing")]
    public async Task WhatWasPublishedIsHeldAgainstTheRunAndReadToTheByte(string damage, string says)
    {
        var name = (await blobs.ListAsync("models/", Cancel).ToListAsync(Cancel)).Single(blob => blob.Name.EndsWith("/manifest.json", StringComparison.Ordinal)).Name;
        var model = (await blobs.ReadJsonAsync<ModelManifest>(name, Cancel))!.Value.Value;
        var weights = model.Experts[0].Weights!;
        await (damage switch
        {
            "expert lost" => blobs.TryWriteJsonAsync(name, model with { Experts = [model.Experts[0]] }, WriteCondition.Any, Cancel),
            "expert twice" => blobs.TryWriteJsonAsync(name, model with { Experts = [.. model.Experts, model.Experts[0]] }, WriteCondition.Any, Cancel),
            "weights changed" => blobs.TryWriteAsync(weights, FlipLast((await blobs.ReadAsync(weights, Cancel))!.Bytes), WriteCondition.Any, Cancel),
            _ => blobs.DeleteAsync(weights, Cancel),
        });

        var report = await VerifyAsync(0);

        Assert.Contains(says, Assert.Single(report.Model), StringComparison.Ordinal);
        Assert.False(report.Good);
    }

    [Theory]
    [InlineData("libraries", "a numerics class that this machine cannot compute in")]
    [InlineData("gpu", "a numerics class that this machine cannot compute in")]
    [InlineData("atomics", "promises the same distribution, not the same bits")]
    public async Task SlicesOfAnotherClassAreWalkedAndNotMadeAgain(string other, string says)
    {
        await Forger.ResealAsync(manifest => manifest with { Numerics = Other(manifest.Numerics) });
        await new RunRepository(blobs).UpdateAsync(
            TinyRun.Name,
            run => run with { Numerics = run.Numerics.ToDictionary(pair => pair.Key, pair => pair.Key == s_role.Path ? Other(pair.Value) : pair.Value) }, Cancel);

        var report = await VerifyAsync(All);

        Assert.True(report.Good, string.Join("; ", Faults(report)));
        Assert.DoesNotContain(report.Slices, slice => slice.Role == s_role.Path);
        var reason = Assert.Single(report.NotReplayable, reason => !reason.Reason.Contains("swept", StringComparison.Ordinal));
        Assert.Contains(says, reason.Reason, StringComparison.Ordinal);
        Assert.Equal(report.Roles[0].Checkpoints, reason.Slices);

        NumericsClass Other(NumericsClass numerics) => other switch
        {
            "libraries" => numerics with { Libraries = "libtorch 0.1" },
            "gpu" => numerics with { Device = "cuda-sm10" },
            _ => numerics with { Deterministic = false },
        };
    }

    [Fact]
    public async Task DamagedDataIsAFaultOfTheSliceThatReadsIt()
    {
        var shard = (await blobs.ListAsync($"runs/{TinyRun.Name}/clusters/0/", Cancel).ToListAsync(Cancel)).First(blob => blob.Name.EndsWith(".safetensors", StringComparison.Ordinal));
        await blobs.TryWriteAsync(shard.Name, FlipLast((await blobs.ReadAsync(shard.Name, Cancel))!.Bytes), WriteCondition.Any, Cancel);
        var report = await VerifyAsync(All);
        Assert.Contains(report.Slices, slice => slice.Faults.Any(fault => fault.Contains(shard.Name, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ARunThatHasNotTrainedYetHasNothingToVerify()
    {
        using var tiny = new TinyRun();
        using var stop = new StopSignal();
        await tiny.RunAsync(new RecordingProgress(onStage: stage => { if (stage == RunStage.FitPartition) { stop.Raise(); } }), stop);
        using var device = new DeviceThread();
        var report = await RunVerification.For(tiny.Blobs, device).VerifyAsync(TinyRun.Name, All, 0, new Recording(), Cancel);
        Assert.True(report is { Good: true, Candidates: 0 });
        Assert.All(report.Roles, role => Assert.Equal((0, 0), (role.Step, role.Checkpoints)));
        await Assert.ThrowsAsync<UserErrorException>(() => RunVerification.For(tiny.Blobs, device).VerifyAsync("dogs", All, 0, new Recording(), Cancel));
    }

    private static byte[] FlipLast(byte[] bytes)
    {
        bytes[^3] ^= 1;
        return bytes;
    }

    private static IEnumerable<string> Faults(VerificationReport report) => report.Roles.SelectMany(role => role.Faults).Concat(report.Slices.SelectMany(slice => slice.Faults)).Concat(report.Model);

    private async Task<VerificationReport> VerifyAsync(int slices, long seed = 0, Recording? progress = null)
    {
        using var device = new DeviceThread();
        return await RunVerification.For(blobs, device).VerifyAsync(TinyRun.Name, slices, seed, progress ?? new Recording(), Cancel);
    }

    private async Task<List<string>> HashesAsync()
    {
        var hashes = new List<string>();
        await foreach (var blob in blobs.ListAsync("", Cancel))
        {
            hashes.Add(blob.Name + Convert.ToHexString(SHA256.HashData((await blobs.ReadAsync(blob.Name, Cancel))!.Bytes)));
        }

        return hashes;
    }

    private sealed class Recording : IVerificationProgress
    {
        public List<(string Role, long Step)> Steps { get; } = [];

        public void Walked(RoleVerification role)
        {
        }

        public void Drawn(int slices, int candidates, long seed)
        {
        }

        public void Stepped(SliceVerification slice, long step) => Steps.Add((slice.Role, step));

        public void Replayed(SliceVerification slice)
        {
        }
    }
}
