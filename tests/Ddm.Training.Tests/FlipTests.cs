using System.Runtime.InteropServices;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

public sealed class FlipTests : IDisposable
{
    private static readonly RunSpec Flipping = Workshop.Spec with { Data = Workshop.Spec.Data with { Flip = true } };

    private readonly Workshop workshop = new();

    public void Dispose() => workshop.Dispose();

    [Fact]
    public async Task AboutHalfOfTheRowsAreMirroredAndNothingElseChanges()
    {
        using var scope = NewDisposeScope();
        var role = Role.Expert(0);
        using var plain = await LoaderAsync(role, Workshop.Spec);
        using var flipping = await LoaderAsync(role, Flipping);
        var mirrored = 0;
        for (var step = 0; step < 10; step++)
        {
            var (a, b) = (plain.Load(step, CPU), flipping.Load(step, CPU));
            Assert.True(a.Eps.equal(b.Eps).all().item<bool>() && a.T.equal(b.T).all().item<bool>() && a.Condition!.equal(b.Condition!).all().item<bool>());
            for (var row = 0; row < a.Count; row++)
            {
                var same = Same(a.X0[row], b.X0[row]);
                Assert.True(same || Same(a.X0[row].flip(-1), b.X0[row]));
                mirrored += same ? 0 : 1;
            }
        }

        Assert.InRange(mirrored, 55, 105); // 80 expected of 160
    }

    [Fact]
    public void OfLatentsTheMirrorImagesAreTakenForTheSameRowsAsOfPixels()
    {
        using var scope = NewDisposeScope();
        var role = Role.Expert(0);
        var training = Roles.Training(Flipping, role);
        var config = Workshop.Config(role) with { Channels = 2, ImageSize = 4, Patch = 2 };
        using var loader = new BatchLoader(new TwoSidedRows(), Flipping, role, training, config);
        var flip = new HorizontalFlip(Flipping.Seed, role.StreamKey);
        for (var step = 0; step < 3; step++)
        {
            var x0 = loader.Load(step, CPU).X0;
            for (var row = 0; row < training.Batch; row++)
            {
                Assert.Equal(flip.Falls(step, row) ? -2f : 2f, x0[row].mean().item<float>(), 1e-3);
            }
        }
    }

    [Theory]
    [InlineData("experts/1")]
    [InlineData("router")]
    public async Task AResumedRunEndsInTheSameBits(string path)
    {
        var role = Role.Parse(path);
        var straight = await workshop.TrainerAsync(role, spec: Flipping);
        Step(straight, 5);
        var plain = await workshop.TrainerAsync(role);
        Step(plain, 5);
        Assert.NotEqual(Workshop.Fingerprint(plain), Workshop.Fingerprint(straight));

        var claim = Assert.IsType<ClaimOutcome.Claimed>(await workshop.Checkpoints.ClaimAsync(
            Workshop.Run, role, "tester", _ => true, TimeSpan.FromMinutes(1), Token)).Claim;
        var before = await workshop.TrainerAsync(role, spec: Flipping);
        Step(before, 2);
        var data = (await workshop.OpenAsync(role)).ManifestSha256;
        Assert.IsType<CommitOutcome.Committed>(await workshop.Checkpoints.CommitAsync(
            claim,
            new CommitRequest { Step = 2, FromStep = 0, DataManifestSha256 = data, Numerics = Workshop.Class(), Parts = before.CheckpointParts() },
            Token));
        var after = await workshop.TrainerAsync(role, await workshop.Checkpoints.OpenAsync(Workshop.Run, role, data, Token), Flipping);
        Step(after, 3);
        Assert.Equal(Workshop.Fingerprint(straight), Workshop.Fingerprint(after));
    }

    [Fact]
    public async Task MicroBatchesSeeTheSamePicturesAndHeldOutRowsAreNeverMirrored()
    {
        using var scope = NewDisposeScope();
        var whole = await workshop.TrainerAsync(Role.Expert(0), spec: Flipping);
        var cut = await workshop.TrainerAsync(Role.Expert(0), spec: Flipping, numerics: Workshop.Class(microBatch: 4));
        Assert.Equal(whole.Step().Loss, cut.Step().Loss, 1e-5);

        // The same weights measure the same held-out loss whether training mirrors or not.
        var (a, b) = (await workshop.TrainerAsync(Role.Router), await workshop.TrainerAsync(Role.Router, spec: Flipping));
        Assert.Equal(a.HeldOutLoss(), b.HeldOutLoss());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static bool Same(Tensor a, Tensor b) => a.equal(b).all().item<bool>();

    private static void Step(Trainer trainer, int count)
    {
        for (var i = 0; i < count; i++)
        {
            trainer.Step();
        }
    }

    // Latents that are 1 in every place, and -1 in their mirror images; of next to no variance.
    private sealed class TwoSidedRows : IRowSource
    {
        private const int Values = 2 * 4 * 4;

        public IReadOnlyList<int> ShardRows { get; } = [64];

        public ClusterLatents? Latents { get; } = new(2, 4, Scale: 2, Mirrored: true);

        public void Load(IReadOnlyCollection<int> shards)
        {
        }

        public void CopyRow(int shard, int row, Span<byte> pixels, out long label, out int cluster) => Fill(pixels, (Half)1, out label, out cluster);

        public void CopyMirrored(int shard, int row, Span<byte> moments, out long label, out int cluster) => Fill(moments, (Half)(-1), out label, out cluster);

        public long RowId(int shard, int row) => row;

        private static void Fill(Span<byte> moments, Half mean, out long label, out int cluster)
        {
            var values = MemoryMarshal.Cast<byte, Half>(moments);
            values[..Values].Fill(mean);
            values[Values..].Fill((Half)(-30));
            (label, cluster) = (0, 0);
        }
    }

    private async Task<BatchLoader> LoaderAsync(Role role, RunSpec spec)
        => new(new ClusterRows(await workshop.OpenAsync(role)), spec, role, Roles.Training(spec, role), Workshop.Config(role));
}
