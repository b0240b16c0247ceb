using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// The initial weights of DiT and PixArt-alpha, drawn from Philox keyed by (seed, role) and counted by (chunk, parameter name, element): they depend neither on the
/// order of creation nor on torch's global generator nor on the number of threads.
/// </summary>
internal static class WeightInitializer
{
    private const int ChunkElements = 1 << 16;

    public static void Fill(TransformerTrunk network, long seed, uint role)
    {
        var philox = Philox.Create(seed, role, RandomStreams.Initialization);
        using var noGrad = no_grad();
        foreach (var (name, parameter) in network.TrainableParameters())
        {
            using var scope = NewDisposeScope();
            parameter.copy_(Draw(philox, name, parameter.shape));
        }
    }

    /// <summary>The rules of the references' <c>initialize_weights</c>.</summary>
    private static Tensor Draw(Philox philox, string name, long[] shape)
    {
        // adaLN-Zero: every block starts as the identity, and the network's output at zero.
        if (name.EndsWith("scale_shift_table", StringComparison.Ordinal))
        {
            return Normal(philox, name, shape, 1 / MathF.Sqrt(shape[1]));
        }

        if (name == "pos_embed")
        {
            return PositionTable.Create((int)shape[2], (int)Math.Sqrt(shape[1]), CPU);
        }

        if (name == "head.2.weight")
        {
            return ones(shape);
        }

        // PixArt-alpha likewise: a caption says nothing until its projection has learned to.
        var zero = name.EndsWith(".bias", StringComparison.Ordinal)
            || name.Contains("adaLN_modulation", StringComparison.Ordinal)
            || name.StartsWith("final_layer", StringComparison.Ordinal)
            || name == "head.4.weight"
            || name.EndsWith("cross_attn.proj.weight", StringComparison.Ordinal);
        if (zero)
        {
            return zeros(shape);
        }

        var embedding = name.StartsWith("t_embedder", StringComparison.Ordinal)
            || name.StartsWith("y_embedder", StringComparison.Ordinal)
            || name.StartsWith("t_block", StringComparison.Ordinal)
            || name is "text_embedder.tokens.weight" or "text_embedder.positions"
            || name == "cls_token";
        return embedding ? Normal(philox, name, shape, 0.02f) : XavierUniform(philox, name, shape);
    }

    private static Tensor Normal(Philox philox, string name, long[] shape, float std)
        => Chunks(shape, (span, chunk) =>
        {
            philox.FillNormal(span, chunk, NameHash.Fnv1a(name));
            foreach (ref var value in span)
            {
                value *= std;
            }
        });

    // The patch convolution is initialised like the matrix it is: fan-in C p p, fan-out D.
    private static Tensor XavierUniform(Philox philox, string name, long[] shape)
    {
        var fanIn = shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        var bound = (float)Math.Sqrt(6.0 / (fanIn + shape[0]));
        return Chunks(shape, (span, chunk) =>
        {
            philox.FillUniform(span, chunk, NameHash.Fnv1a(name));
            foreach (ref var value in span)
            {
                value = ((2 * value) - 1) * bound;
            }
        });
    }

    private delegate void FillChunk(Span<float> span, ulong chunk);

    private static Tensor Chunks(long[] shape, FillChunk fill)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        var chunks = (values.Length + ChunkElements - 1) / ChunkElements;
        Parallel.For(0, chunks, chunk =>
        {
            var first = chunk * ChunkElements;
            fill(values.AsSpan(first, Math.Min(ChunkElements, values.Length - first)), (ulong)chunk);
        });
        return tensor(values, shape);
    }
}
