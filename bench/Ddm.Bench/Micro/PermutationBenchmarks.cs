using BenchmarkDotNet.Attributes;
using Ddm.Tensors;

namespace Ddm.Bench;

/// <summary>The order of training rows.</summary>
public class PermutationBenchmarks
{
    private readonly FeistelPermutation permutation = new(1_000_003, Philox.Create(1, 0, RandomStreams.SampleOrder), epoch: 2);

    /// <summary>One row's place.</summary>
    [Benchmark(Description = "Feistel permutation of a million, one index")]
    public long Index() => permutation[777_777];
}
