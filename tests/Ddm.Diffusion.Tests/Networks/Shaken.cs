using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Networks away from their initialisation, whose zeros hide most of what a layer does.</summary>
internal static class Shaken
{
    public static T Fill<T>(T network, long seed)
        where T : TransformerTrunk
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)seed, CPU);
        foreach (var (_, parameter) in network.TrainableParameters())
        {
            parameter.copy_(randn(parameter.shape, generator: generator) * 0.1);
        }

        return network;
    }
}
