using BenchmarkDotNet.Attributes;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Bench;

/// <summary>Gaussian noise beside libtorch's own generator.</summary>
public class NoiseBenchmarks
{
    private readonly Philox philox = Philox.Create(1, 0, RandomStreams.TrainingNoise);
    private torch.Tensor noise = null!;

    /// <summary>A batch of 64 latents of 4 x 32 x 32.</summary>
    [GlobalSetup]
    public void Allocate() => noise = torch.empty([64, 4, 32, 32]);

    /// <summary>Ours: counted, the same for any batching.</summary>
    [Benchmark(Description = "Philox noise, 64 x 4 x 32 x 32")]
    public void FillByPhilox() => NoiseTensor.FillNormal(noise, philox, step: 3, firstRow: 0);

    /// <summary>The peer: a stateful generator.</summary>
    [Benchmark(Description = "libtorch normal_, 64 x 4 x 32 x 32", Baseline = true)]
    public void FillByLibtorch() => torch.nn.init.normal_(noise);

    /// <summary>Frees the tensor.</summary>
    [GlobalCleanup]
    public void Free() => noise.Dispose();
}
