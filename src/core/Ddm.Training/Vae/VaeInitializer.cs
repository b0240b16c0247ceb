using System.Runtime.InteropServices;
using Ddm.Encoders;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// The initial weights of an AutoencoderKL by torch's rules for its layers, which are diffusers' too, drawn from Philox keyed by the seed and counted by (tensor name, element): they
/// depend neither on the order of creation nor on torch's generator.
/// </summary>
internal static class VaeInitializer
{
    /// <summary>A tensor for each weight, float32 on the CPU, of no dispose scope.</summary>
    public static Dictionary<string, Tensor> Draw(VaeConfig config, long seed)
    {
        TorchNative.EnsureLoaded();
        var philox = Philox.Create(seed, VaeStreams.Key, RandomStreams.Initialization);
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        (string Layer, long[] Shape) layer = ("", []);
        foreach (var (name, shape) in config.Weights())
        {
            var isBias = name.EndsWith(".bias", StringComparison.Ordinal);
            layer = isBias ? layer : (name, shape); // a layer's bias stands behind its weight
            var isNorm = layer.Shape.Length == 1;
            weights.Add(name, isNorm ? Constant(shape, isBias ? 0 : 1) : Uniform(philox, name, shape, Bound(layer.Shape)));
        }

        return weights;
    }

    // Kaiming's uniform distribution with a = sqrt(5), and torch's for biases: both U(-1, 1) / sqrt(fan-in).
    private static float Bound(long[] weight) => (float)(1 / Math.Sqrt(weight.Skip(1).Aggregate(1L, (product, length) => product * length)));

    private static Tensor Constant(long[] shape, double value) => Arithmetic.Filled(shape, value, ScalarType.Float32, CPU).DetachFromDisposeScope();

    private static Tensor Uniform(Philox philox, string name, long[] shape, float bound)
    {
        var drawn = empty(shape, ScalarType.Float32, CPU).DetachFromDisposeScope();
        var values = MemoryMarshal.Cast<byte, float>(drawn.bytes);
        philox.FillUniform(values, step: 0, row: NameHash.Fnv1a(name));
        foreach (ref var value in values)
        {
            value = ((2 * value) - 1) * bound;
        }

        return drawn;
    }
}
