using Ddm.Runs;
using TorchSharp;

namespace Ddm.Tensors.Tests;

public class TorchRuntimeTests
{
    [Fact]
    public void TheCpuClassNamesWhatDecidesTheBits()
    {
        var numerics = TorchRuntime.Describe(torch.CPU, microBatch: 8, threads: 2);
        Assert.Equal(new NumericsClass("cpu-" + TorchRuntime.CpuCapability, "float32", 8, 2, "libtorch 2.10.0; TorchSharp 0.107.0", true), numerics);
    }

    [Fact]
    public void AMissingGpuIsSaid()
    {
        Assert.SkipWhen(File.Exists("/dev/nvidia0"), "this machine has a GPU");
        Assert.Throws<NotSupportedException>(() => CudaDriver.ComputeCapability(0));
    }

    [Fact]
    public void ThreadsAreSet()
    {
        TorchRuntime.SetThreads(1);
        Assert.Equal(1, torch.get_num_threads());
        TorchRuntime.SetThreads(2);
        Assert.Equal(2, torch.get_num_threads());
        TorchRuntime.Collect();
        Assert.Throws<ArgumentOutOfRangeException>(() => TorchRuntime.SetThreads(0));
    }
}
