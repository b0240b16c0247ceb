using System.Runtime.InteropServices;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

/// <summary>Captions on their way into a batch.</summary>
public sealed class CaptionBatchTests
{
    static CaptionBatchTests() => TorchNative.EnsureLoaded();

    private static readonly TextShape Words = new(3, 32, 500), Vectors = new(2, 4, 0);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AStepsRowsHaveTheirOwnCaptionsOrNone(bool learned)
    {
        using var scope = NewDisposeScope();
        var text = learned ? Words : Vectors;
        using var loader = Loader(text, dropout: 0.25);
        using var again = Loader(text, dropout: 0.25);
        var (hidden, rows) = (0, 0);
        for (var step = 0; step < 20; step++)
        {
            var batch = loader.Load(step, CPU);
            var captions = batch.Condition!;
            Assert.Equal(learned ? [16, 3] : [16, 2, 4], captions.shape);
            Assert.Equal(learned ? ScalarType.Int32 : ScalarType.Float16, captions.dtype);
            Assert.True(captions.Equals(again.Load(step, CPU).Condition!));
            for (var row = 0; row < batch.Count; row++, rows++)
            {
                var said = (int)captions[row].reshape(-1)[0].to(ScalarType.Float32).item<float>();
                Assert.True(said == TextShape.NullToken || said == 100 + loader.RowId(row), $"row {loader.RowId(row)} is told {said}");
                hidden += said == TextShape.NullToken ? 1 : 0;
            }
        }

        Assert.InRange(hidden / (double)rows, 0.18, 0.32);
    }

    [Fact]
    public void ABlindNetworkIsToldNothing()
    {
        using var scope = NewDisposeScope();
        using var loader = Loader(Words, dropout: 0.25, blind: true);
        Assert.Null(loader.Load(0, CPU).Condition);
    }

    private static BatchLoader Loader(TextShape text, double dropout, bool blind = false)
    {
        var spec = Workshop.Spec with { Model = Workshop.Spec.Model with { ConditionDropout = dropout, TextCondition = !blind } };
        return new BatchLoader(new Rows(text), spec, Role.Expert(0), spec.Experts, Roles.Network(spec, Role.Expert(0), 0, text));
    }

    /// <summary>Row r says 100 + r in its first number, no caption the null token.</summary>
    private sealed class Rows(TextShape text) : IRowSource
    {
        public IReadOnlyList<int> ShardRows { get; } = [40, 24];

        public TextShape? Text => text;

        public void Load(IReadOnlyCollection<int> shards)
        {
        }

        public void CopyRow(int shard, int row, Span<byte> pixels, out long label, out int cluster) => (label, cluster) = (-1, 0);

        public void CopyText(int shard, int? row, Span<byte> condition)
        {
            condition.Clear();
            var said = row is { } own ? 100 + RowId(shard, own) : TextShape.NullToken;
            if (text.Learned)
            {
                MemoryMarshal.Cast<byte, int>(condition)[0] = (int)said;
            }
            else
            {
                MemoryMarshal.Cast<byte, Half>(condition)[0] = (Half)said;
            }
        }

        public long RowId(int shard, int row) => (40 * shard) + row;
    }
}
